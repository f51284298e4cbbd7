"""Blocks of layers: which parameter belongs to which, and knobs of their own."""

import pytest
import torch
from safetensors.torch import load_file

from avspec.errors import ModelError, UsageError
from avspec.model.blocks import block_norms, blocks_by_parameter
from avspec.model.editor import open_editor
from avspec.model.loading import fetch, load_model, read_info
from avspec.model.vectors import write_vector

NAMES = ["model.embed.weight", *(f"model.layers.{n}.mlp.experts.{n % 2}.w" for n in range(5)), "model.norm.weight"]


def test_layers_are_cut_evenly_and_the_rest_goes_to_the_ends():
    assert list(blocks_by_parameter(NAMES, 2).values()) == [0, 0, 0, 0, 1, 1, 1]
    assert list(blocks_by_parameter(NAMES, 5).values()) == [0, 0, 1, 2, 3, 4, 4]
    assert set(blocks_by_parameter(NAMES, 1).values()) == {0}


@pytest.mark.parametrize(("names", "blocks", "what"), [(NAMES, 6, "has 5 numbered"), (["w"], 2, "no numbered")])
def test_too_few_layers_are_an_error(names, blocks, what):
    with pytest.raises(ModelError, match=what) as caught:
        blocks_by_parameter(names, blocks)
    assert "granularity" in caught.value.hint


@pytest.fixture(scope="module")
def parts(tiny_folder, tmp_path_factory):
    """A base artifact, and two vectors of random deltas."""
    root = tmp_path_factory.mktemp("blocks")
    base = root / "base"
    base.mkdir()
    fetch(f"path:{tiny_folder}", base, dtype="float32", device="cpu")
    model, _ = load_model(base, dtype=torch.float32, device="cpu")
    generator = torch.Generator().manual_seed(0)
    vectors = {}
    for domain in ("a", "b"):
        deltas = [(n, 0.01 * torch.randn(p.shape, generator=generator)) for n, p in model.named_parameters()]
        vectors[domain] = root / f"{domain}.safetensors"
        write_vector(vectors[domain], deltas, {"domain": domain, **read_info(base).digests})
    return base, vectors


def weights(editor):
    return {name: parameter.detach().clone() for name, parameter in editor.model.named_parameters()}


def test_equal_blocks_are_the_whole_vector_bit_for_bit(parts):
    one, two = (open_editor(*parts, "cpu", blocks=blocks)[0] for blocks in (1, 2))
    start = weights(two)
    one.set({"a": 0.7, "b": -0.3})
    two.set({"a": 0.7, "b/1": -0.3, "b/2": -0.3})
    assert all(torch.equal(first, weights(two)[name]) for name, first in weights(one).items())
    two.set({})
    assert all(torch.equal(first, weights(two)[name]) for name, first in start.items())


def test_a_block_changes_its_own_layers_only(parts):
    base, vectors = parts
    editor, _ = open_editor(base, vectors, "cpu", blocks=2)
    start, vector = weights(editor), load_file(vectors["a"])
    places = blocks_by_parameter(list(start), 2)
    editor.set({"a/2": 0.5})
    for name, now in weights(editor).items():
        wanted = start[name] + 0.5 * vector[name] if places[name] == 1 else start[name]
        assert torch.allclose(now, wanted), name
    with pytest.raises(UsageError, match="a/3"):
        editor.set({"a/3": 1.0})


def test_norms_of_blocks_make_the_norm_of_the_vector(parts):
    _, vectors = parts
    norms = block_norms(vectors["b"], 2)
    whole = sum(float((delta.double() ** 2).sum()) for delta in load_file(vectors["b"]).values())
    assert sum(norm**2 for norm in norms) == pytest.approx(whole)
    assert all(norm > 0 for norm in norms)
