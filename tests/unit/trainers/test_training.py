import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.testing import assert_close

from avspec.api import TrainingJob
from avspec.domains.legal import Legal
from avspec.domains.medical import Medical
from avspec.domains.safety import Safety
from avspec.errors import NonFinite, StageFailed
from avspec.model.encoding import encode_rows
from avspec.model.loading import fetch, load_model
from avspec.model.scorer import score
from avspec.trainers import fitting
from avspec.trainers.dpo import DPOOptions, PackedDPO, ReferenceDPO
from avspec.trainers.launch import launch_arguments
from avspec.trainers.packed import ipo_loss

LEVELS = {"medical": Medical.levels, "legal": Legal.levels, "safety": Safety.levels}


def rows(plugin, start, stop):
    return list(plugin(plugin.Options()).rows())[start:stop]


@pytest.fixture
def job(base_artifact, tmp_path) -> TrainingJob:
    (tmp_path / "out").mkdir()
    return TrainingJob(
        domain="medical",
        base=base_artifact,
        levels=LEVELS,
        rows=rows(Medical, 0, 4),
        anchors=rows(Legal, 0, 2),
        validation=rows(Medical, 4, 5),
        out=tmp_path / "out",
        work=tmp_path / "work",
        logs=tmp_path / "logs",
        device="cpu",
    )


@pytest.fixture
def half(job, tiny_folder, tmp_path) -> TrainingJob:
    """The same job on a base that computes in bfloat16."""
    base = tmp_path / "half"
    base.mkdir()
    fetch(f"path:{tiny_folder}", base, dtype="bfloat16")
    return replace(job, base=base)


def options(**changes) -> DPOOptions:
    return DPOOptions(**{"beta": 0.5, "learning_rate": 1e-3, "warmup": 0.0, "batch_size": 6, **changes})


def test_the_ipo_loss_is_the_hand_computed_one() -> None:
    # one row, levels changed by -0.1, 0.2, 0.6 nats per token; beta 0.25 wants margins of 1/(2*0.25) = 2
    change, lengths = torch.tensor([[-0.1, 0.2, 0.6]]), torch.tensor([[7, 9, 4]])
    loss = ipo_loss(change, torch.tensor([2.0]), torch.tensor([0.0]), lengths)
    assert loss.item() == pytest.approx(((0.3 - 2) ** 2 + (0.4 - 2) ** 2) / 2)


def test_an_anchor_is_held_where_it_was() -> None:
    change, lengths = torch.tensor([[0.1, 0.5]]), torch.tensor([[7, 9]])
    loss = ipo_loss(change, torch.tensor([0.0]), torch.tensor([1.0]), lengths)
    assert loss.item() == pytest.approx(0.4**2 + 0.3**2)
    still = ipo_loss(torch.zeros(1, 2), torch.tensor([0.0]), torch.tensor([1.0]), lengths)
    assert still.item() == 0


def test_a_missing_level_is_no_pair() -> None:
    change, lengths = torch.tensor([[0.1, 0.5, -9.0]]), torch.tensor([[7, 9, 0]])
    loss = ipo_loss(change, torch.tensor([1.0]), torch.tensor([0.0]), lengths)
    assert loss.item() == pytest.approx((0.4 - 1) ** 2)


@pytest.mark.parametrize("anchored", [True, False])
def test_packed_training_equals_trl_s_own(job, tmp_path, anchored) -> None:
    """Two full-batch steps: same losses, same weights, as TRL computes them pair by pair."""
    job = job if anchored else replace(job, anchors=[])
    other = replace(job, out=tmp_path / "other", work=tmp_path / "work2", logs=tmp_path / "logs2")
    other.out.mkdir()
    packed = PackedDPO(options(epochs=2)).train(job)
    reference = ReferenceDPO(options(epochs=2)).train(other)
    for ours, theirs in zip(packed["steps"], reference["steps"], strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-4)
    assert packed["validation"][-1]["loss"] == pytest.approx(reference["validation"][-1]["loss"], abs=1e-4)
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (job.out, other.out))
    base = dict(load_model(job.base, device="cpu")[0].named_parameters())
    for name, weight in ours.items():
        moved = (weight - base[name]).norm()
        assert moved > 0, f"{name} was not trained"
        assert (weight - theirs[name]).norm() < 0.02 * moved, name


