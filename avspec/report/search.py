"""How the search ended: where each behavior stands, why it stopped, and how far its surface can be trusted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from avspec.report.inputs import Json
from avspec.report.text import listing, plural, points

STANDINGS = {
    "settled": "held, with a margin beyond the rows' noise or one that more evaluations would not raise",
    "held": "held, with a margin within the rows' noise: other rows might not show it",
    "open": "not found, and not ruled out either",
    "unreachable": "no coefficients in the range give it, as far as the surface can tell",
}
"""What each standing means, best first."""

COMPARED = (
    "Behaviors that hold on the search split, by sampler, after so many evaluations; the sweep's are among them, and "
    "one that was stopped early counts as one"
)


@dataclass(frozen=True, slots=True)
class Search:
    """The end of the search."""

    sampler: str
    evaluations: int
    """In all, the sweep's and the failed ones included."""
    stopped: str
    """Why the sampler ended the search before the evaluations were used up; empty when it did not."""
    left_out_error: float | None
    """Mean difference of a share predicted without an evaluation to the measured one; None when not known."""
    pruned: int
    """Evaluations that were stopped after a part of their rows."""
    saved: float
    """Part of all evaluations' rows that they left out."""
    standings: Mapping[str, int]
    """Standing to the number of behaviors, the atlas's included."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say how the search ended, one sentence for each thing that is known."""
        return tuple(filter(None, (self._standing(), self._stopping(), self._pruning(), self._trust())))

    def _standing(self) -> str:
        told = listing([f"{count} {standing}" for standing, count in self.standings.items()])
        searched = plural(sum(self.standings.values()), "behavior")
        return f"After {plural(self.evaluations, 'evaluation')}, of {searched}: {told}." if told else ""

    def _stopping(self) -> str:
        return f"The sampler ended the search before all were used: {self.stopped}." if self.stopped else ""

    def _pruning(self) -> str:
        if not self.pruned:
            return ""
        return (
            f"{plural(self.pruned, 'evaluation')} stopped after a part of the rows, when nothing was likely to come of "
            f"the others: {self.saved:.0%} of all scoring was saved."
        )

    def _trust(self) -> str:
        if self.left_out_error is None:
            return ""
        error = points(self.left_out_error)
        return (
            f"A surface fitted to all evaluations but one misses the shares of that one by {error} on average "
            "(exact leave-one-out error): so far can predictions between the evaluations be trusted."
        )


def read_search(search: Json) -> Search:
    """Return how the search ended; what an older search.json does not say is not known."""
    assessment: Json = search.get("assessment") or {}
    parts = [float(trial.get("part", 1)) for trial in search.get("trials") or []]
    counts = Counter((assessment.get("standings") or {}).values())
    return Search(
        sampler=str(search.get("sampler") or ""),
        evaluations=int(search.get("evaluations") or len(search.get("trials") or [])),
        stopped=str(search.get("stopped") or ""),
        left_out_error=assessment.get("left_out_error"),
        pruned=sum(part < 1 for part in parts),
        saved=1 - sum(parts) / len(parts) if parts else 0.0,
        standings={standing: counts[standing] for standing in STANDINGS if counts[standing]},
    )
