import numpy as np
import pytest
import torch

from avspec.domains.medical import Medical
from avspec.model import compiled
from avspec.model.compiled import compile_layers, pays_back
from avspec.model.encoding import encode_rows
from avspec.model.loading import load_model
from avspec.model.scorer import pack, packed_log_probs, score


def test_compiling_pays_back_for_long_work_only() -> None:
    assert not pays_back(compiled.COST)
    assert pays_back(compiled.COST / compiled.GAIN + 1)


def test_compiled_layers_give_the_same_scores_and_gradients(base_artifact) -> None:
    model, tokenizer = load_model(base_artifact, device="cpu")
    rows = encode_rows(tokenizer, list(Medical(Medical.Options()).rows())[:5], Medical.levels)
    plain = score(model, rows)
    packed_log_probs(model, pack(rows[:2])).sum().backward()
    gradients = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    if not compile_layers(model):
        pytest.skip("no C++ compiler on this machine")
    assert np.abs(score(model, rows, token_budget=700) - plain).max() < 1e-5
    packed_log_probs(model, pack(rows[:2])).sum().backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad - gradients[name]).norm() <= 1e-3 * gradients[name].norm(), name


def test_a_machine_without_a_compiler_computes_as_it_is(base_artifact, monkeypatch) -> None:
    model, _ = load_model(base_artifact, device="cpu")
    monkeypatch.setattr(compiled.shutil, "which", lambda name: None)
    assert not compile_layers(model)
    assert all(layer._compiled_call_impl is None for layer in model.get_decoder().layers)
    assert torch.is_tensor(model(torch.tensor([[1, 2, 3]])).logits)
