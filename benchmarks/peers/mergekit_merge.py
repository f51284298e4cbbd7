"""mergekit as a peer: merge in process, load the result. Runs in the peers' own environment."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from wire import serve, versions


def merge(base: str, models: dict[str, float], out: str) -> dict[str, float]:
    """Merge models, folder to weight, into `out`, load it, and return the seconds this took."""
    shutil.rmtree(out, ignore_errors=True)
    start = time.perf_counter()
    call(base, models, out)
    return {"seconds": time.perf_counter() - start, "bytes": (Path(out) / "model.safetensors").stat().st_size}


def call(base: str, models: dict[str, float], out: str) -> Any:
    """Make one candidate with mergekit's cheapest options: no tokenizer, no model card."""
    import torch
    from mergekit.config import MergeConfiguration
    from mergekit.merge import run_merge
    from mergekit.options import MergeOptions
    from transformers import AutoModelForCausalLM

    config = MergeConfiguration.model_validate(
        {
            "merge_method": "task_arithmetic",
            "base_model": base,
            "models": [{"model": model, "parameters": {"weight": weight}} for model, weight in models.items()],
            "dtype": "float32",
            "out_dtype": "bfloat16",
        }
    )
    options = MergeOptions(copy_tokenizer=False, write_model_card=False, quiet=True)
    run_merge(config, out_path=out, options=options)
    return AutoModelForCausalLM.from_pretrained(out, dtype=torch.bfloat16)


if __name__ == "__main__":
    serve(merge=merge, versions=lambda: versions("mergekit", "torch", "transformers"))
