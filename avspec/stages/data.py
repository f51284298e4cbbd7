"""data: read the rows of one domain, check them against the model's context, split them."""

import json
from collections.abc import Mapping
from pathlib import Path

from avspec.api import Row
from avspec.domains.reading import domain_rows
from avspec.errors import StageFailed
from avspec.model.encoding import encode_rows
from avspec.model.loading import load_tokenizer, read_info
from avspec.plan.row_params import DataParams
from avspec.rows import limited, split_rows, write_rows
from avspec.stages.context import Context

ROWS = "rows.jsonl"


def run(params: DataParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write `rows.jsonl`, each row with its split, and `data.json` with the counts."""
    path = Path(params.path) if params.path else None
    if params.source == "synthesize":
        every = _written(inputs[f"clean[{params.domain}]"], params.domain)
    else:
        every = domain_rows(params.domain, params.levels, plugin=params.plugin, options=params.options, path=path)
    rows = limited(every, params.split, params.rows)
    ctx.progress(0, len(rows), "checking")
    encode_rows(load_tokenizer(inputs["base"]), rows, params.levels, read_info(inputs["base"]).context)
    counts = {name: len(part) for name, part in split_rows(rows, params.split).items()}
    if empty := [name for name, count in counts.items() if not count]:
        raise StageFailed(
            f"{params.domain} has no rows in the {' and the '.join(empty)} split",
            where=f"data[{params.domain}]",
            hint="raise the number of rows, or give the split a larger share in data.split",
        )
    write_rows(out / ROWS, rows, params.split)
    (out / "data.json").write_text(json.dumps({"levels": params.levels, "counts": counts}, indent=1))
    ctx.progress(len(rows), len(rows), f"{len(rows)} rows")


def _written(folder: Path, domain: str) -> list[Row]:
    records = [json.loads(line) for line in (folder / ROWS).read_text("utf-8").split("\n") if line]
    return [Row(r["id"], domain, r["query"], r["responses"], r["source"]) for r in records]


def read_split(folder: Path, split: str) -> list[Row]:
    """Return the rows of one split of a data artifact, in their order."""
    records = [json.loads(line) for line in (folder / ROWS).read_text("utf-8").split("\n") if line]
    fields = ("id", "domain", "query", "responses", "source")
    return [Row(**{name: record[name] for name in fields}) for record in records if record["split"] == split]
