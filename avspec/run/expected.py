"""How long stages will take, judged by artifacts of the same kind in the store."""

from collections.abc import Iterable, Mapping

from avspec.errors import AvspecError
from avspec.plan.stage import kind_of, main_address
from avspec.store.local import Store
from avspec.store.manifest import Manifest


def expected_seconds(store: Store, waiting: Iterable[str], base: str | None) -> dict[str, float]:
    """Return, for each stage to run whose like has run before, what the like took.

    Args:
        store: Where to look.
        waiting: Addresses of the stages to run.
        base: Key of the base model: a stage on another base says nothing about this one.
    """
    seen = sorted(_manifests(store, base), key=lambda manifest: manifest.created)
    by_kind = {manifest.kind: manifest.seconds for manifest in seen}
    by_address = {_address(manifest): manifest.seconds for manifest in seen}
    return {
        address: seconds
        for address in waiting
        if (seconds := by_address.get(main_address(address), by_kind.get(kind_of(address)))) is not None
    }


def stage_seconds(store: Store, keys: Mapping[str, str]) -> dict[str, float]:
    """Return how long each stage of a finished plan took when it ran."""
    return {address: store.manifest(key).seconds for address, key in keys.items()}


def _manifests(store: Store, base: str | None) -> Iterable[Manifest]:
    for key in store.keys():  # noqa: SIM118 (a method, not that of a mapping)
        try:
            manifest = store.manifest(key)
        except AvspecError:
            continue  # a broken or half artifact has nothing to say here; the plan deals with it
        if manifest.kind == "base" or manifest.inputs.get("base") == base:
            yield manifest


def _address(manifest: Manifest) -> str:
    return f"{manifest.kind}[{manifest.name}]" if manifest.name else manifest.kind
