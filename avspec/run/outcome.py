"""What a finished run has to say about its behaviors."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from avspec.errors import Corrupted
from avspec.knobs import in_order


def read_json(path: Path) -> dict[str, Any]:
    """Read a result file of a stage.

    Raises:
        Corrupted: It is not JSON.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        hint = "run `avspec apply` on its spec again: what is broken is made anew"
        raise Corrupted("a result file is broken", where=str(path), hint=hint) from error
    return found


def behaviors(evaluate: Path, named: Iterable[str], domains: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return `{coefficients, held: {search, test}}` of the named behaviors.

    Args:
        evaluate: Folder of the evaluate stage's artifact.
        named: The behaviors that the spec names itself, without the atlas.
        domains: The order of the coefficients.
    """
    results = read_json(evaluate / "evaluate.json")["behaviors"]
    return {name: _outcome(results[name], domains) for name in named if name in results}


def _outcome(result: Mapping[str, Any], domains: Sequence[str]) -> dict[str, Any]:
    found = result["coefficients"]
    return {"coefficients": in_order(found, domains) if found else {}, "held": result["held"]}
