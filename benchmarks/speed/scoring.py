"""Scoring: log-probs of every level of every row, against lm-evaluation-harness and against the GEMM rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import torch

from avspec.model.editor import open_editor
from avspec.model.encoding import EncodedRow, encode_row
from avspec.model.loading import load_model
from avspec.model.scorer import score
from speed import compiling
from speed.flops import counted_flops
from speed.machine import load, machine, versions
from speed.measuring import paired, profile, seconds
from speed.peer import Peer, source_of
from speed.products import MatrixProducts
from speed.results import Measure, Section
from speed.subject import Subject, levels, rows

SCRIPT = "lm_eval_score.py"
BATCH_SIZES = (1, 4, 8, 16)
"""Batch sizes of which the harness may choose its best."""
GOALS = {"float32": 8.0, "bfloat16": 2.0}
"""How many times faster than the harness in this dtype; ours is always the run's own compute dtype."""


def measure(subject: Subject, pairs: int, each: int) -> Section:
    """Score `each` rows of every domain."""
    before = load()
    editor, tokenizer = open_editor(subject.base, subject.vectors, "cpu")
    model = editor.model
    encoded = [_as_the_harness_splits(tokenizer, encode_row(tokenizer, row, levels(row.domain))) for row in rows(each)]
    texts = [[tokenizer.decode(r.prompt), tokenizer.decode(response)] for r in encoded for response in r.responses]
    with Peer(SCRIPT, subject.folder / "lm-eval.log") as peer:

        def harness(dtype: str, batch_size: int) -> Any:
            return peer.ask("score", folder=str(subject.weights), dtype=dtype, batch_size=batch_size, pairs=texts)

        best = {dtype: _best(partial(harness, dtype)) for dtype in GOALS}
        measures = [
            paired(
                f"scoring, against lm-eval in {dtype}",
                ("avspec", f"lm-eval, batches of {best[dtype]}"),
                lambda: seconds(lambda: score(model, encoded)),
                lambda dtype=dtype: float(harness(dtype, best[dtype])["seconds"]),  # type: ignore[misc]
                pairs=pairs,
                goal=goal,
            )
            for dtype, goal in GOALS.items()
        ]
        exact = harness("float32", best["float32"])["log_probs"]
        peers = peer.ask("versions")
    share = _share_of_limit(model, encoded, pairs)
    faster, cost = compiling.measure(subject, encoded, pairs)
    tokens = sum(row.packed_length for row in encoded)
    return Section(
        title="Scoring",
        machine=machine(),
        versions={**versions(), "lm-eval": peers["lm_eval"]},
        setup=f"{len(encoded)} bundled rows, {len(texts)} responses, {tokens} packed tokens; avspec in "
        f"{subject.info.dtype}, the dtype that `auto` chose here.",
        measures=(*measures, share, *([faster] if faster else [])),
        facts={
            "load average before and after": f"{before}, {load()}",
            "operations": _rates(model, encoded, share),
            "the limit": limit(measures[0], share),
            **cost,
            **_agreement(subject, encoded, score(model, encoded), exact),
        },
        calls={"lm-eval": source_of(SCRIPT, "call"), "lm-eval, its model": source_of(SCRIPT, "opened")},
        profile=profile(lambda: score(model, encoded)),
    )


def _as_the_harness_splits(tokenizer: Any, row: EncodedRow) -> EncodedRow:
    """Move white space at the end of the prompt into the responses, as lm-eval does: both score the same tokens."""
    prompt = list(row.prompt)
    moved: list[int] = []
    while prompt and not tokenizer.decode(prompt[-1:]).strip():
        moved.insert(0, prompt.pop())
    return EncodedRow(tuple(prompt), tuple((*moved, *response) for response in row.responses))


def _best(harness: Callable[[int], Any]) -> int:
    """Return the batch size with which the harness is fastest on these very rows."""
    return min(BATCH_SIZES, key=lambda size: float(harness(size)["seconds"]))


def _share_of_limit(model: Any, encoded: Sequence[EncodedRow], pairs: int) -> Measure:
    """Return the counted operations a second as a share of this machine's rate on the same matrix products."""
    products = MatrixProducts(model, encoded)
    dtype = str(next(model.parameters()).dtype).removeprefix("torch.")
    measured = paired(
        f"scoring, as a share of this machine's {dtype} GEMM rate",
        ("avspec", "its matrix products alone"),
        lambda: seconds(lambda: score(model, encoded)),
        lambda: seconds(products),
        pairs=pairs,
        goal=0.6,
    )
    # attention is counted, but not among the products whose rate is measured
    counted = counted_flops(model, encoded) / products.flops
    return measured.model_copy(update={"values": tuple(counted * value for value in measured.values)})


def limit(exact: Measure, share: Measure) -> str:
    """Say how far ahead of the harness in float32 scoring could be at most, from the seconds of paired runs."""
    (_, harness), (_, alone) = (map(median, measure.seconds.values()) for measure in (exact, share))
    return (
        f"its matrix products alone are {harness / alone:.1f} times as fast as lm-eval in float32; attention, norms, "
        "activations and the softmax over the vocabulary, which are bound by memory, take the rest (see the profile)"
    )


def _rates(model: Any, encoded: Sequence[EncodedRow], share: Measure) -> str:
    taken, alone = (median(values) for values in share.seconds.values())
    counted, products = counted_flops(model, encoded), MatrixProducts(model, encoded).flops
    rate = (
        f"{counted / taken / 1e9:.0f} GFLOP/s while scoring, {products / alone / 1e9:.0f} in the matrix products alone"
    )
    return f"{counted / 1e9:.0f} GFLOP counted; {rate}"


def _agreement(
    subject: Subject, encoded: Sequence[EncodedRow], live: np.ndarray[Any, Any], harness: Sequence[float]
) -> dict[str, str]:
    """Compare with the harness in float32, and the compute dtype with float32.

    Raises:
        AssertionError: In float32 a mean log-prob differs from the harness's by 1e-3 nats or more.
    """
    model, _ = load_model(subject.base, dtype=torch.float32, device="cpu")
    exact = score(model, encoded)
    lengths = np.array([[len(response) for response in row.responses] for row in encoded])
    apart = float(np.abs(exact - np.reshape(harness, lengths.shape) / lengths).max())
    assert apart < 1e-3, f"avspec and lm-eval differ by {apart} nats a token"
    return {
        "float32, avspec and lm-eval": f"mean log-probs differ by at most {apart:.1e} nats per token",
        f"{subject.info.dtype} and float32": compiling.difference(live, exact),
    }
