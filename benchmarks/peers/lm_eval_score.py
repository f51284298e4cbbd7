"""lm-evaluation-harness as a peer: log-likelihoods of continuations. Runs in the peers' own environment."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from wire import serve, versions


@cache
def opened(folder: str, dtype: str, batch_size: int) -> Any:
    """Return the harness's model."""
    from lm_eval.models.huggingface import HFLM

    return HFLM(pretrained=folder, device="cpu", dtype=dtype, batch_size=batch_size)


def score(folder: str, dtype: str, batch_size: int, pairs: list[list[str]]) -> dict[str, Any]:
    """Return the log-likelihood of each continuation (nats, summed over its tokens), and the seconds this took."""
    model = opened(folder, dtype, batch_size)
    start = time.perf_counter()
    found = call(model, pairs)
    return {"seconds": time.perf_counter() - start, "log_probs": found}


def call(model: Any, pairs: list[list[str]]) -> list[float]:
    """Score pairs of context and continuation."""
    from lm_eval.api.instance import Instance

    requests = [Instance("loglikelihood", {}, (pair[0], pair[1]), index) for index, pair in enumerate(pairs)]
    return [log_prob for log_prob, _ in model.loglikelihood(requests, disable_tqdm=True)]


if __name__ == "__main__":
    serve(score=score, versions=lambda: versions("lm_eval", "torch", "transformers"))
