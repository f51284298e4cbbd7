"""Judged accuracy: what a judge says of generated answers, and whether it can be trusted (paper, section 5.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import Field

from avspec.api import Options, Subject
from avspec.stats import wilson

Judge = Callable[[str, Sequence[tuple[str, str]]], Sequence[str]]
"""A domain and pairs of query and response to the level of each, or any other word where it cannot say."""


class JudgedOptions(Options):
    """How much is generated for a judge."""

    rows: int = Field(default=20, ge=1)
    """Test queries answered in each domain; the paper judges 20."""
    max_new_tokens: int = Field(default=128, ge=8)
    """Length of each answer, in tokens."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    """0 for greedy answers; above it they are sampled."""
    seed: int = 0
    """Seed of the sampling."""


def judged(subject: Subject, judge: Judge, options: JudgedOptions) -> Mapping[str, Mapping[str, Any]]:
    """Return what a judge says of generated answers in each domain that has a knob.

    The judge is tried first on the responses of the same test rows, whose levels are known. One whose 95 % interval
    there does not lie above chance cannot tell the levels apart, and `verdict` says so.

    Returns:
        For each domain the share of each level (`expert`, ...) with its Wilson interval, how many answers there were
        and how many were `unclear`, the judge's `known_accuracy` and the `verdict` on it.
    """
    return {domain: _domain(subject, judge, options, domain) for domain in subject.coefficients}


def _domain(subject: Subject, judge: Judge, options: JudgedOptions, domain: str) -> dict[str, Any]:
    levels, rows = subject.levels[domain], subject.rows(domain)[: options.rows]
    known = [(row.query, row.responses[level], level) for row in rows for level in levels]
    said = judge(domain, [(query, response) for query, response, _ in known])
    right = sum(level == wanted for level, (_, _, wanted) in zip(said, known, strict=True))
    answers = subject.generate(
        domain, options.rows, options.max_new_tokens, temperature=options.temperature, seed=options.seed
    )
    found = Counter(judge(domain, [(row.query, answer) for row, answer in zip(rows, answers, strict=True)]))
    return {
        **{level: found[level] / len(answers) for level in levels},
        "intervals": {level: list(wilson(found[level], len(answers))) for level in levels},
        "answers": len(answers),
        "unclear": sum(count for level, count in found.items() if level not in levels),
        "known_accuracy": right / len(known),
        "verdict": _verdict(right, len(known), len(levels)),
    }


def _verdict(right: int, known: int, levels: int) -> str:
    low, high = wilson(right, known)
    told = f"{right} of {known} known responses right [{low:.2f}, {high:.2f}], chance {1 / levels:.2f}"
    return f"{'can' if low > 1 / levels else 'CANNOT'} tell the levels apart: {told}"
