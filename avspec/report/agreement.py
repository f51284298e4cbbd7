"""Agreement of annotators as the report shows it, beside the paper's (section 3.3, table 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from avspec.annotation.told import kappa_words, written_words
from avspec.report import text
from avspec.report.inputs import Json

PAPER_KAPPA = 0.84
PAPER_TABLE: Mapping[str, Mapping[str, float]] = {
    "expert": {"expert": 0.8296, "generic": 0.1704, "avoidance": 0.0},
    "generic": {"expert": 0.1704, "generic": 0.8170, "avoidance": 0.0126},
    "avoidance": {"expert": 0.0, "generic": 0.0126, "avoidance": 0.9873},
}
"""Table 7: level that the LLM was asked for, label that people gave, mean share of three annotators."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """One table: rows are levels that responses were written for, columns labels that were given."""

    title: str
    labels: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    """Level, and what stands in each column."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far annotators agree."""

    headline: str
    annotators: tuple[tuple[str, str], ...]
    """Name, and what they labeled."""
    pairs: tuple[tuple[str, str], ...]
    """Two names, and how far they agree."""
    judges: tuple[tuple[str, str], ...]
    """Judge, and its mean kappa with people."""
    domains: tuple[tuple[str, tuple[str, ...]], ...]
    """Domain, its mean kappa of people, and how people labeled each level; empty where there is only one."""
    confusions: tuple[Confusion, ...]
    json: Json


def read_agreement(found: Json) -> Agreement | None:
    """Return what the report says of an agreement, or None where nobody annotated."""
    if not found:
        return None
    mean = found["mean_kappa"]
    return Agreement(
        headline=f"Mean Cohen’s kappa of people: {text.decimal(mean) if mean is not None else 'none yet'}; "
        f"the paper’s is {PAPER_KAPPA}",
        annotators=tuple((name, _labeled(each)) for name, each in found["annotators"].items()),
        pairs=tuple((" and ".join(pair["names"]), kappa_words(pair)) for pair in found["pairs"]),
        judges=tuple((judge, text.decimal(kappa)) for judge, kappa in found["judges"].items()),
        domains=tuple(_domains(found.get("domains", {}))),
        confusions=tuple(_confusions(found["confusion"])),
        json=found,
    )


def _labeled(each: Json) -> str:
    unclear = f", {each['unclear']} unclear" if each["unclear"] else ""
    return f"{text.plural(each['labels'], 'label')}{unclear}{written_words(each)}"


def _domains(domains: Mapping[str, Json]) -> list[tuple[str, tuple[str, ...]]]:
    found: list[tuple[str, tuple[str, ...]]] = []
    for domain, each in domains.items() if len(domains) > 1 else ():
        mean = each["confusion"]["mean"] or {}
        right = (f"{level} {text.percent(row[level])}" for level, row in mean.items() if row)
        found.append((domain, (text.decimal(each["mean_kappa"]), ", ".join(right) or text.NOTHING)))
    return found


def _confusions(tables: Sequence[Json]) -> list[Confusion]:
    found = []
    for table in tables:
        domains, labels = ", ".join(table["domains"]), tuple(table["labels"])
        if table["mean"]:
            found.append(_confusion(f"Mean of the people, {domains}", labels, table["levels"], table["mean"]))
            if set(table["levels"]) == PAPER_TABLE.keys():
                paper = tuple(table["levels"])
                found.append(_confusion("The paper’s, table 7", paper, table["levels"], PAPER_TABLE))
        if len(table["annotators"]) > 1 or not table["mean"]:
            found += [
                _confusion(f"{name}, {domains}", labels, table["levels"], own)
                for name, own in table["annotators"].items()
            ]
    return found


def _confusion(title: str, labels: tuple[str, ...], levels: Sequence[str], table: Json) -> Confusion:
    rows = []
    for level in levels:
        shares = table[level] or {}
        rows.append((level, tuple(text.percent(shares.get(label)) for label in labels)))
    return Confusion(title, labels, tuple(rows))
