"""clean: written rows without those that cannot be used, each dropped one kept for a look with its reason."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from avspec.cleaning.rules import OPTIONS, REASONS, Cleaned, clean
from avspec.errors import StageFailed
from avspec.plan.row_params import CleanParams
from avspec.stages.context import Context
from avspec.synthesis.recipe import Cleaning
from avspec.synthesis.written import WrittenRow, read_written


def run(params: CleanParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write `rows.jsonl`, `dropped.jsonl` and `clean.json` with the counts.

    Raises:
        StageFailed: No row is left.
    """
    written = read_written(inputs[f"synthesize[{params.domain}]"] / "written.jsonl")
    ctx.progress(0, 1, f"cleaning {len(written)} rows")
    found = clean(written, Cleaning.model_validate(params.rules), params.levels, params.language)
    counts = Counter(dropped.reason for dropped in found.dropped)
    if not found.kept:
        raise _nothing_left(params.domain, found, counts)
    _write(out / "rows.jsonl", [_row(row, params.domain) for row in found.kept])
    _write(out / "dropped.jsonl", [asdict(dropped) for dropped in found.dropped])
    dropped = {reason: {"rows": counts[reason], "means": means} for reason, means in REASONS.items() if counts[reason]}
    told = {"written": len(written), "kept": len(found.kept), "dropped": dropped}
    (out / "clean.json").write_text(json.dumps(told, indent=1))
    ctx.progress(1, 1, f"{len(found.kept)} of {len(written)} rows kept")


def _row(row: WrittenRow, domain: str) -> dict[str, object]:
    responses = {level: response.text for level, response in row.responses.items()}
    return {
        "id": row.id,
        "domain": domain,
        "persona": row.persona,
        "query": row.query,
        "responses": responses,
        "source": row.source,
    }


def _write(path: Path, records: list[dict[str, object]]) -> None:
    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    path.write_text("".join(lines), encoding="utf-8", newline="\n")


def _nothing_left(domain: str, found: Cleaned, counts: Counter[str]) -> StageFailed:
    if not found.dropped:
        what, hint = "the language model wrote no row that could be read", "`unparsed.jsonl` has what it said"
    else:
        told = ", ".join(f"{REASONS[reason]}: {count}" for reason, count in counts.most_common())
        what = f"none of {len(found.dropped)} written rows can be used ({told})"
        most = counts.most_common(1)[0][0]
        first = next(dropped for dropped in found.dropped if dropped.reason == most)
        hint = f"{first.row.id}, {first.detail}; relax `clean.{OPTIONS[most]}` in the spec, or use a better model"
    return StageFailed(what, where=f"clean[{domain}]", hint=hint)
