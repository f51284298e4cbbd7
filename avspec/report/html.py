"""report.html: one page without scripts and without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from avspec.report import baselines, figures, palette, text, transfer, variants
from avspec.report.atlas import panels
from avspec.report.behaviors import Measure
from avspec.report.markdown import point_log_probs, point_shares
from avspec.report.notes import fluency_sentence
from avspec.report.search import COMPARED, STANDINGS
from avspec.report.summary import Summary

HERE = Path(__file__).parent


def report_html(summary: Summary) -> str:
    """Return the text of report.html; everything but our own CSS and SVG is escaped."""
    from markupsafe import Markup

    return fill(
        "template.html.jinja",
        HERE,
        s=summary,
        o=summary.outline,
        t=text,
        style=page_style([len(levels) for levels in summary.outline.levels.values()]),
        figures={name: Markup(svg) for name, svg in _figures(summary).items()},
        measured=(*summary.outline.domains, *summary.outline.guardrails),
        segments=lambda measure, name: segments(summary, measure, name),
        level_style=lambda name, level: level_style(summary, name, level),
        point_shares=point_shares,
        point_log_probs=point_log_probs,
        fluency=fluency_sentence(summary.outline.max_fluency_drop),
        other_metrics=other_metrics(summary),
        standings=STANDINGS,
        compared=COMPARED,
        panels=panels(summary.atlas, summary.outline),
        prompting_head=baselines.PROMPTING_HEAD,
        joint_head=baselines.JOINT_HEAD,
        transfer_head=transfer.HEAD,
        variants_about=variants.ABOUT,
        variants_head=variants.HEAD,
        variants_legend=variants.LEGEND,
    )


def fill(template: str, folder: Path, **values: Any) -> str:
    """Return a template of a folder, filled in; everything that is no markup of ours is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    page = environment.get_template(template).render(**values)
    return "\n".join(line.rstrip() for line in page.splitlines() if line.strip()) + "\n"


def page_style(counts: Sequence[int] = ()) -> Any:
    """Return the pages' CSS as markup, with colors for as many levels as there are in each of some domains."""
    from markupsafe import Markup

    css = (HERE / "style.css").read_text(encoding="utf-8")
    for scheme in ("light", "dark"):
        css = css.replace(f"/* colors: {scheme} */", palette.declarations(scheme, list(counts)) + ";")
    return Markup(css)


def level_style(summary: Summary, name: str, level: str) -> str:
    """Return the CSS color of a level of a domain or guardrail."""
    levels = summary.outline.levels[name]
    return f"var({palette.level_variable(levels.index(level), len(levels))})"


def segments(summary: Summary, measure: Measure | None, name: str) -> list[tuple[str, str, str]]:
    """Return the parts of a share bar: level, width in CSS, color in CSS."""
    if measure is None:
        return []
    return [
        (level, f"{100 * share:.2f}%", level_style(summary, name, level))
        for level in summary.outline.levels[name]
        if (share := measure.shares.get(level))
    ]


def other_metrics(summary: Summary) -> list[tuple[str, str, str, str, str, str]]:
    """Return what other evaluators measured: evaluator, behavior, domain, quantity, base, steered."""
    rows = []
    for behavior in summary.behaviors:
        for evaluator, domains in behavior.metrics.items():
            if evaluator in ("preference-accuracy", "repetition"):
                continue
            for domain, values in domains.items():
                before = (summary.base_metrics.get(evaluator) or {}).get(domain) or {}
                rows += [
                    (evaluator, behavior.name, domain, key, _number(before.get(key)), _number(value))
                    for key, value in _told(values).items()
                ]
    return rows


def _told(values: Mapping[str, Any]) -> dict[str, float | str]:
    """Return the values that fit into a cell: numbers, and what an evaluator says in words."""
    return {
        key: value
        for key, value in values.items()
        if isinstance(value, int | float | str) and not isinstance(value, bool)
    }


def _number(value: Any) -> str:
    if isinstance(value, str):
        return value
    return text.decimal(value, 3) if isinstance(value, int | float) else text.NOTHING


def _figures(summary: Summary) -> dict[str, str]:
    outline = summary.outline
    drawn = {
        f"knob {domain} {measured}": figures.knob(
            summary.sweep[domain], domain, measured, outline.levels[measured], large=domain == measured
        )
        for domain, measured in product(outline.domains, (*outline.domains, *outline.guardrails))
        if summary.sweep[domain]
    }
    drawn |= {
        f"transfer {target.name} {domain} {measured}": figures.knob(
            curve, domain, measured, outline.levels[measured], large=domain == measured, on=target.name
        )
        for target in summary.transfers
        for domain, curve in target.curves.items()
        for measured in (*outline.domains, *outline.guardrails)
    }
    drawn |= {f"training {v.domain}": figures.training(v) for v in summary.vectors if v.loss or v.validation}
    if summary.progress.evaluations and summary.progress.behaviors:
        drawn["held"] = figures.held(summary.progress)
        drawn["margins"] = figures.margins(summary.progress, [b.name for b in summary.behaviors])
    drawn |= {f"lengths {card.domain}": figures.lengths(card) for card in summary.cards}
    bars = _bars(summary)
    return drawn | ({"cost": figures.cost(bars)} if bars else {})


def _bars(summary: Summary) -> list[tuple[str, float, bool]]:
    cost = summary.cost
    named = (
        (*cost.alone, True),
        (f"the paper's grid, {text.count(cost.grid_evaluations)} evaluations", cost.grid, False),
        (f"joint training, {text.plural(cost.joint_runs, 'run')}", cost.joint, False),
    )
    return [(name, seconds, measured) for name, seconds, measured in named if seconds]
