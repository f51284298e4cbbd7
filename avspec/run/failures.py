"""What went wrong, in words: nothing but an `AvspecError` leaves an apply."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avspec.errors import AvspecError, StageFailed
from avspec.stages.context import stopped
from avspec.store.disk import disk_errors


@contextmanager
def stage_errors(address: str, log: Path, run_dir: Path) -> Iterator[None]:
    """Turn whatever a stage raises into an `AvspecError`; the traceback goes into the log.

    Raises:
        Interrupted: A second Ctrl+C.
        StoreError: The disk is full, read-only or not writable.
        StageFailed: Anything else that no stage raises on purpose.
    """
    try:
        with disk_errors(run_dir):
            yield
    except AvspecError:
        traceback.print_exc(file=sys.stderr)
        raise
    except KeyboardInterrupt:
        raise stopped() from None
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        raise StageFailed(
            f"{address} failed: {_sentence(error)}", where=f"{log} (traceback)", hint=_hint(error)
        ) from error


def _sentence(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _hint(error: Exception) -> str:
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return "memory ran out: try a smaller training.batch_size or fewer data.rows, then run the same command again"
    return "finished stages are kept; when the cause is removed, run the same command again to go on"
