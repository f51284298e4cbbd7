"""card: the data card of one domain, from its rows and, where a language model wrote them, from how that went."""

import json
from collections.abc import Mapping
from pathlib import Path

from avspec.card.card import data_card
from avspec.plan.row_params import CardParams
from avspec.rows import SPLITS
from avspec.stages.context import Context
from avspec.stages.data import read_split


def run(params: CardParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write `card.json`."""
    domain = params.domain
    ctx.progress(0, 1, "data card")
    parts = {split: read_split(inputs[f"data[{domain}]"], split) for split in SPLITS}
    rows = [row for part in parts.values() for row in part]
    card = data_card(rows, params.levels, {row.id: split for split, part in parts.items() for row in part})
    for kind, key in (("synthesize", "written"), ("clean", "cleaned")):
        folder = inputs.get(f"{kind}[{domain}]")
        card[key] = json.loads((folder / f"{kind}.json").read_text("utf-8")) if folder else None
    if card["predictable"] and card["predictable"]["warning"]:
        share, chance = card["predictable"]["length"]["accuracy"], card["predictable"]["chance"]
        ctx.log(
            f"careful: the length of a response alone tells its level in {share:.0%} of cases, chance is {chance:.0%}"
        )
    (out / "card.json").write_text(json.dumps(card, indent=1, ensure_ascii=False), encoding="utf-8")
    ctx.progress(1, 1, f"{len(rows)} rows described")
