"""Whether a base has as many layers as the search wants blocks of them, asked before anything is trained."""

from __future__ import annotations

import json
from pathlib import Path

from avspec.errors import ModelError
from avspec.knobs import blocks_of
from avspec.plan.params import BaseParams


def check_blocks(base: BaseParams, granularity: str) -> None:
    """Check a granularity against the base's `config.json`.

    Where there is none on this disk (a GGUF file, or a hub's model not yet fetched) the search tells it.

    Raises:
        ModelError: There are more blocks than layers.
    """
    blocks = blocks_of(granularity)
    layers = _layers(base) if blocks > 1 else None
    if layers is not None and layers < blocks:
        hint = f"write `granularity: blocks(N)` with N up to {layers}" if layers > 1 else "write `granularity: model`"
        what = f"{blocks} blocks are too many for the model's layers: it has {layers}"
        raise ModelError(what, where="search.granularity", hint=hint)


def _layers(base: BaseParams) -> int | None:
    config = _config(base)
    if config is None:
        return None
    try:
        said = json.loads(config.read_text(encoding="utf-8"))
        count = {**said, **said.get("text_config", {})}.get("num_hidden_layers")
    except (OSError, ValueError, TypeError, AttributeError):
        return None  # no configuration at all is told where it is loaded
    return count if isinstance(count, int) else None


def _config(base: BaseParams) -> Path | None:
    kind, _, name = base.base.partition(":")
    if kind == "path":
        return Path(name) / "config.json"
    if kind == "hf":
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(name, "config.json", revision=base.revision)
        return Path(found) if isinstance(found, str) else None
    return None
