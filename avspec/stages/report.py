"""report: what came out, as report.json, report.md and report.html, and the atlas as atlas.json."""

import json
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

from avspec.plan.params import ReportParams
from avspec.report.html import report_html
from avspec.report.inputs import Outline, read_artifacts
from avspec.report.markdown import report_markdown
from avspec.report.results import atlas_json, report_json
from avspec.report.summary import summarize
from avspec.search.demands import levels_of
from avspec.stages.context import Context
from avspec.store.manifest import FILE_NAME

Cosines = dict[str, dict[str, float | None]]


def run(params: ReportParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write the reports, which all say the same numbers.

    Raises:
        Corrupted: The JSON of an input cannot be read.
    """
    cosines = _cosines(params.domains, inputs, ctx)
    artifacts = read_artifacts(inputs, cosines, _seconds(inputs, ctx))
    summary = summarize(_outline(params, artifacts.search.get("max_fluency_drop")), artifacts)
    written = {
        "report.json": report_json(summary),
        "report.md": report_markdown(summary),
        "report.html": report_html(summary),
    }
    if params.atlas:
        written["atlas.json"] = atlas_json(summary)
    for name, content in written.items():
        (out / name).write_text(content, encoding="utf-8")
    ctx.progress(1, 1, summary.headline)


def _outline(params: ReportParams, max_fluency_drop: float | None) -> Outline:
    return Outline(
        name=params.name,
        model=params.model,
        domains=params.domains,
        guardrails=params.guardrails,
        levels=params.levels,
        behaviors={name: levels_of(params.behaviors[name]) for name in params.named},
        atlas=params.atlas,
        max_fluency_drop=max_fluency_drop,
        variants=params.variants,
    )


def _cosines(domains: tuple[str, ...], inputs: Mapping[str, Path], ctx: Context) -> Cosines:
    """Return the cosine of every pair of vectors, over all parameters."""
    from avspec.model.vectors import AlignmentVector, cosine

    vectors = {domain: AlignmentVector(inputs[f"extract[{domain}]"] / "vector.safetensors") for domain in domains}
    found: Cosines = {left: {right: 1.0 if left == right else None for right in domains} for left in domains}
    pairs = list(combinations(domains, 2))
    for done, (left, right) in enumerate(pairs):
        ctx.progress(done, len(pairs) + 1, f"cosine of {left} and {right}")
        found[left][right] = found[right][left] = cosine(vectors[left], vectors[right])
    return found


def _seconds(inputs: Mapping[str, Path], ctx: Context) -> dict[str, float]:
    """Return how long each stage took when it ran: the run's word, or else the artifacts' manifests."""
    said = ctx.settings.get("seconds") or {}
    known = {address: said.get(address, _manifest_seconds(folder)) for address, folder in inputs.items()}
    return {address: seconds for address, seconds in known.items() if seconds is not None}


def _manifest_seconds(folder: Path) -> float | None:
    path = folder / FILE_NAME
    return float(json.loads(path.read_text(encoding="utf-8"))["seconds"]) if path.is_file() else None
