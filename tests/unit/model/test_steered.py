import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import avspec
from avspec.api import Row
from avspec.domains.legal import Legal
from avspec.domains.medical import Medical
from avspec.errors import Corrupted, DataError, ModelError, NewerFormat, NoInput, UsageError
from avspec.model.loading import load_model
from avspec.model.steered import SteeredModel

Make = Callable[[], Path]


@pytest.fixture
def model(make_run: Make) -> SteeredModel:
    return SteeredModel.open(make_run(), device="cpu")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return [row for plugin in (Medical, Legal) for row in list(plugin(plugin.Options()).rows())[:4]]


def weights(model: SteeredModel) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in model.editor.model.parameters()]


def equal(left: list[torch.Tensor], right: list[torch.Tensor]) -> bool:
    return all(map(torch.equal, left, right))


def test_it_is_exported() -> None:
    assert avspec.SteeredModel is SteeredModel


def test_it_opens_as_the_base_bit_for_bit(model: SteeredModel, base_artifact: Path) -> None:
    base, _ = load_model(base_artifact, device="cpu")
    assert equal(weights(model), list(base.parameters()))
    assert model.coefficients == {"medical": 0.0, "legal": 0.0}
    assert model.levels["safety"] == ("unsafe", "safe")


def test_set_unset_set_gives_equal_weights(model: SteeredModel) -> None:
    base = weights(model)
    model.set(medical=-0.4, legal=0.8)
    first = weights(model)
    assert not equal(base, first)
    model.reset()
    assert equal(base, weights(model))
    model.set(medical=-0.4)
    model.set(legal=0.8)
    assert equal(first, weights(model))


def test_set_leaves_the_other_knobs(model: SteeredModel) -> None:
    model.set(medical=-0.4)
    model.set({"legal": 1})
    assert model.coefficients == {"medical": -0.4, "legal": 1.0}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "much"])
def test_a_coefficient_must_be_a_finite_number(model: SteeredModel, value: object) -> None:
    with pytest.raises(UsageError, match="the coefficient of medical must be a finite number"):
        model.set(medical=value)  # type: ignore[arg-type]
    assert model.coefficients["medical"] == 0


def test_an_unknown_domain_is_named_with_the_known_ones(model: SteeredModel) -> None:
    with pytest.raises(UsageError, match=r"no knob is named marine\n  hint: the knobs are medical, legal"):
        model.set(marine=1.0)


def test_knobs_are_restored_also_after_an_error(model: SteeredModel) -> None:
    model.set(medical=0.25)
    before = weights(model)
    with pytest.raises(ZeroDivisionError), model.knobs(legal=-1.0):
        assert model.coefficients == {"medical": 0.25, "legal": -1.0}
        raise ZeroDivisionError
    assert model.coefficients == {"medical": 0.25, "legal": 0.0}
    assert equal(before, weights(model))


def test_behave_sets_what_the_search_found(model: SteeredModel) -> None:
    model.set(medical=1.0)
    behavior = model.behave("clinic")
    assert behavior.held
    assert model.coefficients == {"medical": 0.5, "legal": -0.25}


@pytest.mark.parametrize("name", ["medical=generic,legal=expert", "legal=expert, medical=generic"])
def test_a_combination_of_the_atlas_is_a_behavior_in_any_order(model: SteeredModel, name: str) -> None:
    assert not model.behave(name).held
    assert model.coefficients == {"medical": -0.5, "legal": 1.0}


