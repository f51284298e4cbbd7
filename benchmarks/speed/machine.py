"""The machine: what it is, and how busy it is."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil
import torch

PACKAGES = ("avspec", "torch", "transformers", "trl", "safetensors")
_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


def machine() -> dict[str, str]:
    """Return processor, cores, memory and accelerator; nothing that names the machine."""
    fields = _cpuinfo()
    known = set(fields.get("flags", "").split())
    found = {
        "processor": fields.get("model name", platform.processor() or platform.machine()),
        "instructions": ", ".join(flag for flag in _FLAGS if flag in known) or "unknown",
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "torch threads": str(torch.get_num_threads()),
        "memory": f"{psutil.virtual_memory().total / 1e9:.0f} GB",
        "system": f"{platform.system()} {platform.machine()}",
    }
    return found | ({"accelerator": torch.cuda.get_device_name()} if torch.cuda.is_available() else {})


def versions() -> dict[str, str]:
    """Return the versions of what is measured."""
    return {"python": platform.python_version(), **{package: version(package) for package in PACKAGES}}


def load() -> str:
    """Return how many processes wanted a core in the last minute: other work makes every figure worse."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def _cpuinfo() -> dict[str, str]:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
