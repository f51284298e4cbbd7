"""The page that lays runs beside the paper, as HTML and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avspec.paper.differences import differences
from avspec.paper.found import Found, all_runs, paper, read_found
from avspec.paper.others import extractors, table_6, table_7, transfer
from avspec.paper.part import Part
from avspec.paper.several import combinations, cost, table_5
from avspec.paper.single import figure_4, table_4, tables_1_to_3
from avspec.report.html import fill, page_style
from avspec.report.markup import table
from avspec.store.disk import disk_errors, write_atomic

PARTS = (
    tables_1_to_3,
    table_4,
    table_5,
    combinations,
    cost,
    figure_4,
    transfer,
    extractors,
    table_6,
    table_7,
)
"""What the paper measures, in the order of the page."""


@dataclass(frozen=True)
class Page:
    """Everything the page says."""

    runs: tuple[str, ...]
    differences: tuple[str, ...]
    parts: tuple[Part, ...]


def write_page(runs: Sequence[Path], root: Path = Path("runs")) -> Path:
    """Write paper.html and paper.md, and return the first.

    They lie in the folder of the run where there is one, else in the folder of all runs.

    Args:
        runs: Run folders; none means all that have a report.
        root: The folder of all runs.

    Raises:
        NoInput: There is no such run, or it has no report yet.
        StoreError: The folder is not writable.
    """
    chosen = list(runs) or all_runs(root)
    page = lay_beside([read_found(run) for run in chosen])
    folder = chosen[0] if len(chosen) == 1 else chosen[0].parent
    with disk_errors(folder):
        write_atomic(folder / "paper.html", page_html(page))
        write_atomic(folder / "paper.md", page_markdown(page))
    return folder / "paper.html"


def lay_beside(runs: Sequence[Found]) -> Page:
    """Return every part of the paper with what the runs measured of it."""
    return Page(tuple(run.name for run in runs), differences(runs), tuple(part(runs) for part in PARTS))


def page_html(page: Page) -> str:
    """Return the page as HTML without scripts and without anything from elsewhere."""
    return fill("paper.html.jinja", Path(__file__).parent, page=page, facts=paper(), style=page_style())


def page_markdown(page: Page) -> str:
    """Return the page as Markdown."""
    facts = paper()
    parts = [f"# Beside the paper: {', '.join(page.runs)}", f"“{facts['title']}”, {facts['source']}."]
    parts += ["Figures differ where these do:", "\n".join(f"- {sentence}" for sentence in page.differences)]
    for part in page.parts:
        parts += [f"## {part.title}", part.about]
        if part.rows:
            parts += [table(part.head, part.rows), *part.notes, f"From {', '.join(part.runs)}."]
        else:
            parts.append(f"Not measured: `avspec apply specs/paper/{part.spec}`.")
    return "\n\n".join(parts) + "\n"
