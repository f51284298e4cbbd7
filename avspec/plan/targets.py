"""The stages of a transfer: each target, the training that it may need, and the sweep on it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

from avspec.errors import NoInput, UsageError
from avspec.plan.comparisons import TargetParams, TransferParams
from avspec.plan.fingerprint import base_params
from avspec.plan.lockfile import read_lock
from avspec.plan.params import TrainParams
from avspec.plan.parts import levels, steered
from avspec.plan.stage import Stage
from avspec.spec import LoadedSpec, Spec
from avspec.store.local import Store


def slugs(targets: Sequence[str]) -> list[str]:
    """Return what targets are called in addresses and folders: `safety` of `align:safety`; all different."""
    found: list[str] = []
    for target in targets:
        name = target.partition(":")[2].partition("@")[0].rstrip("/")
        short = name.replace("/", "-") if target.startswith("run:") else name.rpartition("/")[2]
        slug = re.sub(r"[^\w.-]+", "-", short).strip("-.") or "target"
        found.append(slug if slug not in found else f"{slug}-{len(found) + 1}")
    return found


def target_stage(loaded: LoadedSpec, target: str, slug: str, folder: Path, run_dir: Path) -> Stage:
    """Return the stage that makes a target.

    Args:
        loaded: The spec.
        target: As the spec says it.
        slug: What it is called.
        folder: Where a relative `path:` starts.
        run_dir: The spec's own run folder; other runs are beside it.

    Raises:
        ModelError: A model is on this disk by name only.
        NoInput: There is no such run, or it has trained nothing yet.
        UsageError: The run does not say which of its domains is meant, has none of that name, or is the spec's own.
    """
    kind, _, name = target.partition(":")
    if kind == "align":
        return Stage(TargetParams(target=target, trained=f"train[{name}]"), slug, ("base", f"train[{name}]"))
    if kind == "run":
        return Stage(_of_run(target, run_dir), slug, ("base",))
    model = loaded.spec.model
    found = base_params(target, model.dtype, model.trust_remote_code, folder)
    return Stage(TargetParams(target=target, model=found.model_dump(mode="json")), slug, ("base",))


def alignment(spec: Spec, name: str) -> TrainParams:
    """Return the training that aligns the base to a guardrail, which has no vector of its own."""
    training = spec.training
    options = {**training.options, **({"anchors": 0.0} if "anchors" in training.options else {})}
    return TrainParams(domain=name, plugin=training.plugin, options=options, levels={name: spec.levels_of(name)})


def transfer_stage(spec: Spec, target: str, slug: str) -> Stage:
    """Return the sweep of each vector on a target; it reads what a sweep reads, and the target."""
    params = TransferParams(
        target=target,
        domains=tuple(spec.domains),
        levels=levels(spec),
        step=spec.transfer.step or spec.sweep.step,
        low=spec.search.low,
        high=spec.search.high,
    )
    return Stage(params, slug, (*steered(spec), f"target[{slug}]"))


def _of_run(target: str, run_dir: Path) -> TargetParams:
    name, _, domain = target.removeprefix("run:").partition("/")
    runs = run_dir.parent
    if name == run_dir.name:
        hint = f"write align:{domain or 'DOMAIN'}, so that it is trained first"
        raise UsageError(f"the target {target} is this spec's own run", where="transfer.targets", hint=hint)
    lock = read_lock(runs / name)
    if lock is None:
        known = [path.parent.name for path in runs.glob("*/avspec.lock")]
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean run:{close[0]}?" if close else "apply its spec first, in this folder"
        raise NoInput(f"the target {target} is no run", where=str(runs / name), hint=hint)
    trained = {
        address.removeprefix("train[").removesuffix("]"): entry
        for address, entry in lock["stages"].items()
        if entry["kind"] == "train" and "@" not in address
    }
    if not trained:
        raise NoInput(f"the run {name} has trained nothing yet", where=target, hint="apply its spec first")
    if domain and domain not in trained:
        raise UsageError(f"the run {name} trained no {domain}", where=target, hint=f"it has {', '.join(trained)}")
    if not domain and len(trained) > 1:
        hint = f"write run:{name}/{next(iter(trained))}; it has {', '.join(trained)}"
        raise UsageError(f"the run {name} aligned the base to several domains", where=target, hint=hint)
    entry, store = trained[domain or next(iter(trained))], Store(runs / name / lock["store"])
    return TargetParams(
        target=target,
        weights=entry["key"],
        weights_path=str(store.path(entry["key"]).resolve()),
        base_path=str(store.path(entry["inputs"]["base"]).resolve()),
    )
