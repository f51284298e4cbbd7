"""synthesize: rows of one domain, written by a language model (paper, section 3)."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from avspec.plan.row_params import SynthesizeParams
from avspec.stages.calls import asker
from avspec.stages.context import Context
from avspec.synthesis.writing import write_rows
from avspec.synthesis.written import write_written


def run(params: SynthesizeParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write `written.jsonl`, `unparsed.jsonl` and `synthesize.json` with counts, tokens and cost.

    Every answer is on disk, in `ctx.answers`, before it is used: an interrupted stage asks nothing twice.

    Raises:
        OverBudget: The next call might cost more than `synthesis.max_cost` leaves.
        ProviderError: The language model does not answer.
    """
    job = params.job()
    with asker(params.provider, params.provider_options, ctx) as ready:
        written = write_rows(job, ready.ask)
    write_written(out / "written.jsonl", written.rows)
    lines = (json.dumps(asdict(unparsed), ensure_ascii=False) + "\n" for unparsed in written.unparsed)
    (out / "unparsed.jsonl").write_text("".join(lines), encoding="utf-8")
    told = {
        "provider": params.provider,
        "model": params.provider_options["model"],
        "rows_asked": job.recipe.rows,
        "counts": dict(written.counts),
        "unparsed": len(written.unparsed),
        "usage": asdict(ready.usage),
    }
    (out / "synthesize.json").write_text(json.dumps(told, indent=1))
    ctx.progress(1, 1, f"{len(written.rows)} rows written")
