"""Results of a run, read from its folder."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avspec.errors import NoInput
from avspec.knobs import domain_of
from avspec.run.folder import existing
from avspec.run.outcome import read_json
from avspec.run.summary import held_words
from avspec.store.manifest import check_format

FORMAT_VERSION = 1


def report_page(run_dir: Path) -> Path:
    """Return the path of a run's report.html.

    Raises:
        NoInput: There is no such run, or it has no report yet.
    """
    return _present(existing(run_dir) / "report.html")


def report(run_dir: Path) -> dict[str, Any]:
    """Return a run's report.json.

    Raises:
        NoInput: There is no such run, or it has no report yet.
        NewerFormat: A newer avspec made it.
    """
    path = _present(existing(run_dir) / "report.json")
    found = read_json(path)
    check_format(found, FORMAT_VERSION, path)
    return found


def _present(path: Path) -> Path:
    if not path.exists():
        hint = f"`avspec apply` on its spec makes it; `avspec status {path.parent}` says how far it is"
        raise NoInput("this run has no report yet", where=str(path), hint=hint)
    return path


@dataclass(frozen=True)
class Line:
    """One domain or guardrail of one behavior, as a table shows it."""

    behavior: str
    held: str
    domain: str
    coefficient: str
    wanted: str
    share: str
    """Share of the wanted level on the test split, with its 95 % interval."""


def lines(found: Mapping[str, Any]) -> Iterator[Line]:
    """Yield the behaviors of a report.json, a domain a line."""
    for name, behavior in found["behaviors"].items():
        held = held_words(behavior["held"])
        for domain, result in behavior["domains"].items():
            own = [value for knob, value in behavior["coefficients"].items() if domain_of(knob) == domain]
            coefficient = " ".join(f"{value:+.2f}" for value in own)
            yield Line(name, held, domain, coefficient, _wanted(result), _share(result))
        for guardrail, result in behavior.get("guardrails", {}).items():
            change = f"{-result['drop']:+.2f}"
            state = "" if result["ok"] is None else " ok" if result["ok"] else " too far"
            yield Line(name, held, guardrail, "", f"{result['level']} (guardrail)", f"{change}{state}")


def _wanted(result: Mapping[str, Any]) -> str:
    least = result.get("least_share")
    return f"{result['wanted'] or '(free)'}{f', at least {least:.2f}' if least else ''}"


def _share(result: Mapping[str, Any]) -> str:
    """Return the wanted level's share, or the dominant level of a domain that is free."""
    test = result["test"]
    if test is None:
        return "not measured"
    level = result["wanted"] or max(test["shares"], key=test["shares"].get)
    low, high = test["interval"][level]
    prefix = "" if result["wanted"] else f"{level} "
    return f"{prefix}{test['shares'][level]:.2f} [{low:.2f}, {high:.2f}]"
