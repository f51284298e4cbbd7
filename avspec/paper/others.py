"""Tables 6 and 7 (data and annotation), section 6.4 (transfer) and section 7 (extractors, future work)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from avspec.paper.found import Found, Json, first, paper
from avspec.paper.part import NONE, Part
from avspec.report import text
from avspec.report.agreement import PAPER_TABLE


def table_6(runs: Sequence[Found]) -> Part:
    """Return the rows of each domain and where they come from (paper, table 6)."""
    rows = []
    for run in runs:
        for domain in run.domains:
            theirs: Json = paper()["table_6"].get(domain) or {}
            count = sum(run.report["rows"].get(domain, {}).values())
            card: Json = (run.report.get("data") or {}).get(domain) or {}
            rows.append((domain, text.count(theirs["total"]) if theirs else NONE, text.count(count), _source(card)))
    return Part(
        "Table 6: the data",
        "table-6.yaml",
        "Queries with a response at each level. The paper’s are from PersonaHub and CreatePersona, written by "
        "Claude-3-Sonnet, and are not public; the bundled rows are this project’s own.",
        ("Domain", "Paper", "Here", "From"),
        tuple(dict.fromkeys(rows)),
        tuple(dict.fromkeys(run.name for run in runs)),
        tuple(_sums()),
    )


def _sums() -> Iterable[str]:
    """Say where the paper's own table does not add up."""
    for domain, parts in paper()["table_6"].items():
        added = parts["persona_hub"] + parts["create_persona"]
        if added != parts["total"]:
            yield f"The paper’s parts for {domain} add up to {added:,}, its total says {parts['total']:,}."


def _source(card: Json) -> str:
    written: Json = card.get("written") or {}
    return f"written by {written['model']}" if written else "bundled or own rows"


def table_7(runs: Sequence[Found]) -> Part:
    """Return how far people agree with the levels that responses were written for (paper, table 7)."""
    run = first(runs, "table-6.yaml", lambda run: (run.report.get("agreement") or {}).get("mean_kappa") is not None)
    rows: list[tuple[str, ...]] = []
    if run:
        found = run.report["agreement"]
        rows.append(
            ("mean Cohen’s kappa", text.decimal(paper()["agreement"]["kappa"]), text.decimal(found["mean_kappa"]))
        )
        for written, labels in PAPER_TABLE.items():
            rows.append((f"{written} labeled {written}", text.percent(labels[written]), _agreed(found, written)))
    return Part(
        "Table 7: people on the levels",
        "table-6.yaml",
        "People say the level of responses without seeing it: avspec annotate RUN, then apply again.",
        ("Quantity", "Paper", "Here"),
        tuple(rows),
        (run.name,) if run else (),
    )


def _agreed(found: Json, level: str) -> str:
    """Return how often people gave a level its own label, from the first table that has it."""
    means = (table["mean"] for table in found["confusion"] if table["mean"])
    return next((text.percent(mean[level][level]) for mean in means if mean.get(level)), NONE)


def transfer(runs: Sequence[Found]) -> Part:
    """Return what vectors do on a model aligned to something else (paper, section 6.4)."""
    run = first(runs, "transfer.yaml", lambda run: run.report.get("transfer"))
    return Part(
        "Section 6.4: transfer to a safety-aligned model",
        "transfer.yaml",
        "Each vector on another fine-tune, the coefficient from −1 to 1: rise of the highest level’s share in the "
        "vector’s own domain, and the range of the safe share. Test split.",
        ("Target", "Vector", "Own domain, paper", "Own domain, here", "Safety, paper", "Safety, here"),
        tuple(_transferred(run)) if run else (),
        (run.name,) if run else (),
    )


def _transferred(run: Found) -> Iterable[tuple[str, ...]]:
    for target, found in run.report["transfer"].items():
        for domain, summary in found["summary"].items():
            theirs: Json = paper()["transfer"].get(domain) or {}
            safety = summary["ranges"].get("safety")
            yield (
                target,
                domain,
                text.decimal(theirs.get("own")),
                text.decimal(summary["rise"]),
                text.decimal(theirs.get("safety")),
                text.decimal(safety),
            )


def extractors(runs: Sequence[Found]) -> Part:
    """Return variants that the paper names as future work (sections 6.2 and 7); it has no figures of them."""
    compared = [run for run in runs if run.report.get("variants")]
    rows = []
    for run in compared:
        for name, found in run.report["variants"].items():
            held, worst = found["held"], found["worst_share"]
            bounds = "–".join(f"{bound:.0f}" for bound in held["interval"])
            rows.append(
                (
                    run.name,
                    name,
                    f"{held['test']} ({bounds})",
                    text.percent(worst["mean"]),
                    text.decimal(found["off_domain"]),
                    text.nats((found["fluency_drop"] or {}).get("mean")),
                )
            )
    return Part(
        "Sections 6.2 and 7: over-generalization, other extractors",
        "over-generalization.yaml, extractors.yaml",
        "What the paper leaves open, without figures to hold against. Behaviors that hold on the test split "
        "with a 95% bootstrap interval, the share of the level asked for in the worst domain, how far a knob moves "
        "other domains relative to its own, and the fluency drop in nats per token.",
        ("Run", "Variant", "Hold on test", "Worst domain", "Off-domain movement", "Fluency drop"),
        tuple(rows),
        tuple(run.name for run in compared),
    )
