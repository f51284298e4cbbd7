"""The paper's baselines beside the knobs: prompting (section 5.2) and joint training (section 6.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from avspec.report import text
from avspec.report.behaviors import Behavior, clean
from avspec.report.cost import Cost
from avspec.report.inputs import Artifacts, Json, Outline

PROMPTING_HEAD = (
    "Domain",
    "How",
    "Asked for",
    "Coefficient",
    "Shares",
    "Holds",
    "Answers judged",
    "Input tokens",
    "Time",
)
JOINT_HEAD = ("Behavior", "Asked for", "Joint training", "Holds", "Editing", "Holds", "Training")
JUDGES = ("judge", "classifier")
"""Evaluators that say the level of generated answers; the first that ran is shown."""


@dataclass(frozen=True, slots=True)
class Answers:
    """One query of the test split, answered in every way."""

    domain: str
    query: str
    default: str
    levels: tuple[tuple[str, str, str, str], ...]
    """Level, most preferred first, the answer when it is asked for in words, the knob's coefficient, its answer."""


@dataclass(frozen=True, slots=True)
class Baselines:
    """Both baselines as tables of text."""

    prompting: tuple[tuple[str, ...], ...]
    """Rows as `PROMPTING_HEAD` names their cells; empty where prompting was not asked for."""
    prompting_says: str
    answers: tuple[Answers, ...]
    """One of each domain."""
    joint: tuple[tuple[str, ...], ...]
    """Rows as `JOINT_HEAD` names their cells."""
    joint_says: str
    json: Json
    """`prompting` and `joint` as the stages left them."""


def read_baselines(
    outline: Outline, artifacts: Artifacts, behaviors: Mapping[str, Behavior], cost: Cost
) -> Baselines | None:
    """Return the baselines, or None where the spec asks for none."""
    if not artifacts.prompting and not artifacts.joint:
        return None
    domains: Mapping[str, Json] = artifacts.prompting.get("domains") or {}
    return Baselines(
        prompting=tuple(row for domain, found in domains.items() for row in _domain(outline, domain, found)),
        prompting_says=_prompting_says(domains) if domains else "",
        answers=tuple(_answers(outline, domain, found) for domain, found in domains.items() if "query" in found),
        joint=tuple(_joint(name, found, behaviors[name]) for name, found in artifacts.joint.items()),
        joint_says=_joint_says(artifacts.joint, cost),
        json={
            **({"prompting": artifacts.prompting} if domains else {}),
            **({"joint": artifacts.joint} if artifacts.joint else {}),
        },
    )


def _domain(outline: Outline, domain: str, found: Json) -> Iterator[tuple[str, ...]]:
    levels, default = outline.levels[domain], found["default"]
    yield _row(domain, "default", "", levels, default, default)
    for how, key in (("in words", "prompted"), ("knob", "knob")):
        for level in reversed(levels):
            yield _row(domain, how, level, levels, found["levels"][level][key], default)


def _row(domain: str, how: str, level: str, levels: Sequence[str], found: Json, default: Json) -> tuple[str, ...]:
    shares = found["shares"]
    holds = "" if not level else _yes(found["held"]["test"] if "held" in found else _dominant(shares, level))
    return (
        domain,
        how,
        level,
        text.coefficient(found["coefficient"]) if "coefficient" in found else "",
        text.shares(shares, {name: tuple(bounds) for name, bounds in found["interval"].items()}),
        holds,
        _judged(found["metrics"], domain, levels),
        text.count(found["input_tokens"]),
        f"{found['seconds_per_answer'] / default['seconds_per_answer']:.2f}\u00a0×",
    )


def _answers(outline: Outline, domain: str, found: Json) -> Answers:
    return Answers(
        domain,
        clean(found["query"]),
        clean(found["default"]["answer"]),
        tuple(
            (
                level,
                clean(found["levels"][level]["prompted"]["answer"]),
                text.coefficient(found["levels"][level]["knob"]["coefficient"]),
                clean(found["levels"][level]["knob"]["answer"]),
            )
            for level in reversed(outline.levels[domain])
        ),
    )


def _judged(metrics: Json, domain: str, levels: Sequence[str]) -> str:
    said = next((metrics[name][domain] for name in JUDGES if domain in (metrics.get(name) or {})), None)
    return text.shares({level: said[level] for level in levels}, {}) if said else text.NOTHING


def _yes(held: bool) -> str:
    return "yes" if held else "no"


def _prompting_says(domains: Mapping[str, Json]) -> str:
    plain = [found["default"] for found in domains.values()]
    levels = [level for found in domains.values() for level in found["levels"].values()]
    words, knobs = [level["prompted"] for level in levels], [level["knob"] for level in levels]
    tokens = _mean(words, "input_tokens") / _mean(plain, "input_tokens")
    seconds = _mean(words, "seconds_per_answer") / _mean(knobs, "seconds_per_answer")
    reached = sum(knob["held"]["test"] for knob in knobs)
    return (
        f"Words make the input {tokens:.1f} times as long, an answer of {_mean(words, 'answer_tokens'):.0f} tokens "
        f"{seconds:.2f} times as long as with a knob; setting the knob takes "
        f"{text.duration(_mean(knobs, 'editing_seconds'))}. "
        f"Knobs make {reached} of {len(knobs)} levels dominant on the test split, words "
        f"{sum(_dominates(found) for found in domains.values())}."
    )


def _dominates(found: Json) -> int:
    """Return how many levels are dominant when they are asked for in words."""
    return sum(_dominant(each["prompted"]["shares"], level) for level, each in found["levels"].items())


def _dominant(shares: Mapping[str, float], level: str) -> bool:
    """Return whether a level has a larger share than any other."""
    return shares[level] > max(share for name, share in shares.items() if name != level)


def _mean(each: Sequence[Json], key: str) -> float:
    return fmean(one[key] for one in each)


def _joint(name: str, found: Json, behavior: Behavior) -> tuple[str, ...]:
    wanted: Mapping[str, str] = found["wanted"]
    edited = {result.domain: result.test for result in behavior.domains}
    return (
        name,
        ", ".join(f"{domain} {level}" for domain, level in wanted.items()),
        ", ".join(text.percent(found["domains"][d]["test"]["shares"][level]) for d, level in wanted.items()),
        _yes(found["held"]["test"]),
        ", ".join(
            text.percent(seen.shares.get(level) if (seen := edited.get(d)) else None) for d, level in wanted.items()
        ),
        text.NOTHING if behavior.held_test is None else _yes(behavior.held_test),
        text.duration(found["seconds"]),
    )


def _joint_says(joint: Mapping[str, Json], cost: Cost) -> str:
    """Say what all combinations would take, in measured runs, against vectors, sweep and search."""
    own = (cost.training or 0) + (cost.searched or 0)
    if not joint or not cost.joint or not own:
        return ""
    return (
        f"{text.plural(cost.joint_runs, 'joint run')} for all combinations of levels would take "
        f"{text.duration(cost.joint)} at the mean of the runs measured here, {cost.joint / own:.1f} times as long as "
        f"the vectors, the sweep and the search together ({text.duration(own)})."
    )
