"""Where the base and the vectors lie while knobs are turned: a plan from sizes and free memory, to be printed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import psutil
import torch

Place = Literal["device", "host", "mapped"]
"""Memory of the model's device; page-locked memory of the host; the file itself, read when it is used."""
_WORDS: dict[Place, str] = {"device": "on the device", "host": "page-locked", "mapped": "mapped from files"}
DEVICE_SHARE = 0.7
"""Share of the device's free memory that base and vectors may take: the rest is for activations and logits."""
HOST_SHARE = 0.5
"""Share of the host's free memory that may be page-locked: the rest stays with the page cache and other programs."""


@dataclass(frozen=True)
class MemoryPlan:
    """Where everything lies. With P parameters of b bytes live and s bytes stored, and D vectors:

        device   P b + [base on the device] P s + 4 P (vectors on the device) + the pieces being summed
        host     [base on the host] P s + 4 P (vectors on the host)
        mapped   whatever of P s + 4 P D is in neither: page cache, given back when memory is short

    On a CPU everything but the live model is mapped: an open model needs P b, and the base is never copied. While it
    is opened in another dtype, the parameters that transformers casts at the same time are there as stored as well,
    and malloc may keep their memory. Measured by `make bench`.
    """

    live: int
    """Bytes of the live model."""
    sizes: Mapping[str, int]
    """Bytes of the base and of each domain's vector."""
    places: Mapping[str, Place]
    """Where each of them lies."""

    def bytes_in(self, place: Place) -> int:
        """Return how many bytes of base and vectors lie in one place."""
        return sum(size for name, size in self.sizes.items() if self.places[name] == place)

    def describe(self) -> str:
        """Return the plan as one line."""
        parts = [f"live model {_gigabytes(self.live)}"]
        for place, words in _WORDS.items():
            if names := [name for name in self.sizes if self.places[name] == place]:
                parts.append(f"{', '.join(names)} {words} {_gigabytes(self.bytes_in(place))}")
        return "memory: " + "; ".join(parts)


def plan_memory(live: int, sizes: Mapping[str, int], device_free: int | None, host_free: int) -> MemoryPlan:
    """Give the base and each vector the fastest place that has room, in the order in which they are named.

    Args:
        live: Bytes of the live model, which is already where it belongs.
        sizes: Bytes of the base and of each vector; the base first, since every edit reads it.
        device_free: Free bytes of the device; None when the device is the host, where a mapped file that is read
            again and again is as fast as a copy of it (measured: `make bench`).
        host_free: Free bytes of the host.
    """
    if device_free is None:
        return MemoryPlan(live, sizes, dict.fromkeys(sizes, "mapped"))
    room: dict[Place, float] = {"device": DEVICE_SHARE * device_free, "host": HOST_SHARE * host_free}
    places: dict[str, Place] = {}
    for name, size in sizes.items():
        places[name] = next((place for place, free in room.items() if size <= free), "mapped")
        if places[name] != "mapped":
            room[places[name]] -= size
    return MemoryPlan(live, sizes, places)


def free_memory(device: torch.device) -> tuple[int | None, int]:
    """Return free bytes of a device (None: it is the host) and of the host; 0 and 0 where a device does not say."""
    host = int(psutil.virtual_memory().available)
    if device.type == "cpu":
        return None, host
    if device.type != "cuda":  # it does not say, and nothing can be page-locked for it
        return 0, 0
    # what torch holds on to without using it, as after a training in the same process, is free as well
    idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(torch.cuda.mem_get_info(device)[0]) + idle, host


def placed(tensor: torch.Tensor, place: Place, device: torch.device) -> torch.Tensor:
    """Return a mapped tensor in its place."""
    if place == "device":
        return tensor.to(device)
    return tensor.pin_memory() if place == "host" and device.type == "cuda" else tensor


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB"
