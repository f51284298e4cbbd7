import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from avspec.extractors.ties import Ties
from avspec.model.loading import load_model
from avspec.model.vectors import AlignmentVector
from avspec.plan.params import ExtractParams
from avspec.stages import extract
from avspec.stages.context import Context

DOMAINS = ("medical", "legal", "financial")


@pytest.fixture
def inputs(base_artifact: Path, tmp_path: Path) -> dict[str, Path]:
    """Make three domains' trainings, as random steps away from the base."""
    model, _ = load_model(base_artifact, device="cpu")
    found = {"base": base_artifact}
    for seed, domain in enumerate(DOMAINS):
        draw = torch.Generator().manual_seed(seed)
        folder = found[f"train[{domain}]"] = tmp_path / f"train-{domain}"
        folder.mkdir()
        moved = {n: p.detach() + 0.01 * torch.randn(p.shape, generator=draw) for n, p in model.named_parameters()}
        save_file(moved, folder / "model.safetensors")
    return found


def run(inputs: dict[str, Path], out: Path, plugin: str, **options) -> tuple[AlignmentVector, dict]:
    out.mkdir()
    params = ExtractParams(domain="medical", plugin=plugin, options=options)
    extract.run(params, inputs, out, Context(out, out, out))
    return AlignmentVector(out / "vector.safetensors"), json.loads((out / "vector.json").read_text())


def weights(inputs: dict[str, Path], domain: str) -> extract.StoredModel:
    return extract.StoredModel(inputs[f"train[{domain}]"] / "model.safetensors")


def test_the_difference_says_nothing_of_what_it_kept(inputs, tmp_path) -> None:
    vector, said = run({name: inputs[name] for name in ("base", "train[medical]")}, tmp_path / "out", "difference")
    assert set(said) == {"norm", "parameters", "sha256"}
    base = dict(load_model(inputs["base"], device="cpu")[0].named_parameters())
    for name, delta in vector.items():
        torch.testing.assert_close(delta, weights(inputs, "medical")[name] - base[name].detach())


def test_an_extractor_gets_the_weights_of_the_other_domains(inputs, tmp_path) -> None:
    vector, said = run(inputs, tmp_path / "out", "ties", keep=0.5)
    base = {name: p.detach() for name, p in load_model(inputs["base"], device="cpu")[0].named_parameters()}
    others = {domain: weights(inputs, domain) for domain in ("legal", "financial")}
    by_hand = Ties(Ties.Options(keep=0.5))
    for name, delta in by_hand.extract(base, weights(inputs, "medical"), others):
        assert torch.equal(vector[name], delta)
    assert said["kept"] == by_hand.kept()
    _, alone = run({name: inputs[name] for name in ("base", "train[medical]")}, tmp_path / "alone", "ties", keep=0.5)
    assert alone["kept"]["entries"] == pytest.approx(0.5, abs=0.01)
    assert said["kept"]["entries"] < alone["kept"]["entries"], "the others outvote some entries"


def test_stored_weights_are_a_mapping(inputs) -> None:
    stored = weights(inputs, "legal")
    assert len(stored) == len(list(stored)) > 0
    assert "lm_head.missing" not in stored
