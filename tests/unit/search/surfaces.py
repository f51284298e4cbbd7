"""Synthetic surfaces: log-probs that are smooth functions of the coefficients, for the tests of search and samplers."""

from collections.abc import Mapping, Sequence

import numpy as np

from avspec.api import SearchSpace
from avspec.search.blocks import Watch, in_blocks
from avspec.search.evaluations import Evaluation
from avspec.search.objective import Objective

LEVELS = ("avoidance", "generic", "expert")
SLOPES = np.array([-1.0, 0.0, 1.0])


class Surface:
    """Rows whose preferred level rises with their domain's coefficient, and by a third with the others'.

    Expert log-probs rise with slope 1, avoidance ones fall, and every one loses `curve` nats per squared
    coefficient, which is what makes large edits infeasible.
    """

    def __init__(
        self, domains: Sequence[str] = ("medical", "legal"), rows: int = 12, seed: int = 0, curve: float = 0.1
    ) -> None:
        draw = np.random.default_rng(seed)
        self.domains, self.curve = tuple(domains), curve
        self.rows = {d: [-4.3, -4.1, -4.3] + 0.3 * draw.standard_normal((rows, 3)) for d in domains}
        self.asked: list[dict[str, float]] = []

    def __call__(self, coefficients: Mapping[str, float], watch: Watch | None = None) -> Evaluation:
        whole = self._whole(coefficients)
        shapes = {name: values.shape for name, values in whole.log_probs.items()}
        in_blocks(lambda rows: {n: values[rows] for n, values in whole.log_probs.items()}, shapes, watch)
        return whole

    def _whole(self, coefficients: Mapping[str, float]) -> Evaluation:
        self.asked.append(dict(coefficients))
        square = self.curve * sum(c * c for c in coefficients.values())
        log_probs = {}
        for domain, rows in self.rows.items():
            push = sum(c * (1.0 if d == domain else 0.33) for d, c in coefficients.items())
            log_probs[domain] = rows + push * SLOPES - square
        return Evaluation(dict(coefficients), log_probs, 0.25)

    def objective(self, behaviors: Mapping[str, Mapping[str, str]], max_fluency_drop: float = 1.0) -> Objective:
        base = self(dict.fromkeys(self.domains, 0.0))
        self.asked.clear()
        return Objective(self.domains, dict.fromkeys(self.domains, LEVELS), behaviors, base, max_fluency_drop)

    def space(self, objective: Objective, evaluations: int, seed: int = 0) -> SearchSpace:
        return SearchSpace(self.domains, -1.5, 1.0, seed, evaluations, tuple(objective.behaviors))


BEHAVIORS = {
    "clinic": {"medical": "expert", "legal": "avoidance"},
    "court": {"medical": "avoidance", "legal": "expert"},
    "careful": {"legal": "avoidance"},
}