def test_packed_gradients_equal_trl_s_own(job, tmp_path, monkeypatch) -> None:
    """One full batch, clipped alike: every parameter's gradient to 1e-3 of its norm."""
    recorded: list[dict[str, torch.Tensor]] = []

    def record(self, args, state, control, model=None, **_) -> None:
        recorded.append({name: parameter.grad.clone() for name, parameter in model.named_parameters()})

    monkeypatch.setattr(fitting._Watch, "on_pre_optimizer_step", record, raising=False)
    for name, trainer in (("packed", PackedDPO), ("own", ReferenceDPO)):
        folder = replace(job, out=tmp_path / name, work=tmp_path / f"{name}-work", logs=tmp_path / f"{name}-logs")
        folder.out.mkdir()
        trainer(options()).train(folder)
    ours, theirs = recorded
    for name, gradient in theirs.items():
        assert gradient.norm() > 0, name
        assert (ours[name] - gradient).norm() < 1e-3 * gradient.norm(), name


@pytest.mark.parametrize("trainer", [PackedDPO, ReferenceDPO])
def test_a_bfloat16_base_trains_float32_masters(job, half, tmp_path, trainer) -> None:
    """The same losses but for bfloat16's rounding, and weights finer than bfloat16."""
    exact = replace(job, out=tmp_path / "exact", work=tmp_path / "work2", logs=tmp_path / "logs2")
    exact.out.mkdir()
    rough, fine = (trainer(options(epochs=2)).train(each)["steps"] for each in (half, exact))
    assert [step["loss"] for step in rough] == pytest.approx([step["loss"] for step in fine], abs=0.05)
    weights = load_file(half.out / "model.safetensors")
    assert all(weight.dtype == torch.float32 for weight in weights.values())
    assert any(not torch.equal(weight, weight.bfloat16().float()) for weight in weights.values())


def test_a_bfloat16_training_goes_on_from_its_checkpoint(half, tmp_path) -> None:
    whole = replace(half, out=tmp_path / "whole", work=tmp_path / "work2")
    whole.out.mkdir()
    PackedDPO(options(batch_size=2)).train(whole)
    steps = _interrupted_after_two(half)
    assert steps[0] == 2
    assert_close(load_file(half.out / "model.safetensors"), load_file(whole.out / "model.safetensors"))


def test_log_probs_of_the_base_that_the_job_brings_are_not_computed_again(job, tmp_path, monkeypatch) -> None:
    model, tokenizer = load_model(job.base, device="cpu")
    every = [*job.rows, *job.anchors, *job.validation]
    known: dict[str, dict[str, list[float]]] = {}
    for row in every:
        encoded = encode_rows(tokenizer, [row], LEVELS[row.domain])
        known.setdefault(row.domain, {})[row.id] = score(model, encoded)[0].tolist()
    other = replace(job, out=tmp_path / "other", work=tmp_path / "work2", reference=known)
    other.out.mkdir()
    computed = PackedDPO(options(epochs=2)).train(job)
    monkeypatch.setattr("avspec.trainers.packed.score", None)
    brought = PackedDPO(options(epochs=2)).train(other)
    for ours, theirs in zip(brought["steps"], computed["steps"], strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-5)


def test_the_first_loss_is_that_of_no_change(job) -> None:
    report = PackedDPO(options()).train(replace(job, anchors=[]))
    assert report["steps"][0]["loss"] == pytest.approx(1.0)  # (0 - 1/(2 beta))^2
    assert report["validation"][0] == {"step": 0, "loss": pytest.approx(1.0)}


def test_training_is_repeatable_and_float32(job, tmp_path) -> None:
    again = replace(job, out=tmp_path / "again", work=tmp_path / "work2")
    again.out.mkdir()
    PackedDPO(options(batch_size=2)).train(job)
    PackedDPO(options(batch_size=2)).train(again)
    first, second = (load_file(folder / "model.safetensors") for folder in (job.out, again.out))
    assert all(weight.dtype == torch.float32 for weight in first.values())
    assert "lm_head.weight" not in first
    assert_close(first, second, rtol=0, atol=0)


def test_one_step_with_warmup_still_trains(job) -> None:
    PackedDPO(options(warmup=0.1)).train(replace(job, anchors=[]))
    base = dict(load_model(job.base, device="cpu")[0].named_parameters())
    weights = load_file(job.out / "model.safetensors")
    assert any(not torch.equal(weight, base[name]) for name, weight in weights.items())


