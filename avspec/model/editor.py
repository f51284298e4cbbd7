"""New coefficients into a live model: theta(c) = theta_base + sum_d c_d AV_d (paper, section 4.3)."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from avspec.errors import ModelError, UsageError
from avspec.knobs import knobs, spelled
from avspec.model.blocks import blocks_by_parameter
from avspec.model.loading import load_base, read_info
from avspec.model.memory import MemoryPlan, free_memory, placed, plan_memory
from avspec.model.side_by_side import side_by_side
from avspec.model.vectors import IDENTITY, AlignmentVector

TRANSFERRED = tuple(part for part in IDENTITY if part != "weights")
"""What must be equal for vectors to be added to another fine-tune."""

PIECE = 1 << 18
"""Elements that a core sums at once: 1 MB of float32 stays in its second-level cache between the addends."""
DEVICE_PIECE = 1 << 24
"""The same on an accelerator, where a piece must be long enough to hide the launch of its kernels."""
_BASE = "the base"
"""Its name in the memory plan; no domain's name has a space."""
_LARGEST = torch.finfo(torch.float32).max

_Piece = tuple[Tensor, Tensor, Sequence[Tensor], int]
"""Views of the same elements, in the live model, in the base and in every vector; and the block they belong to."""


class Editor:
    """Sets knobs of a live model, always computed from the base, never added and subtracted in place.

    An edit is one streaming pass: each piece of a parameter is read once from the base and from every vector whose
    coefficient is not 0, summed in float32, and cast once into the live model. `memory` says where these lie.
    """

    def __init__(
        self,
        model: Any,
        base: Mapping[str, Tensor],
        vectors: Mapping[str, AlignmentVector],
        digests: Mapping[str, str],
        *,
        transfer: bool = False,
        blocks: int = 1,
    ) -> None:
        """Take over a model whose parameters are those of the base.

        Args:
            model: The live model, in its compute dtype.
            base: Parameter name to its tensor as stored; memory-mapped where it can be.
            vectors: Domain to its vector.
            digests: Digests of the base, as in its `base.json`.
            transfer: The base is another fine-tune than the vectors were extracted from (paper, section 6.4).
            blocks: Blocks of layers, each with knobs of its own (`avspec.knobs`).

        Raises:
            ModelError: A vector belongs to another base or does not cover its parameters.
        """
        # Tied parameters appear once, under their first name, so that their delta is added once
        live: dict[str, Tensor] = {name: parameter.detach() for name, parameter in model.named_parameters()}
        for domain, vector in vectors.items():
            vector.check_fits(digests, TRANSFERRED if transfer else IDENTITY)
            _check_names(domain, vector, live)
        stored = {_BASE: dict(base), **{domain: dict(vector.items()) for domain, vector in vectors.items()}}
        self.model = model
        self.memory = _place(stored, live)
        self.base: Mapping[str, Tensor] = stored[_BASE]
        self.coefficients = dict.fromkeys(knobs(vectors, blocks), 0.0)
        self._domains, self._blocks = tuple(vectors), blocks
        self._whole = True
        block = blocks_by_parameter(list(live), blocks)
        self._pieces: list[_Piece] = [
            (*piece, block[name])
            for name, parameter in live.items()
            for piece in _cut(parameter, self.base[name], [stored[domain][name] for domain in vectors])
        ]
        self._longest = max(piece[0].numel() for piece in self._pieces)
        self._device = self._pieces[0][0].device

    def set(self, coefficients: Mapping[str, float]) -> None:
        """Set every knob; one that is not named is set to 0, and a domain's name sets all of its blocks.

        Raises:
            UsageError: There is no knob of a name given here.
        """
        coefficients = spelled(coefficients, self._blocks)
        if unknown := coefficients.keys() - self.coefficients.keys():
            raise UsageError(
                f"no knob is named {', '.join(sorted(unknown))}",
                hint=f"the knobs are {', '.join(self.coefficients)}",
            )
        wanted = {knob: float(coefficients.get(knob, 0.0)) for knob in self.coefficients}
        if wanted == self.coefficients and self._whole:
            return
        # A vector with coefficient 0 is left out, not multiplied: the base must come back bit for bit
        chosen = iter(wanted.values())
        by_domain = [[next(chosen) for _ in range(self._blocks)] for _ in self._domains]
        active = [
            [(index, _float32(own[block])) for index, own in enumerate(by_domain) if own[block] != 0.0]
            for block in range(self._blocks)
        ]
        self._whole = False  # if the pass is interrupted, the same coefficients must be written again

        @torch.no_grad()
        def work(pieces: Iterator[_Piece]) -> None:
            scratch = torch.empty(self._longest, dtype=torch.float32, device=self._device)
            for live, base, deltas, block in pieces:
                _write(live, base, [(deltas[index], alpha) for index, alpha in active[block]], scratch)

        if self._device.type == "cpu":
            side_by_side(self._pieces, work)
        else:
            work(iter(self._pieces))
        self.coefficients, self._whole = wanted, True


