import numpy as np
import pytest
import torch

from avspec.api import Row
from avspec.domains.medical import Medical
from avspec.errors import DataError, ModelError, NonFinite
from avspec.model.encoding import EncodedRow, encode_row, encode_rows
from avspec.model.loading import load_model
from avspec.model.scorer import batches, pack, packed_log_probs, score

LEVELS = Medical.levels


@pytest.fixture(scope="module")
def opened(base_artifact):
    return load_model(base_artifact, device="cpu")


@pytest.fixture(scope="module")
def encoded(opened):
    rows = list(Medical(Medical.Options()).rows())[:7]
    return encode_rows(opened[1], rows, LEVELS)


def alone(model, row: EncodedRow) -> list[float]:
    """Score each response in a sequence of its own, through the model's own logits."""
    means = []
    for response in row.responses:
        with torch.inference_mode():
            logits = model(torch.tensor([[*row.prompt, *response]])).logits[0].double().log_softmax(-1)
        start = len(row.prompt) - 1
        means.append(np.mean([float(logits[start + i, token]) for i, token in enumerate(response)]))
    return means


@pytest.mark.parametrize("budget", [1, 600, 100_000])
def test_packed_scores_equal_scores_alone(opened, encoded, budget) -> None:
    expected = np.array([alone(opened[0], row) for row in encoded])
    assert np.abs(score(opened[0], encoded, budget) - expected).max() < 1e-5


def test_a_response_does_not_see_the_others(opened, encoded) -> None:
    row = encoded[0]
    swapped = EncodedRow(row.prompt, (row.responses[2], row.responses[1], row.responses[0]))
    straight, turned = score(opened[0], [row])[0], score(opened[0], [swapped])[0]
    assert np.allclose(straight, turned[::-1], atol=1e-5)


def test_rows_with_fewer_levels_share_a_batch(opened, encoded) -> None:
    two = EncodedRow(encoded[0].prompt, encoded[0].responses[:2])
    mixed = score(opened[0], [two, encoded[1]])
    assert np.allclose(mixed[0, :2], score(opened[0], [two])[0], atol=1e-5)
    assert mixed[0, 2] == 0
    assert pack([two, encoded[1]]).lengths[0, 2] == 0


def test_packed_log_probs_carry_gradients(opened, encoded) -> None:
    model = opened[0]
    packed_log_probs(model, pack(encoded[:2])).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    model.zero_grad(set_to_none=True)


def test_a_broken_model_is_refused(base_artifact, encoded) -> None:
    model, _ = load_model(base_artifact, device="cpu")
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.raises(NonFinite, match="not finite"):
        score(model, encoded[:1])


def test_batches_hold_every_row_once_within_the_budget() -> None:
    lengths = [5, 90, 30, 31, 29, 7, 100]
    made = list(batches(lengths, 100))
    assert sorted(i for batch in made for i in batch) == list(range(len(lengths)))
    assert all(len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= 100 for batch in made)


def test_encoding_is_the_template_split_at_the_answer(opened) -> None:
    tokenizer = opened[1]
    row = Row("r", "medical", "Is it?", {"a": "No.", "b": "Yes, it is."})
    ids = encode_row(tokenizer, row, ("a", "b"))
    assert tokenizer.decode(ids.prompt).endswith("<|im_start|>assistant\n")
    assert [tokenizer.decode(r) for r in ids.responses] == ["No.<|im_end|>\n", "Yes, it is.<|im_end|>\n"]


def test_rows_beyond_the_context_are_all_named(opened) -> None:
    row = Row("long", "medical", "word " * 50, {"a": "x", "b": "y"}, source="rows.jsonl:7")
    with pytest.raises(DataError) as caught:
        encode_rows(opened[1], [row, row], ("a", "b"), context=20)
    assert len(caught.value.problems) == 2
    assert "rows.jsonl:7" in str(caught.value) and "context is 20" in str(caught.value)


def test_a_tokenizer_without_a_chat_template_is_refused(opened) -> None:
    import copy

    tokenizer = copy.deepcopy(opened[1])
    tokenizer.chat_template = None
    with pytest.raises(ModelError, match="no chat template"):
        encode_row(tokenizer, Row("r", "d", "q", {"a": "x", "b": "y"}), ("a", "b"))
