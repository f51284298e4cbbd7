"""A plan as text, readable without color."""

from __future__ import annotations

from avspec.plan.diff import Plan, PlannedStage

_SYMBOLS = {
    None: "=",
    "new": "+",
    "spec-changed": "~",
    "input-changed": "~",
    "plugin-changed": "~",
    "code-changed": "~",
    "output-missing": "!",
    "output-drifted": "!",
    "incomplete": "!",
    "forced": "!",
}
_SHOWN = 4  # changes shown for a stage; the rest is counted


def render_plan(plan: Plan) -> str:
    """Return one line a stage: symbol, address, action, reason, changes; then the count.

    `=` is reused, `+` never made, `~` made otherwise before, `!` made again as it was.
    """
    width = max((len(planned.address) for planned in plan.stages), default=0)
    lines = [line for planned in plan.stages for line in _lines(planned, width)]
    return "\n".join([*lines, "", summary_line(plan)]) + "\n"


def summary_line(plan: Plan) -> str:
    """Return the sentence that ends a plan."""
    reuse, run = plan.summary["reuse"], plan.summary["run"]
    if not run:
        return f"Nothing to do: {reuse} of {reuse} stages are up to date."
    return f"{run} to run, {reuse} to reuse."


def _lines(planned: PlannedStage, width: int) -> list[str]:
    changes = _shortened(planned)
    reason = planned.reason or ""
    head = f"  {_SYMBOLS[planned.reason]} {planned.address:<{width}}  {planned.action:<5}  {reason:<14}  "
    first = (head + (changes[0] if changes else "")).rstrip()
    return [first, *(" " * len(head) + change for change in changes[1:])]


def _shortened(planned: PlannedStage) -> list[str]:
    """Return the lines of a stage's changes: inputs side by side, everything else below one another."""
    changes = list(planned.changes)
    if len(changes) > _SHOWN:
        changes = [*changes[: _SHOWN - 1], f"and {len(changes) - _SHOWN + 1} more"]
    if planned.reason == "input-changed":
        return [", ".join(changes)]
    return changes
