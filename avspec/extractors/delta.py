"""What every extractor begins with, the delta of one parameter after the other, and ends with, what it kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    Weights = Mapping[str, torch.Tensor]


def deltas(base: Weights, aligned: Weights) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield each parameter's name and aligned minus base in float32, in the base's order.

    Raises:
        ModelError: The two models do not have the same parameters and shapes.
    """
    check_same_parameters(base, aligned)
    for name in base:
        yield name, aligned[name].float() - base[name].float()


def check_same_parameters(base: Weights, aligned: Weights) -> None:
    """Check that an aligned model has the base's parameters, in their shapes.

    Raises:
        ModelError: It has not.
    """
    from avspec.errors import ModelError

    hint = "both must come from the same base: run the training again"
    strangers = sorted(set(base) ^ set(aligned))
    if strangers:
        raise ModelError(f"the aligned model and the base differ in the parameter {strangers[0]}", hint=hint)
    for name in base:
        if base[name].shape != aligned[name].shape:
            shapes = f"{tuple(aligned[name].shape)}, the base's {tuple(base[name].shape)}"
            raise ModelError(f"the aligned model's {name} has shape {shapes}", hint=hint)


class Tally:
    """Adds up what part of a vector is kept, over all parameters."""

    def __init__(self) -> None:
        self._entries, self._all_entries = 0, 0
        self._energy, self._all_energy = 0.0, 0.0

    def add(self, delta: torch.Tensor, kept: torch.Tensor) -> None:
        """Count one parameter.

        Args:
            delta: The whole delta.
            kept: The part of it that is kept, before any rescaling, orthogonal to what is left out.
        """
        self._all_entries += int(delta.count_nonzero())
        self._entries += int(kept.count_nonzero())
        self._all_energy += _energy(delta)
        self._energy += _energy(kept)

    def shares(self) -> dict[str, float]:
        """Return the share of the entries that are not zero, and that of the energy, the sum of squares.

        Of a vector of zeros everything is kept.
        """
        return {"entries": share(self._entries, self._all_entries), "energy": share(self._energy, self._all_energy)}


class Reducing(ABC):
    """An extractor that keeps a part of each parameter's delta, and says how much it kept."""

    factor = 1.0
    """What the kept part is multiplied with."""

    def __init__(self) -> None:
        self.tally = Tally()

    @abstractmethod
    def part(self, name: str, delta: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
        """Return what is kept of one parameter's delta.

        Args:
            name: The parameter's name.
            delta: Its float32 delta.
            base: The base's parameter.
        """

    def extract(self, base: Weights, aligned: Weights) -> Iterator[tuple[str, torch.Tensor]]:
        """Yield each parameter's name and float32 delta, in the base's order.

        Raises:
            ModelError: The two models do not have the same parameters and shapes.
        """
        for name, delta in deltas(base, aligned):
            kept = self.part(name, delta, base[name])
            self.tally.add(delta, kept)
            yield name, kept if self.factor == 1 else kept * self.factor

    def kept(self) -> Mapping[str, float]:
        """Return the share of entries and of energy, before any factor, that was kept."""
        return self.tally.shares()


def share(part: float, whole: float) -> float:
    """Return a part of a whole, 1 of nothing; a rounding error does not make it more than the whole."""
    return min(part / whole, 1.0) if whole else 1.0


def _energy(tensor: torch.Tensor) -> float:
    import torch

    return float(torch.linalg.vector_norm(tensor, dtype=torch.float64)) ** 2
