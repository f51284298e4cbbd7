"""`avspec eval`: a run's model on rows of the user's own, beside its base."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avspec import stats
from avspec.api import Row
from avspec.errors import UsageError
from avspec.knobs import in_order
from avspec.model.run_folder import RunFolder
from avspec.rows import read_mixed_rows

if TYPE_CHECKING:  # wrong rows and wrong options are told before torch is imported
    from avspec.model.steered import DomainScore, SteeredModel

FORMAT_VERSION = 1
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What to measure, checked before the model is loaded."""

    run: RunFolder
    rows: Mapping[str, Sequence[Row]]
    coefficients: Mapping[str, float]
    behavior: str | None = None
    wanted: Mapping[str, str] = field(default_factory=dict)
    """The behavior's level of each domain it names."""


@dataclass(frozen=True)
class DomainResult:
    """One domain, with the knobs set and at 0."""

    now: DomainScore
    base: DomainScore
    wanted: str
    """The level whose responses the fluency drop is about: the behavior's, else the dominant one of the base."""

    @property
    def fluency_drop(self) -> float:
        """Return how far the wanted responses' mean log-prob fell below the base's, nats per token."""
        return self.base.mean_log_prob[self.wanted] - self.now.mean_log_prob[self.wanted]

    def to_json(self) -> dict[str, Any]:
        """Return what `--json` prints for the domain."""
        return {
            **vars(self.now),
            "interval": intervals(self.now),
            "fluency_drop": self.fluency_drop,
            "wanted": self.wanted,
            "base": vars(self.base),
        }


def read_request(run_dir: Path, data: Path, *, behavior: str | None = None, coefficients: str | None = None) -> Request:
    """Read the rows and find the coefficients.

    Args:
        run_dir: A run's folder.
        data: A JSONL file, each row of which names its domain.
        behavior: A behavior of the run.
        coefficients: `medical=-0.4,legal=0.8`; a domain that is not named has 0. Neither means the base.

    Raises:
        UsageError: Both are given, the behavior is unknown, or the coefficients are not understood.
        NoInput: The run or the file is not there.
        DataError: The file has broken rows; each is named with its line.
    """
    if behavior is not None and coefficients is not None:
        raise UsageError("--behavior and --coefficients exclude each other")
    run = RunFolder.open(run_dir)
    found = run.behavior(behavior) if behavior is not None else None
    knobs = found.coefficients if found else parse_coefficients(coefficients or "", run.knobs)
    return Request(run, read_mixed_rows(data, run.levels), knobs, behavior, found.wanted if found else {})


def parse_coefficients(text: str, domains: Sequence[str]) -> dict[str, float]:
    """Return the coefficients written as `medical=-0.4,legal=0.8`.

    Raises:
        UsageError: A part is not DOMAIN=NUMBER, or names a domain that is not there, or one twice.
    """
    coefficients: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        domain, _, number = (word.strip() for word in part.partition("="))
        if domain not in domains:
            raise UsageError(f"no knob is named {domain}", where=part, hint=f"the knobs are {', '.join(domains)}")
        if domain in coefficients:
            raise UsageError(f"the coefficient of {domain} is given twice", where=text)
        coefficients[domain] = _number(number, part)
    return coefficients


def _number(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        hint = "write it as medical=-0.4,legal=0.8"
        raise UsageError(f"{text!r} is not a number", where=where, hint=hint) from None


def evaluate(model: SteeredModel, request: Request, progress: Progress = lambda note: None) -> dict[str, DomainResult]:
    """Score every row with the knobs at 0 and with the knobs set; the model's knobs are as before afterwards.

    Raises:
        DataError: A row does not fit the model's context.
        NonFinite: The model gave NaN or infinity.
    """
    base = _scores(model, dict.fromkeys(model.coefficients, 0.0), request, progress)
    steered = any(request.coefficients.values())
    now = _scores(model, request.coefficients, request, progress) if steered else base
    return {
        domain: DomainResult(now[domain], base[domain], request.wanted.get(domain) or _dominant(base[domain]))
        for domain in request.rows
    }


def _scores(
    model: SteeredModel, coefficients: Mapping[str, float], request: Request, progress: Progress
) -> dict[str, DomainScore]:
    from avspec.model.steered import domain_score

    what = "steered" if any(coefficients.values()) else "base"
    scores = {}
    with model.knobs({**dict.fromkeys(model.coefficients, 0.0), **coefficients}):
        for domain, rows in request.rows.items():
            progress(f"{what}: {domain}, {len(rows)} rows")
            scores[domain] = domain_score(model.log_probs(domain, rows), model.levels[domain])
    return scores


def _dominant(score: DomainScore) -> str:
    return max(score.shares, key=lambda level: score.shares[level])


def intervals(score: DomainScore) -> dict[str, list[float]]:
    """Return the 95 % Wilson interval of each level's share."""
    return {level: list(stats.wilson(round(x * score.rows), score.rows)) for level, x in score.shares.items()}


def to_json(results: Mapping[str, DomainResult], request: Request) -> dict[str, Any]:
    """Return what `--json` prints; its coefficients are all knobs, also those at 0."""
    return {
        "format_version": FORMAT_VERSION,
        "behavior": request.behavior,
        "coefficients": in_order(request.coefficients, list(request.run.domains)),
        "domains": {domain: result.to_json() for domain, result in results.items()},
    }
