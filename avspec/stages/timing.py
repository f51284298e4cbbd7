"""What answering takes: tokens read, seconds and tokens of an answer, seconds of an edit, each way alike."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from avspec.model.encoding import chat_ids
from avspec.model.generate import generate_ids
from avspec.stages.surface import Live

ROWS = 4
"""Queries that are answered, in one batch where they fit."""
TOKENS = 32
"""Longest answer, tokens; a model may end it before."""
ROUNDS = 3
"""Each way is timed as often, in turns, and its fastest round counts: whatever else ran only makes one slower."""


@dataclass(frozen=True)
class Way:
    """One way to have queries answered."""

    coefficients: Mapping[str, float]
    turns: Sequence[str]
    """What the user says, instruction included."""


@dataclass(frozen=True)
class Timing:
    """What a way took."""

    seconds_per_answer: float
    """Seconds of one batch over its answers, the prompts' share included."""
    answer_tokens: float
    """Mean tokens of an answer, its end sign included."""
    editing_seconds: float
    """Seconds that setting the knobs took, from the base; 0 where all are at 0."""


def input_tokens(tokenizer: Any, turns: Sequence[str]) -> float:
    """Return the mean tokens of what the model reads before it answers, chat template included."""
    return sum(len(chat_ids(tokenizer, _messages(turn), prompt=True)) for turn in turns) / len(turns)


def timed(live: Live, ways: Mapping[str, Way], check_stop: Callable[[], None] = lambda: None) -> dict[str, Timing]:
    """Return what each way took: greedy answers with one budget of new tokens, in this process, in turns.

    Args:
        live: The model.
        ways: Ways by name; as many turns in each.
        check_stop: Called before each way is timed.
    """
    _answer(live, next(iter(ways.values())))  # the first answers of a process also load and allocate
    found: dict[str, Timing] = {}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            check_stop()
            found[name] = _faster(_answer(live, way), found.get(name))
    return found


def _answer(live: Live, way: Way) -> Timing:
    live.editor.set({})
    began = time.perf_counter()
    live.editor.set(way.coefficients)
    set_at = time.perf_counter()
    model = live.editor.model
    answers = generate_ids(model, live.tokenizer, [_messages(turn) for turn in way.turns], max_new_tokens=TOKENS)
    ended = time.perf_counter()
    tokens = sum(answer_length(ids, _ends(model)) for ids in answers)
    editing = set_at - began if any(way.coefficients.values()) else 0.0
    return Timing((ended - set_at) / len(answers), tokens / len(answers), editing)


def _faster(new: Timing, old: Timing | None) -> Timing:
    if old is None:
        return new
    seconds = min(new.seconds_per_answer, old.seconds_per_answer)
    return Timing(seconds, new.answer_tokens, min(new.editing_seconds, old.editing_seconds))


def _messages(turn: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": turn}]


def _ends(model: Any) -> frozenset[int]:
    """Return the tokens that end an answer."""
    ends = model.generation_config.eos_token_id
    return frozenset(ends if isinstance(ends, list | tuple) else [] if ends is None else [ends])


def answer_length(ids: Sequence[int], ends: frozenset[int]) -> int:
    """Return the tokens of an answer up to its end sign, without what pads it to the length of others."""
    return next((index + 1 for index, token in enumerate(ids) if token in ends), len(ids))
