"""The data card: counts, lengths, what gives the level away, what is nearly the same, samples."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from avspec.api import Row
from avspec.card.lengths import lengths
from avspec.card.pairs import nearest_across, nearest_pairs, shortened
from avspec.card.predictable import predictable

FORMAT_VERSION = 1
_SAMPLES = 2
_LINE = re.compile(r":\d+$")


def data_card(rows: Sequence[Row], levels: Sequence[str], splits: Mapping[str, str]) -> dict[str, Any]:
    """Return the card of one domain as JSON.

    Args:
        rows: All its rows that are used.
        levels: Its levels, least to most preferred.
        splits: Row id to its split.
    """
    return {
        "format_version": FORMAT_VERSION,
        "rows": len(rows),
        "sources": dict(Counter(source_of(row) for row in rows).most_common()),
        "splits": dict(Counter(splits[row.id] for row in rows)),
        "levels": {level: len({row.responses[level] for row in rows}) for level in levels},
        "lengths": lengths({level: [row.responses[level] for row in rows] for level in levels}),
        "predictable": predictable(rows, levels) if len(rows) > 1 else None,
        "nearest": nearest_pairs(rows, splits) if len(rows) > 1 else [],
        "nearest_across": nearest_across(rows, splits),
        "samples": [_sample(row, levels) for row in rows[:_SAMPLES]],
    }


def source_of(row: Row) -> str:
    """Return where a row came from without its line, and without the folders of this machine."""
    return PurePath(_LINE.sub("", row.source)).name or "unknown"


def _sample(row: Row, levels: Sequence[str]) -> dict[str, Any]:
    responses = {level: shortened(row.responses[level], 600) for level in levels}
    return {"id": row.id, "query": shortened(row.query, 600), "responses": responses}
