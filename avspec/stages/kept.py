"""Where the evaluations of a surface are kept: found without its model, so that what is stored can be read at once."""

import json
from collections.abc import Mapping
from pathlib import Path

from avspec.digest import digest
from avspec.model.encoding import SCORER_VERSION
from avspec.search.evaluations import EvaluationCache


def dependencies(inputs: Mapping[str, Path]) -> dict[str, str]:
    """Return what a surface's numbers depend on: address to key or, for a vector, to the digest of its bytes.

    Artifacts lie in folders named by their keys. A vector made anew under its old key may differ in its last
    bits, so vectors count by their bytes.

    Args:
        inputs: Stage address to the folder of its artifact; stages that a surface does not read are left out.
    """
    return {
        address: _vector_digest(path) if address.startswith("extract[") else path.name
        for address, path in inputs.items()
        if address.startswith(("base", "data[", "extract["))
    }


def surface_key(depends: Mapping[str, str], split: str) -> str:
    """Return the name of the surface of one split."""
    return digest({"split": split, "scorer": SCORER_VERSION, "inputs": dict(depends)})


def kept_evaluations(inputs: Mapping[str, Path], split: str, folder: Path) -> EvaluationCache:
    """Return the cache of one split's evaluations.

    Args:
        inputs: Stage address to the folder of its artifact.
        split: `search` or `test`.
        folder: Folder of all caches.
    """
    return EvaluationCache(folder / surface_key(dependencies(inputs), split))


def _vector_digest(path: Path) -> str:
    return str(json.loads((path / "vector.json").read_text("utf-8"))["sha256"])
