"""report.md: the report for a terminal, a pull request or a wiki."""

from __future__ import annotations

from collections.abc import Iterable

from avspec.report import baselines, text, transfer, variants
from avspec.report.cards import cards_markdown
from avspec.report.inputs import Json
from avspec.report.markdown_behaviors import atlas, behaviors
from avspec.report.markup import cell, fence, table
from avspec.report.search import COMPARED, STANDINGS
from avspec.report.summary import Summary


def report_markdown(summary: Summary) -> str:
    """Return the text of report.md; model text stands in code fences, where nothing is markup."""
    parts = [
        f"# {cell(summary.outline.name)}: {cell(summary.headline)}",
        summary.subline,
        _facts(summary),
        *behaviors(summary),
        *atlas(summary),
        *_baselines(summary),
        *_variants(summary),
        *_search(summary),
        *_knobs(summary),
        *_transfers(summary),
        *_vectors(summary),
        *_cost(summary),
        *map(cell, cards_markdown(summary.cards)),
        *_annotation(summary),
        "## Notes",
        "\n".join(f"- {cell(note)}" for note in summary.notes),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(summary: Summary) -> str:
    said = f" ({summary.base_note})" if summary.base_note else ""
    return (
        f"Base: `{summary.outline.model}`{said}. Shares are of the rows whose mean token log-prob is highest for "
        "a level's response, with 95% Wilson intervals in parentheses."
    )


def _baselines(summary: Summary) -> Iterable[str]:
    found = summary.baselines
    if found and found.prompting:
        yield "## Baseline: levels asked for in words"
        yield found.prompting_says
        yield table(baselines.PROMPTING_HEAD, found.prompting)
        for answers in found.answers:
            yield f"One {answers.domain} query, its default answer, then of each level the answer in words and by knob:"
            said = [answers.query, answers.default, *(x for _, words, _, knob in answers.levels for x in (words, knob))]
            yield "\n\n".join(map(fence, said))
    if found and found.joint:
        yield "## Baseline: joint training"
        yield found.joint_says
        yield table(baselines.JOINT_HEAD, found.joint)


def _transfers(summary: Summary) -> Iterable[str]:
    for target in summary.transfers:
        yield f"## Transfer to {cell(target.name)} ({cell(target.ref)})"
        yield target.headline
        yield table(transfer.HEAD, target.rows)


def _variants(summary: Summary) -> Iterable[str]:
    if summary.variants:
        yield "## Variants"
        yield summary.variants.headline
        yield table(variants.HEAD, [(row.name, *row.cells) for row in summary.variants.rows])
        yield f"{variants.ABOUT} {variants.LEGEND}"


def _search(summary: Summary) -> Iterable[str]:
    if not summary.search.sentences:
        return
    yield "## Search"
    yield " ".join(summary.search.sentences)
    yield "\n".join(
        f"- {standing}: {meaning}" for standing, meaning in STANDINGS.items() if standing in summary.search.standings
    )
    marks, found = summary.progress.compared
    if found:
        yield f"{COMPARED} (of {summary.progress.behaviors}):"
        yield table(["sampler", *map(str, marks)], [[name, *map(str, counts)] for name, counts in found.items()])


def _annotation(summary: Summary) -> Iterable[str]:
    agreement = summary.agreement
    if agreement is None:
        return
    yield "## Annotation"
    yield f"{agreement.headline}."
    yield table(["annotator", "labeled"], agreement.annotators)
    if agreement.pairs:
        means = [(judge, f"mean kappa with people {kappa}") for judge, kappa in agreement.judges]
        yield table(["two of them", "agreement"], [*agreement.pairs, *means])
    if agreement.domains:
        yield table(["domain", "mean kappa of people", "labeled as written"], [[d, *c] for d, c in agreement.domains])
    for confusion in agreement.confusions:
        yield f"{cell(confusion.title)}; rows: written for, columns: labeled"
        yield table(["written for", *confusion.labels], [[level, *cells] for level, cells in confusion.rows])


def _knobs(summary: Summary) -> Iterable[str]:
    measured = (*summary.outline.domains, *summary.outline.guardrails)
    if not any(summary.sweep.values()):
        return
    yield "## Knobs"
    yield "One vector at a time, on the search split. Cells list the shares in the order of the levels."
    for domain, curve in summary.sweep.items():
        rows = [
            [
                text.coefficient(point["coefficient"]),
                *(point_shares(point, name) for name in measured),
                point_log_probs(point, domain),
            ]
            for point in curve
        ]
        yield f"### {domain}"
        yield table(
            [
                "coefficient",
                *(f"{name} ({'/'.join(summary.outline.levels[name])})" for name in measured),
                f"mean log-probs in {domain}, nats per token",
            ],
            rows,
        )


def point_shares(point: Json, measured: str) -> str:
    """Return the shares of one point of a sweep curve, `8/17/75%`."""
    domains = point["domains"]
    shares = (domains.get(measured) or {}).get("shares") or {}
    return "/".join(text.percent(share).rstrip("%") for share in shares.values()) + "%" if shares else text.NOTHING


def point_log_probs(point: Json, measured: str) -> str:
    """Return the mean log-probs of one point of a sweep curve, `−4.20/−4.05/−4.50`."""
    values = (point["domains"].get(measured) or {}).get("mean_log_prob") or {}
    return "/".join(text.nats(value) for value in values.values()) or text.NOTHING


def _vectors(summary: Summary) -> Iterable[str]:
    domains = summary.outline.domains
    some_kept = any(vector.kept for vector in summary.vectors)
    yield "## Vectors"
    yield table(
        ["vector", "norm", *(["kept"] if some_kept else []), *(f"cosine with {d}" for d in domains), "training"],
        [
            [
                vector.domain,
                text.decimal(vector.norm, 3),
                *([text.shares(vector.kept, {})] if some_kept else []),
                *(text.decimal(summary.cosines.get(vector.domain, {}).get(domain)) for domain in domains),
                f"{vector.rows} rows, {vector.anchors} anchors, {text.duration(vector.seconds)}",
            ]
            for vector in summary.vectors
        ],
    )


def _cost(summary: Summary) -> Iterable[str]:
    cost = summary.cost
    yield "## Cost"
    yield table(
        ["", "work", "time"],
        [
            [cost.alone[0], "", text.duration(cost.alone[1])],
            ["its trainings", text.plural(cost.domains, "run"), text.duration(cost.training)],
            [
                "its evaluations",
                f"{text.count(cost.evaluations)} of {text.duration(cost.seconds_per_evaluation)}",
                text.duration(cost.searched),
            ],
            [
                "the paper's grid (computed)",
                f"{text.count(cost.grid_evaluations)} evaluations",
                text.duration(cost.grid),
            ],
            ["joint training (computed)", text.plural(cost.joint_runs, "run"), text.duration(cost.joint)],
        ],
    )
    yield table(["stage", "time"], [[stage, text.duration(seconds)] for stage, seconds in cost.stages.items()])
