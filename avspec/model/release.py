"""Give back the memory that a finished stage has freed, and keep libraries from hoarding it."""

import ctypes
import gc
import os
import sys
from contextlib import suppress

KERNELS = 128
"""Compiled matrix products that oneDNN keeps; as many as it keeps by itself, 1,024, take up to 1 GB."""


def limit_kernels() -> None:
    """Limit oneDNN's cache of compiled kernels, before the first of them, unless the user has set a limit.

    Rows differ in length, so a training fills any cache with products of shapes that hardly come again. A shape
    is used in every layer of a batch, so few kernels are made anew: trainings and sweeps take as long as before.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(KERNELS))


def release_memory() -> None:
    """Collect reference cycles, empty torch's cache on a GPU, and return malloc's free heap to the system.

    A trainer is one great reference cycle, and glibc keeps what was freed in small parts: the quickstart's peak was
    12.3 GB without this and what else is said here about memory, and is 5.3 now (`make bench`).
    """
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
    with suppress(OSError, AttributeError, TypeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)
