"""The answer to a question about a run: found, and told as JSON or as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from avspec import stats
from avspec.run.summary import table
from avspec.search.answer import Answer, Prediction, answer
from avspec.search.demands import Demand, demands, least_shares, levels_of
from avspec.search.evaluations import Evaluation
from avspec.search.objective import Judgement
from avspec.serve.question import Question
from avspec.serve.tables import knobs_line
from avspec.serve.verify import Verified, verify

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Told:
    """A question with its answer and, where it was verified, the measurement."""

    question: Question
    answer: Answer
    verified: Verified | None = None

    @property
    def coefficients(self) -> Mapping[str, float]:
        """Return the best coefficients known: the predicted ones, or else the best that were evaluated."""
        prediction = self.answer.prediction
        return prediction.coefficients if prediction else self.answer.best.coefficients


def answered(question: Question) -> Told:
    """Answer from the stored evaluations alone.

    Raises:
        NoInput: They are gone.
    """
    return Told(question, answer(question.objective(question.base()), question.space, question.evaluated()))


def verified(told: Told, device: str = "auto", tell: Callable[[str], None] = lambda note: None) -> Told:
    """Measure the best coefficients known on both splits.

    Raises:
        NonFinite: The model gave NaN or infinity there.
        ModelError: The run's model cannot be loaded.
    """
    return replace(told, verified=verify(told.question, told.coefficients, device, tell))


def to_json(told: Told) -> dict[str, Any]:
    """Return what `--json` prints."""
    question, found = told.question, told.answer
    levels = question.params.levels
    return {
        "format_version": FORMAT_VERSION,
        "run": question.run,
        "wanted": levels_of(question.wanted),
        "least_share": least_shares(question.wanted),
        "evaluations": found.evaluations,
        "left_out_error": found.left_out_error,
        "evaluated": {
            "coefficients": dict(found.best.coefficients),
            "held": found.judgement.held,
            "margin": found.judgement.margin,
            "fluency_drop": found.judgement.fluency_drop,
            "domains": _described(found.best, levels),
        },
        "predicted": _prediction(found.prediction) if found.prediction else None,
        "verified": _verified(told.verified, levels) if told.verified else None,
    }


def _described(evaluation: Evaluation, levels: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    return {name: stats.described(values, levels[name]) for name, values in evaluation.log_probs.items()}


def _prediction(prediction: Prediction) -> dict[str, Any]:
    return {
        "coefficients": dict(prediction.coefficients),
        "chance": prediction.chance,
        "margin": prediction.margin,
        "domains": {
            name: {"shares": dict(shares), "range": {level: list(r) for level, r in prediction.ranges[name].items()}}
            for name, shares in prediction.shares.items()
        },
    }


def _verified(verified: Verified, levels: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    splits = {split: _described(evaluation, levels) for split, evaluation in verified.evaluations.items()}
    return {
        "coefficients": dict(verified.coefficients),
        "held": {split: judgement.held for split, judgement in verified.judgements.items()},
        "fluency_drop": {split: judgement.fluency_drop for split, judgement in verified.judgements.items()},
        "domains": {name: {split: seen[name] for split, seen in splits.items()} for name in levels},
        "evaluations_made": verified.made,
    }


def to_text(told: Told) -> str:
    """Return the answer as text that is readable without color."""
    parts = [_title(told.question), _trust(told.answer), table(("", "", "coefficients"), list(_points(told)))]
    parts += [_shares(told), "\n".join(_next(told)) + "\n"]
    return "\n".join(part for part in parts if part)


def _title(question: Question) -> str:
    wanted = [f"{domain} {_demand(demand)}" for domain, demand in demands(question.wanted).items()]
    free = [domain for domain in question.params.domains if domain not in question.wanted]
    return f"{question.run}: {', '.join(wanted)}" + (f"; free: {', '.join(free)}" if free else "")


def _demand(demand: Demand) -> str:
    return f"{demand.level}, at least {demand.share:.2f}" if demand.share is not None else demand.level


def _trust(found: Answer) -> str:
    stored = f"{found.evaluations} evaluations are stored"
    if found.left_out_error is None:
        return f"{stored}: too few to predict others\n"
    error = f"{found.left_out_error:.2f}"
    return f"{stored}; a surface fitted to all but one misses the shares of that one by {error} on average\n"


def _points(told: Told) -> Iterator[tuple[str, ...]]:
    found = told.answer
    yield "evaluated", _held(found.judgement), knobs_line(found.best.coefficients)
    if found.prediction:
        yield "predicted", f"holds with chance {found.prediction.chance:.2f}", knobs_line(found.prediction.coefficients)
    if told.verified:
        kept = [split for split, judgement in told.verified.judgements.items() if judgement.held]
        yield (
            "verified",
            f"held on {' and '.join(kept)}" if kept else "not held",
            knobs_line(told.verified.coefficients),
        )


def _held(judgement: Judgement) -> str:
    if judgement.held:
        return "held on search"
    return "not held on search" if judgement.feasible else "beyond a limit of fluency or of a guardrail"


def _shares(told: Told) -> str:
    columns = ["evaluated [95 %]"]
    columns += ["predicted [80 %]"] if told.answer.prediction else []
    columns += ["verified, search [95 %]", "test [95 %]"] if told.verified else []
    rows = [(d, _demand(demand), *_row(told, d, demand.level)) for d, demand in demands(told.question.wanted).items()]
    return table(("domain", "wanted", *columns), rows)


def _row(told: Told, domain: str, level: str) -> Iterator[str]:
    yield _measured(told, told.answer.best, domain, level)
    if prediction := told.answer.prediction:
        yield _cell(prediction.shares[domain], level, prediction.ranges[domain][level])
    if told.verified:
        for evaluation in told.verified.evaluations.values():
            yield _measured(told, evaluation, domain, level)


def _measured(told: Told, evaluation: Evaluation, domain: str, level: str) -> str:
    seen = stats.described(evaluation.log_probs[domain], told.question.params.levels[domain])
    return _cell(seen["shares"], level, seen["interval"][level])


def _cell(shares: Mapping[str, float], level: str, bounds: Sequence[float]) -> str:
    """Return the wanted level's share with its bounds, and the largest other one, which it must exceed."""
    others = {name: share for name, share in shares.items() if name != level}
    rival = max(others, key=lambda name: others[name])
    ahead = shares[level] - others[rival]
    sign = ">" if ahead > 0 else "<" if ahead < 0 else "="
    return f"{shares[level]:.2f} [{bounds[0]:.2f}, {bounds[1]:.2f}] {sign} {rival} {others[rival]:.2f}"


def _next(told: Told) -> Iterator[str]:
    if not told.answer.prediction:
        yield "No other coefficients are predicted to be better."
    elif not told.verified:
        yield "A prediction is no measurement: --verify makes one evaluation of it, on both splits."
    knobs = " ".join(f"{domain} {c:g}" for domain, c in told.coefficients.items())
    yield f"Try it: avspec chat {told.question.run_dir}, then /set {knobs}"
