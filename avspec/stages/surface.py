"""The log-prob surface that sweep, search and evaluate read: coefficients in, log-probs of every row out."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from avspec.api import LogProbs, Row
from avspec.knobs import joined, knobs, spelled
from avspec.model.compiled import compile_layers, pays_back
from avspec.model.editor import Editor, open_editor
from avspec.model.encoding import EncodedRow, encode_rows
from avspec.model.scorer import score
from avspec.search.blocks import Watch, in_blocks
from avspec.search.evaluations import Evaluation, EvaluationCache, rounded
from avspec.stages.data import read_split
from avspec.stages.extract import VECTOR
from avspec.stages.kept import dependencies, surface_key


class Live:
    """The model of a run with its knobs, loaded when it is first needed."""

    def __init__(
        self,
        inputs: Mapping[str, Path],
        domains: tuple[str, ...],
        device: str,
        tell: Callable[[str], None] = lambda line: None,
        *,
        transfer: bool = False,
        blocks: int = 1,
    ) -> None:
        """Take the artifacts; `tell` is told where everything lies in memory once they are opened.

        With `transfer` the base is another fine-tune than the vectors were extracted from; with several `blocks` of
        layers each has knobs of its own.
        """
        self.blocks = blocks
        self.domains, self._base, self._device = domains, inputs["base"], device
        self._vectors = {domain: inputs[f"extract[{domain}]"] / VECTOR for domain in domains}
        self._compiled, self._tell, self._transfer = False, tell, transfer

    @cached_property
    def _opened(self) -> tuple[Editor, Any]:
        editor, tokenizer = open_editor(
            self._base, self._vectors, self._device, transfer=self._transfer, blocks=self.blocks
        )
        self._tell(editor.memory.describe())
        return editor, tokenizer

    @property
    def editor(self) -> Editor:
        """Return the editor, whose `model` is live."""
        return self._opened[0]

    @property
    def tokenizer(self) -> Any:
        """Return the tokenizer."""
        return self._opened[1]

    def faster(self, seconds: float) -> None:
        """Compile the model's layers, once, if that pays back in work that takes these seconds without."""
        if not self._compiled and pays_back(seconds):
            self._compiled = True
            compile_layers(self.editor.model)


class Surface:
    """Evaluations of one split, each made once and kept on disk for every stage and every later run."""

    def __init__(
        self, live: Live, inputs: Mapping[str, Path], levels: Mapping[str, tuple[str, ...]], split: str, folder: Path
    ) -> None:
        self.live, self.levels = live, levels
        self.rows: dict[str, list[Row]] = {name: read_split(inputs[f"data[{name}]"], split) for name in levels}
        self.depends = dependencies(inputs)
        self.key = surface_key(self.depends, split)
        self.cache = EvaluationCache(folder / self.key)
        self.made = 0
        """Evaluations that this surface had to compute."""
        self.ahead = 0
        """Evaluations that will still be made, as far as the stage knows: many make it worth compiling the model."""

    @cached_property
    def _encoded(self) -> dict[str, list[EncodedRow]]:
        return {name: encode_rows(self.live.tokenizer, rows, self.levels[name]) for name, rows in self.rows.items()}

    def evaluate(self, coefficients: Mapping[str, float], watch: Watch | None = None) -> Evaluation:
        """Return the evaluation at these coefficients, from the cache or made now; knobs not named are at 0.

        Args:
            coefficients: Knob, or domain for all of its blocks, to coefficient.
            watch: Looks at the log-probs after each block of rows, and may stop the evaluation.

        Raises:
            NonFinite: The model gave NaN or infinity there.
            Pruned: `watch` stopped it; nothing is kept.
        """
        every = dict.fromkeys(knobs(self.live.domains, self.live.blocks), 0.0)
        turned = rounded(every | spelled(coefficients, self.live.blocks))
        wanted = rounded(joined(turned))  # equal blocks are the whole vector, which any granularity may have evaluated

        if wanted not in self.cache:  # opening the model is not part of what an evaluation takes
            _ = self.live.editor, self._encoded

        def compute() -> dict[str, LogProbs]:
            self.live.editor.set(wanted)
            self.made += 1
            return in_blocks(self._score, self._shapes, watch)

        made, evaluation = self.made, self.cache.kept(wanted, compute)
        if self.made > made:
            self.live.faster(evaluation.seconds * self.ahead)
        return replace(evaluation, coefficients=turned)

    @property
    def _shapes(self) -> dict[str, tuple[int, int]]:
        return {name: (len(rows), len(self.levels[name])) for name, rows in self.rows.items()}

    def _score(self, rows: slice) -> dict[str, LogProbs]:
        """Return the log-probs of some rows of every domain and guardrail; all share batches."""
        chosen = {name: encoded[rows] for name, encoded in self._encoded.items()}
        values = score(self.live.editor.model, [row for part in chosen.values() for row in part])
        parts = np.split(values, np.cumsum([len(part) for part in chosen.values()])[:-1])
        return {name: part[:, : len(self.levels[name])] for name, part in zip(chosen, parts, strict=True)}


def read_json(path: Path) -> Any:
    """Read an artifact's JSON."""
    return json.loads(path.read_text("utf-8"))


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write an artifact's JSON; NaN is refused."""
    path.write_text(json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False), "utf-8")
