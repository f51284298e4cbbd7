"""Whether vectors of one base fit another model."""

import json
import shutil

import pytest

from avspec.errors import ModelError
from avspec.model.loading import INFO, fetch
from avspec.model.target import check_transfer


@pytest.fixture
def pair(tiny_folder, tmp_path):
    """Two base artifacts of models that may be changed first."""
    folders = []
    for name in ("ours", "theirs"):
        shutil.copytree(tiny_folder, tmp_path / name)
        folders.append(tmp_path / name)

    def made(change=None):
        artifacts = []
        for folder in folders:
            out = tmp_path / f"{folder.name}-artifact"
            out.mkdir(exist_ok=True)
            fetch(f"path:{folder}", out, dtype="float32", device="cpu")
            artifacts.append(out)
        if change:
            info = json.loads((artifacts[1] / INFO).read_text())
            (artifacts[1] / INFO).write_text(json.dumps(info | change(info)))
        return artifacts

    return folders, made


def test_a_copy_fits(pair):
    _, made = pair
    check_transfer(*made())


@pytest.mark.parametrize(("part", "what"), [("tokenizer", "its tokenizer"), ("template", "its chat template")])
def test_another_tokenizer_or_template_is_refused(pair, part, what):
    _, made = pair
    with pytest.raises(ModelError, match=what) as caught:
        check_transfer(*made(lambda info: {"digests": {**info["digests"], part: "another"}}))
    assert "fine-tune" in caught.value.hint


def test_other_shapes_and_other_parameters_are_named(pair):
    folders, made = pair
    artifacts = made()
    config = folders[1] / "config.json"
    said = json.loads(config.read_text())
    config.write_text(json.dumps({**said, "intermediate_size": said["intermediate_size"] * 2}))
    with pytest.raises(ModelError, match=r"mlp\.\w+\.weight is \["):
        check_transfer(*artifacts)
    config.write_text(json.dumps({**said, "num_hidden_layers": said["num_hidden_layers"] + 1}))
    with pytest.raises(ModelError, match="only the target has the parameter"):
        check_transfer(*artifacts)
