"""What looks like a key is removed, what does not stays."""

import pytest

from avspec.providers.keys import Key, environment_key

KEY = Key("my-own-secret", "SOME_KEY")


@pytest.mark.parametrize(
    "secret",
    [
        "my-own-secret",
        "sk-ant-api03-AbC_123-xyz",
        "sk-proj-abcdef123456",
        "sk-abcd***************wxyz",
        "SK-ABCDEF123456",
        "gsk_abcdefgh12345678",
        "hf_abcdefgh12345678",
        "xai-abcdefgh12345678",
        "AIzaSyA1234567890abcdefg",
        "0123456789abcdef" * 4,
    ],
)
def test_a_key_is_removed(secret: str) -> None:
    assert KEY.hide(f"Incorrect API key provided: {secret}.").startswith("Incorrect API key provided: [removed]")
    assert secret not in KEY.hide(f'{{"error": "{secret}"}}')


def test_what_follows_bearer_is_removed() -> None:
    assert KEY.hide("Authorization: Bearer abc.def, try again") == "Authorization: Bearer [removed] try again"


@pytest.mark.parametrize(
    "text",
    [
        "there is no model 'claude-sonnet-4-5-20250929'",
        "request req_011CSHoEeqs5C35K2UUqR7Fy failed",
        "ask for less: the risk-free keyboard-driven task of a disk-bound desk",
        "meta-llama/Llama-3.3-70B-Instruct is not here",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert KEY.hide(text) == text


def test_an_answer_loses_the_key_alone() -> None:
    assert KEY.cut("my-own-secret and sk-proj-abcdef123456") == "[removed] and sk-proj-abcdef123456"


def test_a_placeholder_is_not_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    placeholder = environment_key("SOME_KEY", needed=False)
    assert placeholder.cut(placeholder.value) == placeholder.value


def test_a_key_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", " my-own-secret\n")
    key = environment_key("SOME_KEY", needed=True)
    assert key == KEY and "my-own-secret" not in repr(key)
