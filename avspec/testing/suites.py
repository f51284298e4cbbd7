"""The conformance suites of plugins that need no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from avspec.api import Row, SearchSpace
from avspec.testing.requirements import build, require, require_json
from avspec.testing.subject import ExampleSubject

if TYPE_CHECKING:
    import torch

    Tensors = Mapping[str, torch.Tensor]


def check_domain(cls: type[Any], *, length_tolerance: float | None = None, **options: Any) -> None:
    """Check a domain plugin: its levels, its files, and every row.

    With `length_tolerance` the mean number of words per level must also be equal up to that share, so that a
    model cannot tell the levels apart by length.

    Raises:
        AssertionError: The contract of `avspec.api.Domain` does not hold.
    """
    domain = build(cls, options)
    levels = tuple(cls.levels)
    require(len(levels) >= 2, f"{cls.__name__}.levels needs at least two levels, it has {levels}")
    require(len(set(levels)) == len(levels), f"{cls.__name__}.levels names a level twice: {levels}")
    require(all(path.is_file() for path in domain.files()), "files() must name files that exist")
    rows = list(domain.rows())
    require(bool(rows), "rows() returned nothing")
    require(rows == list(domain.rows()), "rows() must return the same rows each time")
    require(len({row.id for row in rows}) == len(rows), "two rows have the same id")
    require(len({row.domain for row in rows}) == 1, "rows() must all name one domain")
    for row in rows:
        _check_row(row, levels)
    if length_tolerance is not None:
        _check_lengths(rows, levels, length_tolerance)


def check_extractor(cls: type[Any], **options: Any) -> None:
    """Check an extractor on random weights: names, shapes, float32, that equal weights give zeros, what it kept.

    Raises:
        AssertionError: The contract of `avspec.api.Extractor` does not hold.
    """
    import torch

    draw = torch.Generator().manual_seed(0)
    base = {f"layers.{i}.weight": torch.randn(8, 6, generator=draw) for i in range(3)}
    aligned = {name: value + 0.01 * torch.randn(8, 6, generator=draw) for name, value in base.items()}
    before = [value.clone() for value in (*base.values(), *aligned.values())]
    deltas = _deltas(cls, base, aligned, options)
    after = [*base.values(), *aligned.values()]
    require(all(map(torch.equal, before, after)), "extract() changed its inputs")
    require(any(bool(delta.abs().sum() > 0) for delta in deltas.values()), "extract() yielded only zeros")
    again = _deltas(cls, base, aligned, options)
    require(all(torch.equal(deltas[n], again[n]) for n in deltas), "extract() must be deterministic")
    zeros = _deltas(cls, base, base, options)
    require(not any(bool(d.any()) for d in zeros.values()), "equal weights must give a vector of zeros")


def check_evaluator(cls: type[Any], **options: Any) -> None:
    """Check an evaluator on a small subject: a JSON value per domain, the same each time.

    Raises:
        AssertionError: The contract of `avspec.api.Evaluator` does not hold.
    """
    subject = ExampleSubject()
    before = {domain: subject.log_probs(domain).copy() for domain in subject.levels}
    result = build(cls, options).evaluate(subject)
    require(bool(result), "evaluate() returned nothing")
    unknown = sorted(set(result) - set(subject.levels))
    require(not unknown, f"evaluate() returned results for domains that are not there: {unknown}")
    require_json(result, "evaluate()")
    require(result == build(cls, options).evaluate(subject), "evaluate() must be deterministic")
    kept = all(np.array_equal(before[domain], subject.log_probs(domain)) for domain in before)
    require(kept, "evaluate() changed the subject's log-probs")


def check_sampler(cls: type[Any], *, evaluations: int = 12, **options: Any) -> None:
    """Check a sampler in a short study of two behaviors: in range, and the same proposals for the same seed.

    Raises:
        AssertionError: The contract of `avspec.api.Sampler` does not hold.
    """
    space = SearchSpace(("medical", "legal"), -1.5, 1.0, 0, evaluations, ("clinic", "court"))
    proposals = _propose(build(cls, options).create(space), space)
    for proposal in proposals:
        inside = all(space.low <= value <= space.high for value in proposal)
        require(inside, f"the sampler left [{space.low}, {space.high}]: {proposal}")
    again = _propose(build(cls, options).create(space), space)
    require(proposals == again, "the same seed must give the same proposals")


def _check_row(row: Row, levels: tuple[str, ...]) -> None:
    require(bool(row.query.strip()), f"row {row.id} has an empty query")
    got = sorted(row.responses)
    require(got == sorted(levels), f"row {row.id} has responses for {got}, the levels are {sorted(levels)}")
    for level, response in row.responses.items():
        require(bool(response.strip()), f"row {row.id} has an empty {level} response")


def _check_lengths(rows: Sequence[Row], levels: tuple[str, ...], tolerance: float) -> None:
    means = {level: float(np.mean([len(row.responses[level].split()) for row in rows])) for level in levels}
    middle = float(np.mean(list(means.values())))
    told = ", ".join(f"{level} {mean:.1f}" for level, mean in means.items())
    spread = max(means.values()) - min(means.values())
    require(spread <= tolerance * middle, f"the length gives the level away, mean words: {told}")


def _deltas(cls: type[Any], base: Tensors, aligned: Tensors, options: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    import torch

    extractor = build(cls, options)
    others = ({"other": {name: value * 1.01 for name, value in base.items()}},) if getattr(cls, "others", False) else ()
    pairs = list(extractor.extract(base, aligned, *others))
    deltas = dict(pairs)
    if hasattr(extractor, "kept"):
        shares = extractor.kept()
        require_json(dict(shares), "kept()")
        require(all(0 <= value <= 1 for value in shares.values()), f"kept() must return shares, it returned {shares}")
    require(len(deltas) == len(pairs), "extract() yielded a parameter twice")
    require(set(deltas) == set(base), f"extract() must yield every parameter, it yielded {sorted(deltas)}")
    for name, delta in deltas.items():
        require(delta.dtype == torch.float32, f"the delta of {name} is {delta.dtype}, it must be float32")
        require(delta.shape == base[name].shape, f"the delta of {name} has shape {tuple(delta.shape)}")
        require(bool(delta.isfinite().all()), f"the delta of {name} has a NaN or an infinity")
    return deltas


def _propose(sampler: Any, space: SearchSpace) -> list[tuple[float, ...]]:
    """Run a study whose two behaviors pull in opposite directions, and return what was proposed."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(directions=["maximize"] * len(space.behaviors), sampler=sampler)
    proposals: list[tuple[float, ...]] = []
    for _ in range(space.evaluations):
        trial = study.ask()
        proposal = tuple(trial.suggest_float(domain, space.low, space.high) for domain in space.domains)
        first, second = proposal
        study.tell(trial, [-abs(first + 1) - abs(second - 0.5), -abs(first - 0.5) - abs(second + 1)])
        proposals.append(proposal)
    return proposals
