"""Results and knobs as text that is readable without color."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from avspec.knobs import in_order
from avspec.run.summary import table
from avspec.serve.evaluate import DomainResult, Request, intervals

_HEADER = ("domain", "rows", "level", "share [95 %]", "base", "mean log-prob", "base", "drop")


def eval_table(results: Mapping[str, DomainResult], request: Request) -> str:
    """Return one line a level; the wanted one is marked and has the fluency drop."""
    lines = [line for domain, result in results.items() for line in _lines(domain, result)]
    note = "* wanted: " + ("by the behavior" if request.wanted else "the dominant level of the base")
    units = "log-probs and drop: nats per token; the drop is how far the wanted level's log-prob fell below the base's"
    return f"{_title(request)}\n{table(_HEADER, lines)}\n{note}\n{units}\n"


def _title(request: Request) -> str:
    coefficients = in_order(request.coefficients, list(request.run.domains))
    behavior = f" {request.behavior}" if request.behavior else ""
    return f"{request.run.name}{behavior}: {knobs_line(coefficients)}"


def _lines(domain: str, result: DomainResult) -> Iterator[tuple[str, ...]]:
    ends = intervals(result.now)
    for i, (level, share) in enumerate(result.now.shares.items()):
        wanted = level == result.wanted
        low, high = ends[level]
        yield (
            domain if i == 0 else "",
            str(result.now.rows) if i == 0 else "",
            f"{level} *" if wanted else level,
            f"{share:.2f} [{low:.2f}, {high:.2f}]",
            f"{result.base.shares[level]:.2f}",
            f"{result.now.mean_log_prob[level]:.3f}",
            f"{result.base.mean_log_prob[level]:.3f}",
            f"{result.fluency_drop:+.3f}" if wanted else "",
        )


def knobs_line(coefficients: Mapping[str, float]) -> str:
    """Return `medical -0.4, legal 0.8`, or that this is the base."""
    if not any(coefficients.values()):
        return "all knobs at 0, the base"
    return ", ".join(f"{domain} {coefficient:g}" for domain, coefficient in coefficients.items())