def test_a_combination_that_has_a_name_is_found_by_its_levels(model: SteeredModel) -> None:
    assert model.behave("legal=avoidance,medical=expert").name == "clinic"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("clinik", r"no behavior is named clinik[^$]*did you mean 'clinic'\?"),
        ("zzz", r"the behaviors are clinic, and 2 combinations like 'medical=avoidance,legal=avoidance'"),
        ("medical=avoidance,legal=avoidance", "the search found no coefficients"),
        ("legal=expert", r"avspec show .*tiny --behavior legal=expert` finds coefficients"),
    ],
)
def test_a_behavior_that_is_not_there(model: SteeredModel, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        model.behave(name)


def test_generate_follows_the_knobs_and_streams_the_same_text(model: SteeredModel) -> None:
    base = model.generate("Does it hurt?", max_new_tokens=12)
    model.set(medical=1.0)
    steered = model.generate([{"role": "user", "content": "Does it hurt?"}], max_new_tokens=12)
    assert steered != base
    assert "".join(model.generate("Does it hurt?", max_new_tokens=12, stream=True)).strip() == steered
    with model.knobs(medical=0.0):
        assert model.generate("Does it hurt?", max_new_tokens=12) == base


def test_a_closed_stream_ends_the_generation(model: SteeredModel) -> None:
    steps: list[int] = []
    model.editor.model.register_forward_hook(lambda *_: steps.append(1))
    # sampled, because the streamer gives whole words, and the tiny model's greedy answer has no space
    stream = model.generate("Does it hurt?", max_new_tokens=900, temperature=2.0, stream=True)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert len(steps) < 900
    made = len(steps)
    assert model.generate("Does it hurt?", max_new_tokens=2)
    assert len(steps) <= made + 2


def test_a_conversation_longer_than_the_context_is_refused(model: SteeredModel) -> None:
    with pytest.raises(UsageError, match=r"the conversation has \d+ tokens.*the model's context is 1024"):
        model.generate("why " * 2000)


def test_score_gives_shares_and_means_of_each_domain(model: SteeredModel, rows: list[Row]) -> None:
    scores = model.score(rows)
    assert set(scores) == {"medical", "legal"}
    medical = scores["medical"]
    assert medical.rows == 4
    assert sum(medical.shares.values()) == pytest.approx(1)
    assert list(medical.shares) == ["avoidance", "generic", "expert"]
    log_probs = model.log_probs("medical", rows[:4])
    assert list(medical.mean_log_prob.values()) == pytest.approx(np.mean(log_probs, axis=0))


def test_a_score_is_the_models_own_log_prob(model: SteeredModel, rows: list[Row]) -> None:
    """Score one response alone, the plain way, with knobs set."""
    model.set(legal=0.5)
    row, tokenizer = rows[0], model.tokenizer
    user = {"role": "user", "content": row.query}
    reply = {"role": "assistant", "content": row.responses["expert"]}
    prompt = tokenizer.apply_chat_template([user], add_generation_prompt=True, return_dict=True)["input_ids"]
    whole = tokenizer.apply_chat_template([user, reply], return_dict=True)["input_ids"]
    with torch.no_grad():
        logits = model.editor.model(torch.tensor([whole])).logits[0, :-1].log_softmax(-1)
    tokens = logits.gather(1, torch.tensor(whole[1:])[:, None])[len(prompt) - 1 :, 0]
    assert model.log_probs("medical", [row])[0, 2] == pytest.approx(tokens.mean().item(), abs=1e-4)


def test_rows_of_an_unknown_domain_are_refused(model: SteeredModel) -> None:
    with pytest.raises(UsageError, match="the run has no domain marine"):
        model.score([Row("m-1", "marine", "Why?", {"low": "a", "high": "b"})])


def test_a_row_longer_than_the_context_is_named(model: SteeredModel, rows: list[Row]) -> None:
    long = Row("long", "medical", "why " * 2000, rows[0].responses, source="mine.jsonl:3")
    with pytest.raises(DataError, match=r"mine.jsonl:3.*context is 1024"):
        model.score([long])


def spoil_lock(run: Path, **changes: object) -> None:
    lock = json.loads((run / "avspec.lock").read_text())
    (run / "avspec.lock").write_text(json.dumps({**lock, **changes}))


def spoil_base(run: Path) -> None:
    (run / "base").unlink()
    (run / "base").mkdir()
    (run / "base" / "base.json").write_text('{"ref": "path')


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda run: spoil_lock(run, format_version=99), NewerFormat, "made by a newer avspec: format 99"),
        (lambda run: spoil_lock(run, spec={}), Corrupted, "the run's lock is broken"),
        (lambda run: (run / "avspec.lock").write_text("{"), Corrupted, "avspec.lock is not readable"),
        (lambda run: (run / "avspec.lock").unlink(), NoInput, "is not the folder of a run: it has no avspec.lock"),
        (lambda run: spoil_base(run), Corrupted, "the base artifact is broken"),
        (lambda run: (run / "base").unlink(), NoInput, "the run tiny has no base"),
        (
            lambda run: (run / "vectors/legal.safetensors").unlink(),
            NoInput,
            "the run tiny has no alignment vector of legal",
        ),
        (lambda run: (run / "vectors/legal.safetensors").write_bytes(b"x" * 99), Corrupted, "not an alignment vector"),
    ],
)
def test_a_damaged_run_is_refused(
    make_run: Make, spoil: Callable[[Path], object], error: type[Exception], message: str
) -> None:
    run = make_run()
    spoil(run)
    with pytest.raises(error, match=re.escape(message)):
        SteeredModel.open(run, device="cpu")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NoInput, match="there is no run folder"):
        SteeredModel.open(tmp_path / "nothing")


def test_a_run_without_search_can_still_be_turned(make_run: Make) -> None:
    run = make_run()
    (run / "search.json").unlink()
    model = SteeredModel.open(run, device="cpu")
    model.set(medical=0.5)
    with pytest.raises(NoInput, match="the run tiny has no search results, so it knows no behaviors"):
        model.behave("clinic")


def test_vectors_of_another_base_are_refused(make_run: Make, tmp_path: Path) -> None:
    from avspec.model.loading import fetch
    from avspec.testing import tiny_model

    run, other = make_run(), tmp_path / "other"
    other.mkdir()
    fetch(f"path:{tiny_model(tmp_path / 'model', seed=1)}", other, dtype="float32")
    (run / "base").unlink()
    (run / "base").symlink_to(other)
    with pytest.raises(ModelError, match="belongs to another base: its weights differ"):
        SteeredModel.open(run, device="cpu")
