"""A target of a transfer as a base artifact, and whether vectors of another base fit it (paper, section 6.4)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from avspec.digest import digest, file_digest
from avspec.errors import ModelError
from avspec.model.loading import INFO, BaseInfo, model_folder, open_folder, read_info

WEIGHTS = "model.safetensors"
_ASK = "vectors can only be added to a fine-tune of the model they were extracted from"


def aligned_target(base: Path, weights: Path, ref: str, out: Path) -> BaseInfo:
    """Make a base artifact in `out` of weights that a training left, with its base's own configuration and tokenizer.

    The weights are linked where the file system can, not copied.

    Args:
        base: Folder of the base artifact that was trained.
        weights: Folder of the training's artifact.
        ref: How the spec names the target.
        out: Folder of the new artifact.
    """
    info = read_info(base)
    for path in sorted(model_folder(base, info).iterdir()):
        if path.is_file() and path.suffix not in (".safetensors", ".gguf") and not _index(path) and path.name != INFO:
            shutil.copyfile(path, out / path.name)
    (out / "manifest.json").unlink(missing_ok=True)
    try:
        os.link(weights / WEIGHTS, out / WEIGHTS)
    except OSError:
        shutil.copyfile(weights / WEIGHTS, out / WEIGHTS)
    digests = {**info.digests, "weights": digest({WEIGHTS: file_digest(out / WEIGHTS)})}
    made = info.model_copy(update={"ref": ref, "location": ".", "digests": digests})
    (out / INFO).write_text(made.model_dump_json(indent=1))
    return made


def check_transfer(base: Path, target: Path) -> None:
    """Check that vectors extracted from a base can be added to a target.

    Raises:
        ModelError: Parameters, their shapes, the tokenizer or the chat template differ; the first difference is named.
    """
    ours, theirs = read_info(base), read_info(target)
    shapes, others = _shapes(base, ours), _shapes(target, theirs)
    if names := sorted(shapes.keys() ^ others.keys()):
        where = "the base" if names[0] in shapes else "the target"
        raise _refused(theirs, f"only {where} has the parameter {names[0]} ({len(names)} differ)")
    for name, shape in shapes.items():
        if shape != others[name]:
            raise _refused(theirs, f"{name} is {list(others[name])}, the base's is {list(shape)}")
    for part, what in (("tokenizer", "tokenizer"), ("template", "chat template")):
        if ours.digests[part] != theirs.digests[part]:
            raise _refused(theirs, f"its {what} is not the base's, so that rows would be other tokens")


def _refused(target: BaseInfo, why: str) -> ModelError:
    return ModelError(f"the target {target.ref} does not fit the base: {why}", where="transfer.targets", hint=_ASK)


def _shapes(folder: Path, info: BaseInfo) -> dict[str, tuple[int, ...]]:
    model, _ = open_folder(model_folder(folder, info), "auto", "meta", info.trust_remote_code)
    return {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}


def _index(path: Path) -> bool:
    return path.name.endswith(".index.json")
