"""The run folder: made, and probed for writing, before anything long begins."""

from pathlib import Path

from avspec.errors import NoInput
from avspec.store.disk import disk_errors, write_atomic


def run_folder(root: Path, name: str) -> Path:
    """Return where the run of a spec with this name is."""
    return root / "runs" / name


def variant_folder(run_dir: Path, name: str) -> Path:
    """Return the folder of a variant's study and TensorBoard files, made where it is not there.

    Raises:
        StoreError: The run folder is not writable.
    """
    folder = run_dir / "variants" / name
    with disk_errors(run_dir):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def prepare(run_dir: Path) -> Path:
    """Make the run folder and return its folder of logs.

    Raises:
        StoreError: The disk is full, read-only or not writable; better now than after hours of training.
    """
    logs = run_dir / "logs"
    with disk_errors(run_dir):
        logs.mkdir(parents=True, exist_ok=True)
        for folder in (run_dir, logs):
            probe = folder / ".probe"
            write_atomic(probe, "can this folder be written?\n")
            probe.unlink()
    return logs


def existing(path: Path) -> Path:
    """Return the folder of a run that a user named.

    Raises:
        NoInput: There is no such folder, or no apply has written to it.
    """
    if not path.is_dir():
        raise NoInput(f"there is no run folder {path}", hint=_others())
    if not (path / "avspec.lock").is_file():
        raise NoInput(f"{path} is not the folder of a run: it has no avspec.lock", hint=_others())
    return path


def _others() -> str:
    runs = sorted(str(lock.parent) for lock in Path("runs").glob("*/avspec.lock"))
    if runs:
        return f"runs here: {', '.join(runs)}"
    return "`avspec apply SPEC` makes one, runs/NAME, in the current folder"
