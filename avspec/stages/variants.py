"""variants: what each variant of the spec comes to, measured beside the spec itself on the same test rows."""

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from avspec.plan.comparisons import VariantsParams
from avspec.search.comparison import Outcomes, interval, outcomes
from avspec.search.movement import relative
from avspec.search.objective import Objective
from avspec.spec.model import MAIN
from avspec.stages.context import Context
from avspec.stages.surface import Live, Surface, read_json, write_json


def run(params: VariantsParams, inputs: Mapping[str, Path], out: Path, ctx: Context) -> None:
    """Write `variants.json`: of the spec (`main`) and each variant what holds, how well, and what the vectors move.

    Evaluations are those that the evaluate stages made; one that is gone is made again.
    """
    found: dict[str, Any] = {}
    reference: Outcomes | None = None
    for done, (name, places) in enumerate(params.places.items()):
        ctx.progress(done, len(params.places), name)
        own = {address: inputs[place] for address, place in places.items()}
        measured = _outcomes(params, name, own, ctx)
        reference = reference or measured
        found[name] = _described(params, own, measured, None if name == MAIN else reference)
    ctx.progress(len(params.places), len(params.places), f"{len(params.places) - 1} variants beside the spec")
    behaviors = len(params.behaviors)
    write_json(out / "variants.json", {"format_version": 1, "behaviors": behaviors, "variants": found})


def _outcomes(params: VariantsParams, name: str, own: Mapping[str, Path], ctx: Context) -> Outcomes:
    live = Live(own, params.domains, ctx.device, ctx.log, blocks=params.blocks[name])
    surface = Surface(live, own, params.levels, "test", ctx.evaluations)
    objective = Objective(
        domains=params.domains,
        levels=params.levels,
        behaviors=params.behaviors,
        base=surface.evaluate({}),
        max_fluency_drop=params.limits[name],
        guardrails=params.guardrails,
    )
    chosen = read_json(own["search"] / "search.json")["behaviors"]
    return outcomes(objective, {name: surface.evaluate(each["coefficients"]) for name, each in chosen.items()})


def _described(
    params: VariantsParams, own: Mapping[str, Path], measured: Outcomes, reference: Outcomes | None
) -> dict[str, Any]:
    search, sweep = read_json(own["search"] / "search.json"), read_json(own["sweep"] / "sweep.json")
    behaviors = read_json(own["evaluate"] / "evaluate.json")["behaviors"]
    drops = [each["fluency_drop"]["test"] for each in behaviors.values()]
    movement = {domain: relative(curve, domain, params.levels) for domain, curve in sweep["curves"].items()}
    away = [
        abs(ratio)
        for knob, row in movement.items()
        for name, ratio in row.items()
        if name in params.domains and name != knob and ratio is not None
    ]
    gained = {} if reference is None else {"gain": _difference(measured, reference)}
    return {
        "held": {
            "search": sum(each["held"]["search"] for each in behaviors.values()),
            "test": int(measured.held[0]),
            "interval": interval(measured.held),
            "names": [name for name, each in behaviors.items() if each["held"]["test"]],
        },
        **gained,
        "worst_share": {"mean": float(measured.worst[0]), "interval": interval(measured.worst)},
        "fluency_drop": {"mean": fmean(drops), "largest": max(drops)} if drops else None,
        "movement": movement,
        "off_domain": fmean(away) if away else None,
        "repeated": _repeated(behaviors),
        "evaluations": search["evaluations"],
        "vectors": {domain: _vector(own[f"extract[{domain}]"]) for domain in params.domains},
    }


def _difference(measured: Outcomes, reference: Outcomes) -> dict[str, Any]:
    """Return how many more behaviors hold on the test split than with the spec itself, paired over resamplings."""
    more = measured.held - reference.held
    return {"held": int(more[0]), "interval": interval(more)}


def _repeated(behaviors: Mapping[str, Any]) -> float | None:
    """Return the mean share of repeated 4-grams in the answers of the behaviors that the spec names."""
    shares = [
        values["repeated_4grams"]
        for each in behaviors.values()
        for values in (each["metrics"].get("repetition") or {}).values()
    ]
    return fmean(shares) if shares else None


def _vector(folder: Path) -> dict[str, Any]:
    said = read_json(folder / "vector.json")
    return {"norm": said["norm"], **({"kept": said["kept"]} if said.get("kept") else {})}
