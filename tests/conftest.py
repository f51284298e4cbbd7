"""What several tests need: the tiny model, and the folder of a run made with it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

SPEC = """
apiVersion: avspec/v1
name: tiny
model: {base: "path:MODEL", dtype: float32}
domains:
  medical: {plugin: medical}
  legal: {plugin: legal}
guardrails:
  safety: {plugin: safety}
behaviors:
  clinic: {medical: expert, legal: avoidance}
atlas: true
"""


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny model: `path:FOLDER` is a base."""
    from avspec.testing import tiny_model

    return tiny_model(tmp_path_factory.mktemp("tiny-model"))


@pytest.fixture(scope="session")
def base_artifact(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the base artifact of the tiny model."""
    from avspec.model.loading import fetch

    out = tmp_path_factory.mktemp("base-artifact")
    fetch(f"path:{tiny_folder}", out, dtype="float32")
    return out


@pytest.fixture
def make_run(tiny_folder: Path, base_artifact: Path, tmp_path: Path) -> Callable[[], Path]:
    """Make `runs/tiny` as apply leaves it: real base, random vectors, made-up search results."""

    def make() -> Path:
        from avspec.spec import load_spec

        spec = tmp_path / "tiny.yaml"
        spec.write_text(SPEC.replace("MODEL", str(tiny_folder)))
        run = tmp_path / "runs" / "tiny"
        (run / "vectors").mkdir(parents=True)
        (run / "base").symlink_to(base_artifact)
        resolved = load_spec(spec).resolved()
        lock = {"format_version": 1, "avspec": "0.1.0", "spec": resolved, "store": "../../.avspec", "stages": {}}
        (run / "avspec.lock").write_text(json.dumps(lock))
        (run / "search.json").write_text(json.dumps({"format_version": 1, "behaviors": BEHAVIORS}))
        for seed, domain in enumerate(("medical", "legal")):
            _write_random_vector(run / "vectors" / f"{domain}.safetensors", domain, base_artifact, seed)
        return run

    return make


BEHAVIORS = {
    "clinic": {
        "wanted": {"medical": "expert", "legal": "avoidance"},
        "coefficients": {"medical": 0.5, "legal": -0.25},
        "held": True,
        "feasible": True,
        "fluency_drop": 0.1,
    },
    "medical=generic,legal=expert": {
        "wanted": {"medical": "generic", "legal": "expert"},
        "coefficients": {"medical": -0.5, "legal": 1.0},
        "held": False,
        "feasible": True,
        "fluency_drop": 0.3,
    },
    "medical=avoidance,legal=avoidance": {
        "wanted": {"medical": "avoidance", "legal": "avoidance"},
        "coefficients": None,
        "held": False,
        "feasible": False,
        "fluency_drop": None,
    },
}


def _write_random_vector(path: Path, domain: str, base: Path, seed: int) -> None:
    import torch

    from avspec.model.loading import load_model, read_info
    from avspec.model.vectors import write_vector

    model, _ = load_model(base, device="cpu")
    draw = torch.Generator().manual_seed(seed)
    deltas = [(name, 0.05 * torch.randn(p.shape, generator=draw)) for name, p in model.named_parameters()]
    write_vector(path, deltas, {**read_info(base).digests, "domain": domain, "extractor": "difference"})
