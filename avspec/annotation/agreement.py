"""How far annotators agree with each other, and with the level each response was written for (paper, section 3.3)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from avspec.annotation.items import Item, Items
from avspec.annotation.labels import UNCLEAR, Labels
from avspec.stats import wilson

FORMAT_VERSION = 1
_RESAMPLES = 400
"""Bootstrap samples for the interval of one kappa: about a third of a second."""

Given = Mapping[str, Mapping[str, str]]
"""Annotator to item to label."""
Table = dict[str, dict[str, float] | None]
"""Level a response was written for to the share of each label; None where no such response was labeled."""


def agreement(items: Items, everybody: Sequence[Labels]) -> dict[str, Any]:
    """Return the agreement as JSON.

    Returns:
        `annotators`: name to `judge`, `labels` given, how many are `unclear`, and the share `as_written` of those that
        are the level the response was written for, with its 95 % Wilson `interval`; `pairs`: Cohen's kappa of every
        two on the items that both labeled, with its 95 % bootstrap interval; `mean_kappa` of the pairs of people, and
        `judges`, each judge's mean with the people; `domains`: pairs and mean of each domain alone; `confusion`: a
        table for each list of levels that occurs, and one for each domain (paper, table 7).
    """
    known = items.all
    given = {_name(labels): {i: label for i, label in labels.given.items() if i in known} for labels in everybody}
    judges = [_name(labels) for labels in everybody if labels.judge]
    pairs = [_pair(one, other, given, judges, items) for one, other in combinations(given, 2)]
    unclear = {name: sum(label == UNCLEAR for label in labels.values()) for name, labels in given.items()}
    return {
        "format_version": FORMAT_VERSION,
        "queries": len(items.queries),
        "items": len(known),
        "unclear": sum(unclear.values()),
        "annotators": {
            name: {
                "judge": name in judges,
                "labels": len(labels),
                "unclear": unclear[name],
                **_as_written(labels, known),
            }
            for name, labels in given.items()
        },
        "pairs": pairs,
        "mean_kappa": _mean(pair["kappa"] for pair in pairs if not pair["judges"]),
        "judges": {
            judge: _mean(pair["kappa"] for pair in pairs if judge in pair["names"] and len(pair["judges"]) == 1)
            for judge in judges
        },
        "domains": {domain: _domain(items, domain, given, judges) for domain in items.levels},
        "confusion": [
            _confusions(items, [domain for domain, own in items.levels.items() if own == levels], given, judges)
            for levels in dict.fromkeys(items.levels.values())
        ],
    }


def _name(labels: Labels) -> str:
    return f"{labels.annotator} (judge)" if labels.judge else labels.annotator


def _as_written(labels: Mapping[str, str], known: Mapping[str, Item]) -> dict[str, Any]:
    same = sum(known[item].level == label for item, label in labels.items())
    share = same / len(labels) if labels else None
    return {"as_written": share, "interval": list(wilson(same, len(labels))) if labels else None}


def _domain(items: Items, domain: str, given: Given, judges: Sequence[str]) -> dict[str, Any]:
    """Return how far annotators agree in one domain."""
    own = {item.id for item in items.all.values() if item.domain == domain}
    here = {name: {i: label for i, label in labels.items() if i in own} for name, labels in given.items()}
    pairs = [_pair(one, other, here, judges) for one, other in combinations(here, 2)]
    return {
        "pairs": pairs,
        "mean_kappa": _mean(pair["kappa"] for pair in pairs if not pair["judges"]),
        "confusion": _confusions(items, [domain], here, judges),
    }


def _pair(one: str, other: str, given: Given, judges: Sequence[str], items: Items | None = None) -> dict[str, Any]:
    """Return how far two annotators agree on what both labeled, with an interval where the items are given."""
    common = sorted(given[one].keys() & given[other].keys())
    left, right = [given[one][item] for item in common], [given[other][item] for item in common]
    kappa = _kappa(left, right)
    found = {
        "names": [one, other],
        "judges": [name for name in (one, other) if name in judges],
        "items": len(common),
        "same": sum(a == b for a, b in zip(left, right, strict=True)) / len(common) if common else None,
        "kappa": kappa,
    }
    if items is not None:
        queries = [items.query_of[item] for item in common]
        found["interval"] = _interval(left, right, queries) if kappa is not None else None
    return found


def _kappa(left: Sequence[str], right: Sequence[str], weights: Sequence[int] | None = None) -> float | None:
    """Return Cohen's kappa, or None where it is not defined: both gave one and the same label to everything."""
    from sklearn.metrics import cohen_kappa_score

    counted = range(len(left)) if weights is None else [at for at, weight in enumerate(weights) if weight]
    if len({label for at in counted for label in (left[at], right[at])}) < 2:
        return None
    kappa = float(cohen_kappa_score(left, right, sample_weight=weights))
    return kappa if math.isfinite(kappa) else None


def _interval(left: Sequence[str], right: Sequence[str], queries: Sequence[tuple[str, str]]) -> list[float] | None:
    """Return the 95 % bootstrap interval of kappa; None for fewer than two queries.

    Whole queries are drawn: the responses to one are not independent of each other.
    """
    import numpy as np

    place = {query: number for number, query in enumerate(dict.fromkeys(queries))}
    if len(place) < 2:
        return None
    draw, of_item = np.random.default_rng(0), [place[query] for query in queries]
    kappas = []
    for _ in range(_RESAMPLES):
        times = np.bincount(draw.integers(len(place), size=len(place)), minlength=len(place))
        kappas.append(_kappa(left, right, times[of_item].tolist()))
    low, high = np.quantile([kappa for kappa in kappas if kappa is not None], [0.025, 0.975]).tolist()
    return [low, high]


def _confusions(items: Items, domains: Sequence[str], given: Given, judges: Sequence[str]) -> dict[str, Any]:
    """Return the tables of domains with the same levels: of each annotator, and the mean of the people's."""
    levels = items.levels[domains[0]]
    written = {name: item for name, item in items.all.items() if item.domain in domains}
    tables = {name: table for name, labels in given.items() if (table := _table(written, labels, levels)) is not None}
    people = [table for name, table in tables.items() if name not in judges]
    columns = [*levels, UNCLEAR] if any(UNCLEAR in labels.values() for labels in given.values()) else list(levels)
    return {
        "domains": list(domains),
        "levels": list(levels),
        "labels": columns,
        "mean": _mean_table(people, levels),
        "annotators": tables,
    }


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