def test_domains_with_other_numbers_of_levels_lend_anchors(job) -> None:
    report = PackedDPO(options()).train(replace(job, anchors=rows(Safety, 0, 2)))
    assert report["anchors"] == 2


def test_it_reports_steps_and_writes_tensorboard(job) -> None:
    seen = []
    PackedDPO(options(batch_size=3)).train(replace(job, progress=lambda done, total, note: seen.append((done, total))))
    assert seen == [(1, 2), (2, 2)]
    assert list(job.logs.glob("events.out.tfevents.*"))


def test_a_loss_that_is_not_a_number_stops_with_the_reason(job) -> None:
    with pytest.raises(NonFinite, match=r"loss of medical became nan at step"):
        PackedDPO(options(learning_rate=1e30, epochs=5, batch_size=3)).train(job)


def test_weights_that_the_last_step_broke_are_not_saved(job) -> None:
    # two steps, the first with a learning rate of 0: no training loss is computed after the second
    with pytest.raises(NonFinite, match=r"(validation loss|weights) of medical"):
        PackedDPO(options(learning_rate=1e300, batch_size=3)).train(job)
    assert not (job.out / "model.safetensors").exists()


def test_an_interrupted_training_goes_on_from_its_checkpoint(job, tmp_path) -> None:
    whole = replace(job, out=tmp_path / "whole", work=tmp_path / "work2")
    whole.out.mkdir()
    PackedDPO(options(batch_size=2)).train(whole)

    steps = _interrupted_after_two(job)
    assert steps[0] == 2, "the steps before the checkpoint are not repeated"
    assert_close(load_file(job.out / "model.safetensors"), load_file(whole.out / "model.safetensors"))


def _interrupted_after_two(job: TrainingJob) -> list[int]:
    """Stop a training after two steps, let it go on, and return the steps it still made."""

    class Stop(Exception):
        pass

    def stop_after_two(done: int, total: int, note: str) -> None:
        if done == 2:
            raise Stop

    steps: list[int] = []
    with pytest.raises(Stop):
        PackedDPO(options(batch_size=2)).train(replace(job, checkpoint_steps=1, progress=stop_after_two))
    resumed = replace(job, checkpoint_steps=1, progress=lambda done, total, note: steps.append(done))
    PackedDPO(options(batch_size=2)).train(resumed)
    return steps


def accelerate_config(tmp_path: Path, processes: int) -> Path:
    # accelerate starts several processes for GPUs only (or through MPI); use_cpu then keeps them off the GPUs
    config, kind = tmp_path / "accelerate.yaml", "MULTI_GPU" if processes > 1 else "NO"
    config.write_text(
        f"compute_environment: LOCAL_MACHINE\ndistributed_type: {kind}\nuse_cpu: true\nmixed_precision: 'no'\n"
        f"num_machines: 1\nmachine_rank: 0\nnum_processes: {processes}\nmain_training_function: main\n"
    )
    return config


def test_two_processes_train_through_accelerate(job, tmp_path) -> None:
    seen = []
    report = PackedDPO(options(batch_size=1)).train(
        replace(
            job,
            accelerate=accelerate_config(tmp_path, 2),
            progress=lambda done, total, note: seen.append((done, total)),
        )
    )
    assert seen[-1] == (3, 3), "six rows, one on each of two processes a step"
    assert report["rows"] == 4
    assert load_file(job.out / "model.safetensors").keys() == dict(load_model(job.base)[0].named_parameters()).keys()


def test_all_gpus_are_used_without_a_configuration(job, monkeypatch) -> None:
    assert launch_arguments(job) == []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert launch_arguments(replace(job, device="auto")) == ["--multi_gpu", "--num_processes", "4"]
    assert launch_arguments(replace(job, device="cuda:1")) == []


def test_a_failing_process_names_its_log(job, tmp_path) -> None:
    broken = replace(job, base=tmp_path / "nowhere", accelerate=accelerate_config(tmp_path, 1))
    with pytest.raises(StageFailed, match="through accelerate failed") as caught:
        PackedDPO(options()).train(broken)
    assert str(job.work / "accelerate.log") in str(caught.value)
    assert json.loads((job.work / "job.json").read_text())["packed"] is True
