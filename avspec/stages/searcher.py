"""What a search is made of, whichever sampler proposes: the surface, the objective, the space, the studies."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

# optuna keeps the frames of whoever imports it first, in its deferred import errors: here none holds a model
import optuna

from avspec import registry
from avspec.api import SearchSpace
from avspec.digest import digest
from avspec.knobs import knobs, own_knobs
from avspec.model.blocks import block_norms
from avspec.plan.params import SearchParams
from avspec.search.evaluations import Evaluation
from avspec.search.objective import Objective
from avspec.search.study import open_study, run_search
from avspec.search.trials import SearchTrial
from avspec.stages.context import Context
from avspec.stages.extract import VECTOR
from avspec.stages.surface import Live, Surface, read_json

STUDIES = "study.db"


class Searcher:
    """Searches one space with one sampler or another; a whole evaluation is made once for all of them."""

    def __init__(self, params: SearchParams, inputs: Mapping[str, Path], ctx: Context) -> None:
        self.ctx = ctx
        live = Live(inputs, params.domains, ctx.device, ctx.log, blocks=params.blocks)
        self.surface = Surface(live, inputs, params.levels, "search", ctx.evaluations)
        base = self.surface.evaluate({})
        self.objective = Objective(
            domains=params.domains,
            levels=params.levels,
            behaviors=params.behaviors,
            base=base,
            max_fluency_drop=params.max_fluency_drop,
            guardrails=params.guardrails,
            norms=_norms(params, inputs),
        )
        self.space = SearchSpace(
            domains=knobs(params.domains, params.blocks),
            low=params.low,
            high=params.high,
            seed=params.seed,
            evaluations=params.evaluations,
            behaviors=tuple(params.behaviors),
        )
        self._known = [base, *_swept(inputs["sweep"], self.surface)]

    def open(self, params: SearchParams) -> optuna.Study:
        """Open the study of a sampler, or start it.

        Raises:
            StudyMismatch: The file holds a study of this name for another search.
            StoreError: The file cannot be opened or written.
        """
        identity = _identity(params, self.surface)
        sampler = registry.create("samplers", params.sampler, params.options).create(self.space)
        name = f"{self.ctx.run_dir.name}-{digest(identity)[:8]}"
        return open_study(self.ctx.run_dir / STUDIES, name, identity, self.space.behaviors, sampler)

    def run(self, study: optuna.Study, later: int = 0, label: str = "") -> list[SearchTrial]:
        """Evaluate what a study's sampler proposes until it has all its evaluations, and return its trials.

        Args:
            study: From `open`.
            later: Evaluations that other searches of this stage will make after this one.
            label: Put before what progress says.
        """

        def tell(done: int, total: int, note: str) -> None:
            self.surface.ahead = total - done + later
            self.ctx.progress(done, total, label + note)

        evaluate, stop = self.surface.evaluate, self.ctx.check_stop
        return run_search(study, self.space, evaluate, self.objective, self._known, tell, stop)


def _norms(params: SearchParams, inputs: Mapping[str, Path]) -> dict[str, float]:
    """Return each knob to the norm of what it adds."""
    folders = {domain: inputs[f"extract[{domain}]"] for domain in params.domains}
    if params.blocks == 1:
        return {domain: read_json(folder / "vector.json")["norm"] for domain, folder in folders.items()}
    return {
        knob: norm
        for domain, folder in folders.items()
        for knob, norm in zip(
            own_knobs(domain, params.blocks), block_norms(folder / VECTOR, params.blocks), strict=True
        )
    }


def _swept(folder: Path, surface: Surface) -> list[Evaluation]:
    """Return the sweep's evaluations, which are in the cache."""
    curves = read_json(folder / "sweep.json")["curves"]
    points = [{domain: point["coefficient"]} for domain, curve in curves.items() for point in curve]
    return [surface.evaluate(point) for point in points]


def _identity(params: SearchParams, surface: Surface) -> dict[str, Any]:
    """Return what a study's numbers depend on; how many evaluations it may make is not part of it."""
    vectors = {address: part for address, part in surface.depends.items() if address.startswith("extract[")}
    return {
        "spec": {name: value for name, value in params.identity().items() if name != "evaluations"},
        "vectors": vectors,
        "evaluators": {"surface": surface.key},
    }
