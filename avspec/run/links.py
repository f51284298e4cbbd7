"""Links in the run folder to the artifacts of the run, by names a user knows."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from avspec.store.disk import disk_errors
from avspec.store.local import Store

LINKS: dict[str, dict[str, str]] = {
    "base": {"base": "."},
    "data": {"data/{name}.jsonl": "rows.jsonl"},
    "clean": {"data/{name}.dropped.jsonl": "dropped.jsonl"},
    "card": {"data/{name}.card.json": "card.json"},
    "train": {"training/{name}.json": "training.json"},
    "extract": {"vectors/{name}.safetensors": "vector.safetensors"},
    "sweep": {"sweep.json": "sweep.json"},
    "search": {"search.json": "search.json"},
    "evaluate": {"evaluate.json": "evaluate.json"},
    "compare": {"compare.json": "compare.json"},
    "prompting": {"prompting.json": "prompting.json"},
    "joint": {"joint/{name}.json": "joint.json"},
    "target": {"targets/{name}": "."},
    "transfer": {"transfer/{name}.json": "transfer.json"},
    "variants": {"variants.json": "variants.json"},
    "agreement": {"agreement.json": "agreement.json"},
    "report": {name: name for name in ("report.html", "report.md", "report.json", "atlas.json")},
}
"""Kind of stage to link in the run folder to file in the artifact."""


def current(stages: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the addresses of a lock whose artifact was made from the lock's other artifacts.

    After an apply that was stopped halfway, the stages further down are still those of the spec before.
    """
    known: dict[str, bool] = {}

    def is_current(address: str) -> bool:
        if address not in known:
            known[address] = all(
                name in stages and stages[name]["key"] == key and is_current(name)
                for name, key in stages[address]["inputs"].items()
            )
        return known[address]

    return {address for address in stages if is_current(address)}


def refresh(run_dir: Path, store: Store, stages: Mapping[str, Mapping[str, Any]]) -> None:
    """Make the links those of the lock's stages: results that no longer fit together are not shown.

    Raises:
        StoreError: The run folder is not writable.
    """
    wanted: dict[str, Path] = {}
    for address in current(stages):
        if "@" in address:  # of a variant
            continue
        key, kind = stages[address]["key"], stages[address]["kind"]
        name = address.partition("[")[2].rstrip("]")
        for link, file in LINKS.get(kind, {}).items():
            wanted[link.format(name=name)] = store.path(key) / file
    with disk_errors(run_dir):
        for path in _present(run_dir):
            if path.relative_to(run_dir).as_posix() not in wanted:
                path.unlink()
        for link, target in wanted.items():
            if target.exists():
                _link(run_dir / link, target)


def _present(run_dir: Path) -> list[Path]:
    folders = {Path(link).parent.as_posix() for links in LINKS.values() for link in links}
    return [path for folder in folders for path in (run_dir / folder).glob("*") if path.is_symlink()]


def _link(path: Path, target: Path) -> None:
    """Point a relative link at the target, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    relative = os.path.relpath(target.resolve(), path.parent.resolve())
    if path.is_symlink() and os.readlink(path) == relative:  # noqa: PTH115
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.unlink(missing_ok=True)
    draft.symlink_to(relative)
    draft.replace(path)
