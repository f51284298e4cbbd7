"""Why figures of a run differ from the paper's, as far as the run itself knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from avspec.paper.found import Found, paper
from avspec.report import text


def differences(runs: Sequence[Found]) -> tuple[str, ...]:
    """Return what is otherwise than in the paper, each said once with the runs it is true of."""
    said: dict[str, list[str]] = {}
    for run in runs:
        for sentence in _of(run):
            said.setdefault(sentence, []).append(run.name)
    return tuple(
        sentence if len(names) == len(runs) else f"{sentence} ({text.listing(names)})"
        for sentence, names in said.items()
    )


def _of(run: Found) -> Iterable[str]:
    facts, training = paper(), run.spec.get("training") or {}
    model = run.report["model"]
    if facts["model"] not in model:
        size = int(run.report.get("parameters") or 0)
        told = f"{size / 1e6:,.0f} million" if size >= 1e6 else f"{size:,}"
        count = f", {told} parameters" if size else ""
        yield f"Model: {model}{count}, in place of {facts['model']} with {facts['parameters'] / 1e9:.2f} billion."
    rows = [counts for domain in run.domains if (counts := run.report["rows"].get(domain))]
    if rows:
        train, test = (sum(counts.get(split, 0) for counts in rows) / len(rows) for split in ("train", "test"))
        theirs = sum(each["total"] for each in facts["table_6"].values()) / len(facts["table_6"])
        yield (
            f"Data: {train:,.0f} training and {test:,.0f} test rows a domain, where the paper has about "
            f"{facts['training']['share'] * theirs:,.0f} and {(1 - facts['training']['share']) * theirs:,.0f}; with "
            f"{test:,.0f} rows a share is uncertain by up to {100 * 0.98 / max(test, 1) ** 0.5:.0f} points either way."
        )
    beta, anchors = training.get("beta"), training.get("anchors")
    if beta is not None and beta != facts["training"]["beta"]:
        margin = 1 / (2 * beta)
        paper_beta = facts["training"]["beta"]
        yield (
            f"Training: beta {beta:g}, a target margin of {margin:g} {'nat' if margin == 1 else 'nats'} a token; the "
            f"paper’s {paper_beta:g} asks for {1 / (2 * paper_beta):g}, which breaks the text of small models."
        )
    if anchors:
        yield f"Training: {text.percent(anchors)} of the rows are anchors; the paper has none."
    yield "Splits: coefficients are chosen on rows of their own; the paper chooses and measures on the same."
