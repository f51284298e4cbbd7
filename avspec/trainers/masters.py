"""Half-precision working weights with float32 masters.

At a learning rate of 1e-6 an update is smaller than the spacing of bfloat16 at a weight of 0.02, so bfloat16 weights
must not be updated themselves: AdamW works on float32 masters, and the model computes with copies of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor


class MasterAdamW(torch.optim.AdamW):
    """AdamW on float32 masters; the model's own parameters get their gradients and are copies of them."""

    def __init__(self, working: Mapping[str, Tensor], dtype: torch.dtype, **options: Any) -> None:
        """Take over a model's float32 parameters as masters and leave copies in the working dtype in their place.

        Args:
            working: The model's parameters by name, float32.
            dtype: What the model is to compute in.
            options: As AdamW's.
        """
        self.working = dict(working)
        self.masters = {name: parameter.detach() for name, parameter in working.items()}
        for parameter in self.working.values():
            parameter.data = parameter.data.to(dtype)
        super().__init__(self.masters.values(), fused=True, **options)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Update the masters by the working gradients, and the working weights by the masters."""
        for name, parameter in self.working.items():
            self.masters[name].grad = None if parameter.grad is None else parameter.grad.float()
        loss: float | None = super().step(closure)
        self._refresh()
        for master in self.masters.values():
            master.grad = None
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the working gradients."""
        for parameter in self.working.values():
            parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Return AdamW's state and the masters, which a checkpoint of the working weights alone would round."""
        return {**super().state_dict(), "masters": list(self.masters.values())}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a state of `state_dict`."""
        state = dict(state_dict)
        saved: Iterable[Tensor] = state.pop("masters")
        super().load_state_dict(state)
        with torch.no_grad():
            for master, value in zip(self.masters.values(), saved, strict=True):
                master.copy_(value)
        self._refresh()

    @torch.no_grad()
    def _refresh(self) -> None:
        for name, parameter in self.working.items():
            parameter.copy_(self.masters[name])
