import pytest
import torch

from avspec.model.generate import generate_ids
from avspec.model.loading import load_model
from avspec.model.sampling import GumbelNoise, end_ids, sample_ids

LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0])


def shares(noise: GumbelNoise, rows: int) -> torch.Tensor:
    """Return how often each of four tokens is drawn, over one step of many rows."""
    scores = noise(torch.zeros(rows, 1, dtype=torch.long), LOGITS.repeat(rows, 1))
    return torch.bincount(scores.argmax(1), minlength=4) / rows


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_are_drawn_as_often_as_softmax_says(temperature) -> None:
    rows = 20_000
    wanted = torch.softmax(LOGITS / temperature, 0)
    error = (wanted * (1 - wanted) / rows).sqrt()
    assert bool(((shares(GumbelNoise(range(rows), temperature), rows) - wanted).abs() < 5 * error).all())


def test_the_steps_of_a_row_are_drawn_independently() -> None:
    noise = GumbelNoise([7], 1.0)
    steps = [noise(torch.zeros(1, 1, dtype=torch.long), LOGITS[None]).argmax().item() for _ in range(200)]
    assert len(set(steps)) > 1


def test_top_p_leaves_the_improbable_out() -> None:
    # probabilities .64, .24, .09, .03: two of them reach .8
    drawn = shares(GumbelNoise(range(2_000), 1.0, top_p=0.8), 2_000)
    assert drawn[2:].tolist() == [0, 0] and float(drawn[1]) == pytest.approx(0.27, abs=0.05)


def test_temperature_zero_is_what_greedy_generation_says(base_artifact) -> None:
    model, tokenizer = load_model(base_artifact, device="cpu")
    talks = [[{"role": "user", "content": text}] for text in ("Hello", "Is my ankle broken, or only sprained?")]
    greedy = generate_ids(model, tokenizer, talks, max_new_tokens=12)
    prompts = [tokenizer.apply_chat_template(talk, add_generation_prompt=True)["input_ids"] for talk in talks]
    found = sample_ids(model, tokenizer, prompts, limits=[12, 12], seeds=[0, 1], temperature=0)
    ends = end_ids(model, tokenizer)
    for ids, whole in zip(found, greedy, strict=True):
        assert ids and ids == whole[: len(ids)]
        assert len(ids) == 12 or ids[-1] in ends
