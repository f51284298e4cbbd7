import math

import pytest
import torch

from avspec.errors import Corrupted, ModelError, UsageError
from avspec.model import editor as editor_module
from avspec.model.editor import Editor
from avspec.model.loading import load_base, load_model, read_info
from avspec.model.vectors import AlignmentVector, cosine, write_vector
from avspec.model.weights import StoredWeights


@pytest.fixture
def vectors(base_artifact, tmp_path):
    model, _ = load_model(base_artifact, device="cpu")
    digests = read_info(base_artifact).digests
    made = {}
    for seed, domain in enumerate(("medical", "legal")):
        draw = torch.Generator().manual_seed(seed)
        deltas = [(name, torch.randn(p.shape, generator=draw)) for name, p in model.named_parameters()]
        write_vector(tmp_path / f"{domain}.safetensors", deltas, {**digests, "domain": domain})
        made[domain] = AlignmentVector(tmp_path / f"{domain}.safetensors")
    return made


def edited(base_artifact, vectors, dtype=torch.float32) -> Editor:
    model, base, _ = load_base(base_artifact, dtype=dtype, device="cpu")
    return Editor(model, base, vectors, read_info(base_artifact).digests)


def test_the_edit_is_base_plus_scaled_vectors_cast_once(base_artifact, vectors) -> None:
    editor = edited(base_artifact, vectors, torch.bfloat16)
    editor.set({"medical": 0.3, "legal": -0.7})
    for name, parameter in editor.model.named_parameters():
        exact = editor.base[name].double() + 0.3 * vectors["medical"][name].double()
        exact = exact - 0.7 * vectors["legal"][name].double()
        assert parameter.dtype == torch.bfloat16
        # half a unit in the last place of bfloat16 (8 bits), and a little for the float32 sum
        assert torch.allclose(parameter.double(), exact, rtol=2**-8, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_zero_is_the_base_bit_for_bit_and_edits_repeat(base_artifact, vectors, dtype) -> None:
    untouched, _ = load_model(base_artifact, device="cpu")
    base = [p.to(dtype).view(torch.uint8) for p in untouched.parameters()]
    editor = edited(base_artifact, vectors, dtype)

    def weights() -> list[torch.Tensor]:
        return [p.detach().clone().view(torch.uint8) for p in editor.model.parameters()]

    assert all(map(torch.equal, weights(), base))
    editor.set({"medical": 1.1, "legal": 0.2})
    first = weights()
    editor.set({"medical": -3.0})
    editor.set({})
    assert all(map(torch.equal, weights(), base))
    editor.set({"legal": 0.2, "medical": 1.1})
    assert all(map(torch.equal, weights(), first))


def test_negative_zero_of_the_base_survives(base_artifact, vectors) -> None:
    model, base, _ = load_base(base_artifact, dtype=torch.float32, device="cpu")
    next(iter(base.values())).view(-1)[0] = -0.0
    editor = Editor(model, base, vectors, read_info(base_artifact).digests)
    editor.set({"medical": 1.0})
    editor.set({"medical": 0.0})
    assert math.copysign(1, next(model.parameters()).view(-1)[0].item()) == -1


def test_tied_embeddings_are_edited_once(base_artifact, vectors) -> None:
    editor = edited(base_artifact, vectors)
    name = "model.embed_tokens.weight"
    editor.set({"medical": 1.0})
    for embeddings in (editor.model.get_input_embeddings(), editor.model.get_output_embeddings()):
        assert torch.equal(embeddings.weight, editor.base[name] + vectors["medical"][name])


def test_a_second_delta_for_tied_embeddings_is_refused(base_artifact, vectors, tmp_path) -> None:
    info, tied = read_info(base_artifact), dict(vectors["medical"].items())
    tied["lm_head.weight"] = tied["model.embed_tokens.weight"].clone()
    write_vector(tmp_path / "v.safetensors", tied.items(), {**info.digests, "domain": "d"})
    with pytest.raises(ModelError, match=r"differ in parameters: lm_head\.weight"):
        edited(base_artifact, {"d": AlignmentVector(tmp_path / "v.safetensors")})


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_pieces_and_layout_do_not_change_the_result(base_artifact, vectors, dtype, monkeypatch) -> None:
    whole = edited(base_artifact, vectors, dtype)
    monkeypatch.setattr(editor_module, "PIECE", 100)
    model, base, _ = load_base(base_artifact, dtype=dtype, device="cpu")
    projection = model.model.layers[0].mlp.up_proj
    projection.weight.data = projection.weight.data.t().contiguous().t()
    cut = Editor(model, base, vectors, read_info(base_artifact).digests)
    for editor in (whole, cut):
        editor.set({"medical": 0.3, "legal": -0.7})
    for expected, parameter in zip(whole.model.parameters(), model.parameters(), strict=True):
        # a fused multiply-add may round the last float32 bit otherwise where a piece ends
        assert torch.allclose(parameter.float(), expected.float(), rtol=2**-22 if dtype == torch.float32 else 2**-8)


def test_only_parameters_are_cast(base_artifact, vectors) -> None:
    model = edited(base_artifact, vectors, torch.bfloat16).model
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    assert all(buffer.dtype == torch.float32 for buffer in model.buffers() if buffer.is_floating_point())


def test_the_base_is_right_when_the_files_hold_it_otherwise(base_artifact, vectors, monkeypatch) -> None:
    plain, _ = load_model(base_artifact, device="cpu")
    stored = StoredWeights.get

    def get(self: StoredWeights, name: str) -> torch.Tensor | None:
        """Fused under another name, or permuted: what transformers undoes while it loads some models."""
        if "q_proj" in name:
            return None
        return stored(self, name).flip(0) if "k_proj" in name else stored(self, name)

    monkeypatch.setattr(StoredWeights, "get", get)
    editor = edited(base_artifact, vectors, torch.bfloat16)
    assert all(torch.equal(editor.base[name], parameter) for name, parameter in plain.named_parameters())


def test_an_interrupted_edit_is_written_again(base_artifact, vectors, monkeypatch) -> None:
    untouched, _ = load_model(base_artifact, device="cpu")
    editor, write, written = edited(base_artifact, vectors), editor_module._write, []

    def stop_in_the_middle(*arguments: object) -> None:
        if len(written) == 5:
            raise KeyboardInterrupt
        written.append(write(*arguments))

    monkeypatch.setattr(editor_module, "_write", stop_in_the_middle)
    with pytest.raises(KeyboardInterrupt):
        editor.set({"medical": 1.0})
    monkeypatch.undo()
    editor.set({})
    assert all(map(torch.equal, editor.model.parameters(), untouched.parameters()))


def test_an_unknown_knob_is_named(base_artifact, vectors) -> None:
    with pytest.raises(UsageError, match="no knob is named finance"):
        edited(base_artifact, vectors).set({"finance": 1.0})


def test_a_vector_of_another_base_is_refused_with_the_reason(base_artifact, vectors) -> None:
    digests = {**read_info(base_artifact).digests, "tokenizer": "other", "template": "other"}
    model, base, _ = load_base(base_artifact, dtype=torch.float32, device="cpu")
    with pytest.raises(ModelError, match="its tokenizer, template differ"):
        Editor(model, base, vectors, digests)


def test_a_vector_that_lacks_a_parameter_is_refused(base_artifact, tmp_path) -> None:
    info = read_info(base_artifact)
    write_vector(tmp_path / "v.safetensors", [("other", torch.ones(2))], {**info.digests, "domain": "d"})
    with pytest.raises(ModelError, match="differ in parameters"):
        edited(base_artifact, {"d": AlignmentVector(tmp_path / "v.safetensors")})


def test_equal_vectors_are_equal_files(tmp_path, base_artifact) -> None:
    about = {**read_info(base_artifact).digests, "domain": "d", "extractor": "difference", "base": "path:é"}
    files = [tmp_path / f"{i}.safetensors" for i in range(5)]
    for file in files:
        write_vector(file, [("w", torch.arange(6.0))], about)
    assert len({file.read_bytes() for file in files}) == 1
    vector = AlignmentVector(files[0])
    assert {key: vector.metadata[key] for key in about} == about and vector["w"].tolist() == [0, 1, 2, 3, 4, 5]


def test_a_coefficient_beyond_float32_gives_a_model_that_is_not_finite(base_artifact, vectors) -> None:
    editor = edited(base_artifact, vectors)
    editor.set({"medical": -1e300})
    assert not all(parameter.isfinite().all() for parameter in editor.model.parameters())


def test_a_broken_file_is_corrupted(tmp_path) -> None:
    (tmp_path / "v.safetensors").write_bytes(b"not a vector")
    with pytest.raises(Corrupted):
        AlignmentVector(tmp_path / "v.safetensors")


def test_norm_and_cosine_are_those_of_the_whole_vector(vectors) -> None:
    flat = {d: torch.cat([delta.flatten() for _, delta in v.items()]).double() for d, v in vectors.items()}
    assert vectors["medical"].norm == pytest.approx(flat["medical"].norm().item())
    expected = torch.nn.functional.cosine_similarity(flat["medical"], flat["legal"], dim=0).item()
    assert cosine(vectors["medical"], vectors["legal"]) == pytest.approx(expected, abs=1e-9)
    assert cosine(vectors["medical"], vectors["medical"]) == pytest.approx(1)
