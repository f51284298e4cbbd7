from types import SimpleNamespace

import pytest

from avspec.api import Row
from avspec.stages import evaluate
from avspec.stages.evaluate import EXAMPLE_TOKENS, _Subject

ROWS = {
    name: [Row(f"{name}-{i}", name, f"{name} {i}?", {}) for i in range(5)] for name in ("medical", "legal", "safety")
}


@pytest.fixture
def generated(monkeypatch) -> list[list[str]]:
    """The queries of every batch that was generated; an answer is its query's letters, padded."""
    batches: list[list[str]] = []

    def generate_ids(model, tokenizer, conversations, *, max_new_tokens):
        batches.append([turns[0]["content"] for turns in conversations])
        return [[ord(letter) for letter in text.ljust(max_new_tokens)] for text in batches[-1]]

    monkeypatch.setattr(evaluate, "generate_ids", generate_ids)
    return batches


@pytest.fixture
def subject() -> _Subject:
    tokenizer = SimpleNamespace(decode=lambda ids, skip_special_tokens: "".join(map(chr, ids)))
    stage = SimpleNamespace(
        params=SimpleNamespace(domains=("medical", "legal")),
        surfaces={"test": SimpleNamespace(rows=ROWS)},
        live=SimpleNamespace(editor=SimpleNamespace(model=None, set=lambda coefficients: None), tokenizer=tokenizer),
        ctx=SimpleNamespace(check_stop=lambda: None),
    )
    return _Subject(stage, {}, {}, None)


def test_domains_with_a_knob_are_answered_in_one_batch(subject, generated) -> None:
    assert subject.generate("medical", 2, 8) == ["medical", "medical"]  # cut to 8 tokens, and stripped
    assert subject.generate("legal", 2, 8) == ["legal 0?", "legal 1?"]
    assert generated == [["medical 0?", "medical 1?", "legal 0?", "legal 1?"]]


def test_a_shorter_answer_is_cut_from_a_longer_one(subject, generated) -> None:
    subject.generate("medical", 1, 8)
    assert subject.generate("medical", 1, EXAMPLE_TOKENS) == ["medical 0?"]
    assert len(generated) == 1
    subject.generate("medical", 1, EXAMPLE_TOKENS + 1)
    assert len(generated) == 2


def test_only_what_is_missing_is_generated(subject, generated) -> None:
    subject.generate("medical", 1, 8)
    subject.generate("safety", 1, 8)
    subject.generate("safety", 99, 8)
    subject.generate("safety", 99, 8)
    assert generated[1] == ["safety 0?"]
    assert generated[2] == [row.query for name in ("safety", "medical", "legal") for row in ROWS[name][1:]]
    assert len(generated) == 3
