"""Matplotlib figures as inline SVG: text stays text, colors are the page's, bytes are always the same."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from avspec.report.palette import INK, MUTED, RULE, variable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "avspec",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so the layout is the same everywhere
    "font.size": 11,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "lines.solid_capstyle": "round",
    "lines.dash_capstyle": "round",
}
_POINTS_PER_INCH = 72


def draw(
    name: str,
    width: int,
    height: int,
    paint: Callable[[Axes], None],
    label: str,
    margins: tuple[int, int, int, int] = (46, 14, 12, 40),
) -> str:
    """Draw one panel and return it as an `<svg>` element.

    Args:
        name: Unique on the page; it begins every id in the SVG.
        width: Width of the view box, in points.
        height: Height of the view box, in points.
        paint: Draws into the axes.
        label: What a screen reader says instead of the picture.
        margins: Left, right, top and bottom, in points.
    """
    import matplotlib
    from matplotlib.figure import Figure

    left, right, top, bottom = margins
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width / _POINTS_PER_INCH, height / _POINTS_PER_INCH))
        box = (left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height)
        axes = figure.add_axes(box)
        paint(axes)
        for part in (figure.patch, axes.patch):
            part.set_visible(False)
        text = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(text, format="svg", metadata=nothing)
    return _inline(text.getvalue(), name, f"0 0 {width} {height}", label)


def _inline(text: str, name: str, view_box: str, label: str) -> str:
    body = text[text.index("<svg") :]
    body = body[body.index(">") + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    # matplotlib's style element would apply to the whole page
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = body.replace('xlink:href="#', f'href="#{name}-').replace("url(#", f"url(#{name}-")
    body = re.sub(r"'DejaVu Sans'[^;\"]*", "var(--sans)", body)
    body = re.sub(r"#0[abc][0-9a-f]{4}\b", lambda match: variable(match.group()), body)
    body = re.sub(r"\s*\n\s*", "\n", body).strip()
    return f'<svg viewBox="{view_box}" role="img" aria-label="{escape(label)}">\n{body}'