def open_editor(
    base: Path, vectors: Mapping[str, Path], device: str = "auto", *, transfer: bool = False, blocks: int = 1
) -> tuple[Editor, Any]:
    """Load a base artifact with its vectors; return the editor, all knobs at 0, and the tokenizer.

    Args:
        base: Folder of the base artifact.
        vectors: Domain to the file of its vector.
        device: `auto`, `cpu`, `cuda` or another device name of torch.
        transfer: The base is a target that `check_transfer` found to fit.
        blocks: Blocks of layers, each with knobs of its own.

    Raises:
        ModelError: The base cannot be loaded, or a vector belongs to another one.
        Corrupted: A vector's file is not readable.
    """
    info = read_info(base)
    model, stored, tokenizer = load_base(base, dtype=getattr(torch, info.dtype), device=device)
    opened = {domain: AlignmentVector(path) for domain, path in vectors.items()}
    return Editor(model, stored, opened, info.digests, transfer=transfer, blocks=blocks), tokenizer


def _check_names(domain: str, vector: AlignmentVector, live: Mapping[str, Tensor]) -> None:
    if differing := sorted(set(vector.names) ^ live.keys()):
        raise ModelError(
            f"the vector of {domain} and the base differ in parameters: {', '.join(differing[:3])}",
            where=str(vector.path),
        )


def _place(stored: Mapping[str, dict[str, Tensor]], live: Mapping[str, Tensor]) -> MemoryPlan:
    """Move the tensors of the base and of each vector where the plan says, and return it."""
    device = next(iter(live.values())).device
    sizes = {name: sum(tensor.nbytes for tensor in tensors.values()) for name, tensors in stored.items()}
    plan = plan_memory(sum(tensor.nbytes for tensor in live.values()), sizes, *free_memory(device))
    for name, tensors in stored.items():
        tensors.update({key: placed(tensor, plan.places[name], device) for key, tensor in tensors.items()})
    return plan


def _cut(live: Tensor, base: Tensor, deltas: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor, Sequence[Tensor]]]:
    """Cut a parameter and what is summed into it into equal flat pieces; one that is not contiguous stays whole."""
    if not live.is_contiguous():
        yield live, base, deltas
        return
    longest = PIECE if live.device.type == "cpu" else DEVICE_PIECE
    length = math.ceil(live.numel() / max(1, math.ceil(live.numel() / longest)))
    for target, start, *parts in zip(*(t.reshape(-1).split(length) for t in (live, base, *deltas)), strict=True):
        yield target, start, parts


def _write(live: Tensor, base: Tensor, addends: Sequence[tuple[Tensor, float]], scratch: Tensor) -> None:
    """Write base + sum alpha delta, summed in float32 and cast once; without addends the base as it is."""
    if not addends:
        live.copy_(base)
        return
    total = live if live.dtype == torch.float32 else scratch[: live.numel()].view(live.shape)
    (first, alpha), *others = addends
    device = live.device
    torch.add(base.to(device, non_blocking=True), first.to(device, non_blocking=True), alpha=alpha, out=total)
    for delta, alpha in others:
        total.add_(delta.to(device, non_blocking=True), alpha=alpha)
    if total is not live:
        live.copy_(total)


def _float32(coefficient: float) -> float:
    """Return the coefficient, infinite beyond float32: scoring then says that the edit is too large."""
    return coefficient if abs(coefficient) <= _LARGEST else math.copysign(math.inf, coefficient)
