"""One real evaluation of coefficients that were only predicted, on both splits; kept, so that it is never repeated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from avspec.search.evaluations import Evaluation
from avspec.search.objective import Judgement
from avspec.serve.opening import quieten
from avspec.serve.question import ASKED, Question

if TYPE_CHECKING:  # importing the surface imports torch
    from avspec.stages.surface import Surface


@dataclass(frozen=True)
class Verified:
    """What coefficients really do."""

    coefficients: Mapping[str, float]
    evaluations: Mapping[str, Evaluation]
    """Of each split, `search` and `test`."""
    judgements: Mapping[str, Judgement]
    made: int
    """Evaluations that had to be computed; what was stored is read."""


def verify(
    question: Question,
    coefficients: Mapping[str, float],
    device: str = "auto",
    tell: Callable[[str], None] = lambda note: None,
) -> Verified:
    """Evaluate coefficients on the search and the test split.

    Args:
        question: What is asked, of which run.
        coefficients: One for each domain.
        device: Where the model runs.
        tell: Told what is being done.

    Raises:
        NonFinite: The model gave NaN or infinity there.
        ModelError: The base cannot be loaded, or a vector belongs to another one.
    """
    quieten()

    from avspec.stages.surface import Live, Surface

    params = question.params
    live = Live(question.inputs, params.domains, device, blocks=params.blocks)
    evaluations, judgements, made = {}, {}, 0
    for split in ("search", "test"):
        tell(f"evaluating on the {split} split")
        surface = Surface(live, question.inputs, params.levels, split, question.evaluations)
        evaluations[split], judgements[split] = _judged(question, surface, coefficients)
        made += surface.made
    return Verified(dict(coefficients), evaluations, judgements, made)


def _judged(question: Question, surface: Surface, coefficients: Mapping[str, float]) -> tuple[Evaluation, Judgement]:
    evaluation = surface.evaluate(coefficients)
    return evaluation, question.objective(surface.evaluate({})).judge(evaluation)[ASKED]
