from dataclasses import replace
from types import SimpleNamespace

import pytest

from avspec.api import Row
from avspec.stages import subject as module
from avspec.stages.subject import LONGEST, Ground, Steered

ROWS = {
    name: [Row(f"{name}-{i}", name, f"{name} {i}?", {}) for i in range(5)] for name in ("medical", "legal", "safety")
}


@pytest.fixture
def generated(monkeypatch) -> list[list[str]]:
    """The queries of every batch that was generated; an answer is its query's letters, padded."""
    batches: list[list[str]] = []

    def generate_ids(model, tokenizer, conversations, *, max_new_tokens, **sampling):
        batches.append([turns[0]["content"] + "".join(map(str, sampling.values())) for turns in conversations])
        return [[ord(letter) for letter in text.ljust(max_new_tokens)] for text in batches[-1]]

    monkeypatch.setattr(module, "generate_ids", generate_ids)
    return batches


@pytest.fixture
def turned() -> list[dict[str, float]]:
    """What the knobs were set to, one after the other."""
    return []


@pytest.fixture
def ground(turned) -> Ground:
    tokenizer = SimpleNamespace(decode=lambda ids, skip_special_tokens: "".join(map(chr, ids)))
    editor = SimpleNamespace(model=None, set=turned.append)
    live = SimpleNamespace(editor=editor, tokenizer=tokenizer)
    return Ground(live, {}, ROWS, SimpleNamespace(check_stop=lambda: None))


@pytest.fixture
def subject(ground) -> Steered:
    return Steered(ground, {"medical": 0.0, "legal": 0.0}, {}, {})


def test_domains_with_a_knob_are_answered_in_one_batch(subject, generated) -> None:
    assert subject.generate("medical", 2, 8) == ["medical", "medical"]  # cut to 8 tokens, and stripped
    assert subject.generate("legal", 2, 8) == ["legal 0?", "legal 1?"]
    assert generated == [["medical 0?", "medical 1?", "legal 0?", "legal 1?"]]


def test_sampled_answers_are_drawn_by_themselves_and_once(subject, generated) -> None:
    subject.generate("medical", 2, 12)
    hot = subject.generate("medical", 2, 16, temperature=0.5, seed=3)
    assert hot == ["medical 0?0.53", "medical 1?0.53"]
    assert subject.generate("medical", 2, 16, temperature=0.5, seed=3) == hot
    assert subject.generate("medical", 2, 16, temperature=0.5, seed=4) != hot
    assert [len(batch) for batch in generated] == [4, 2, 2], "greedy answers of both domains, then two samplings"


def test_a_shorter_answer_is_cut_from_a_longer_one(subject, generated) -> None:
    subject.generate("medical", 1, 8)
    assert subject.generate("medical", 1, LONGEST) == ["medical 0?"]
    assert len(generated) == 1
    subject.generate("medical", 1, LONGEST + 1)
    assert len(generated) == 2


def test_only_what_is_missing_is_generated(subject, generated) -> None:
    subject.generate("medical", 1, 8)
    subject.generate("safety", 1, 8)
    subject.generate("safety", 99, 8)
    subject.generate("safety", 99, 8)
    assert generated[1] == ["safety 0?"]
    assert generated[2] == [row.query for name in ("safety", "medical", "legal") for row in ROWS[name][1:]]
    assert len(generated) == 3


def test_queries_are_put_as_they_are_asked(ground, generated) -> None:
    asked = {"medical": [replace(row, query=f"Refuse. {row.query}") for row in ROWS["medical"]]}
    prompted = Steered(ground, {"medical": 0.0}, {}, {}, asked=asked)
    assert prompted.generate("medical", 1, 20) == ["Refuse. medical 0?"]
    assert prompted.rows("medical") == ROWS["medical"], "a judge sees the query without the words before it"


def test_blocks_are_turned_where_there_are_any(ground, generated, turned) -> None:
    blocks = {"medical/1": 1.0, "medical/2": 0.0}
    Steered(ground, {"medical": 0.5}, {}, {}, turned=blocks).generate("medical", 1, 8)
    Steered(ground, {"medical": 0.5}, {}, {}).generate("medical", 1, 8)
    assert turned == [blocks, {"medical": 0.5}]
