"""agreement: how far those agree who labeled responses of this run (paper, section 3.3 and table 7)."""

import json
from collections.abc import Mapping
from pathlib import Path

from avspec.annotation.agreement import agreement
from avspec.annotation.items import read_items
from avspec.annotation.labels import read_as_of
from avspec.errors import NoInput, StageFailed
from avspec.plan.comparisons import AgreementParams
from avspec.stages.context import Context


def run(params: AgreementParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write `agreement.json`.

    Raises:
        NoInput: The items that were labeled are gone.
        StageFailed: The labels that the stage's key stands for are lost.
    """
    folder = Path(params.path)
    items = read_items(folder)
    if items is None:
        hint = "put items.json back, or move the labels away: without the items they have no meaning"
        raise NoInput("there are labels, but not what was labeled", where=str(folder), hint=hint)
    labels = read_as_of(folder, params.files)
    if labels is None:
        hint = "run the same command again: it takes the labels as they are now"
        raise StageFailed("labels or items were changed since this apply began", where=str(folder), hint=hint)
    found = agreement(items, labels)
    (out / "agreement.json").write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
    ctx.progress(1, 1, f"{len(found['annotators'])} annotators")
