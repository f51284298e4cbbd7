"""How far annotators agree with each other, and with the level each response was written for (paper, section 3.3)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from avspec.annotation.items import Item, Items
from avspec.annotation.labels import UNCLEAR, Labels

FORMAT_VERSION = 1


def agreement(items: Items, everybody: Sequence[Labels]) -> dict[str, Any]:
    """Return the agreement as JSON.

    Returns:
        `annotators`: name to `judge`, `labels` given and how many are `unclear`; `pairs`: Cohen's kappa of every two
        on the items that both labeled; `mean_kappa` of the pairs of people, and `judges`, each judge's mean with the
        people; `confusion`: a table for each list of levels that occurs (paper, table 7).
    """
    known = items.all
    given = {_name(labels): {i: label for i, label in labels.given.items() if i in known} for labels in everybody}
    judges = {_name(labels) for labels in everybody if labels.judge}
    pairs = [_pair(one, other, given, judges) for one, other in combinations(given, 2)]
    return {
        "format_version": FORMAT_VERSION,
        "queries": len(items.queries),
        "items": len(known),
        "annotators": {
            name: {
                "judge": name in judges,
                "labels": len(labels),
                "unclear": sum(label == UNCLEAR for label in labels.values()),
            }
            for name, labels in given.items()
        },
        "pairs": pairs,
        "mean_kappa": _mean(pair["kappa"] for pair in pairs if not pair["judges"]),
        "judges": {
            judge: _mean(pair["kappa"] for pair in pairs if judge in pair["names"] and len(pair["judges"]) == 1)
            for judge in judges
        },
        "confusion": [_confusions(items, levels, given, judges) for levels in dict.fromkeys(items.levels.values())],
    }


def _name(labels: Labels) -> str:
    return f"{labels.annotator} (judge)" if labels.judge else labels.annotator


def _pair(one: str, other: str, given: Mapping[str, Mapping[str, str]], judges: set[str]) -> dict[str, Any]:
    """Return how far two annotators agree on what both labeled."""
    from sklearn.metrics import cohen_kappa_score

    common = sorted(given[one].keys() & given[other].keys())
    left, right = [given[one][item] for item in common], [given[other][item] for item in common]
    # kappa is not defined where both gave one and the same label to everything: there is no chance to compare with
    defined = len(common) > 0 and len({*left, *right}) > 1
    kappa = float(cohen_kappa_score(left, right)) if defined else math.nan
    return {
        "names": [one, other],
        "judges": [name for name in (one, other) if name in judges],
        "items": len(common),
        "same": sum(a == b for a, b in zip(left, right, strict=True)) / len(common) if common else None,
        "kappa": kappa if math.isfinite(kappa) else None,
    }


def _confusions(
    items: Items, levels: tuple[str, ...], given: Mapping[str, Mapping[str, str]], judges: set[str]
) -> dict[str, Any]:
    """Return the tables of the domains that have these levels: of each annotator, and the mean of the people's."""
    domains = [domain for domain, own in items.levels.items() if own == levels]
    written = {name: item for name, item in items.all.items() if item.domain in domains}
    tables = {name: table for name, labels in given.items() if (table := _table(written, labels, levels)) is not None}
    people = [table for name, table in tables.items() if name not in judges]
    columns = [*levels, UNCLEAR] if any(UNCLEAR in labels.values() for labels in given.values()) else list(levels)
    return {
        "domains": domains,
        "levels": list(levels),
        "labels": columns,
        "mean": _mean_table(people, levels),
        "annotators": tables,
    }


Table = dict[str, dict[str, float] | None]
"""Level a response was written for to the share of each label; None where no such response was labeled."""


def _table(written: Mapping[str, Item], labels: Mapping[str, str], levels: Sequence[str]) -> Table | None:
    from sklearn.metrics import confusion_matrix

    seen = [name for name in labels if name in written]
    if not seen:
        return None
    columns = [*levels, UNCLEAR]
    wanted, got = [written[name].level for name in seen], [labels[name] for name in seen]
    counts = confusion_matrix(wanted, got, labels=columns)
    return {
        level: {label: float(share) for label, share in zip(columns, row / row.sum(), strict=True)}
        if row.sum()
        else None
        for level, row in zip(levels, counts, strict=False)
    }


def _mean_table(tables: Sequence[Table], levels: Sequence[str]) -> Table | None:
    """Return the mean of several tables, each of equal weight, as table 7 of the paper is."""
    if not tables:
        return None
    rows = {level: [row for table in tables if (row := table[level]) is not None] for level in levels}
    return {
        level: {label: sum(row[label] for row in each) / len(each) for label in (*levels, UNCLEAR)} if each else None
        for level, each in rows.items()
    }


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
