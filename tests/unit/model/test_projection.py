import pytest
import torch
from torch.nn.functional import linear
from torch.testing import assert_close

from avspec.model import projection
from avspec.model.projection import Head, target_log_probs


def plain(head: Head, hidden: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    logits = linear(hidden, head.weight, head.bias) * head.scale
    logits = logits if head.cap is None else head.cap * torch.tanh(logits / head.cap)
    return logits.log_softmax(1).gather(1, target[:, None]).squeeze(1)


def problem(bias: bool, scale: float, cap: float | None) -> tuple[Head, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    hidden = torch.randn(37, 16, generator=random, dtype=torch.float64)
    weight = torch.randn(101, 16, generator=random, dtype=torch.float64)
    shift = torch.randn(101, generator=random, dtype=torch.float64) if bias else None
    target = torch.randint(0, 101, (37,), generator=random)
    leaves = [t.float().requires_grad_() for t in (hidden, weight)]
    return Head(leaves[1], None if shift is None else shift.float().requires_grad_(), scale, cap), leaves[0], target


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("scale", "cap"), [(1.0, None), (0.5, None), (1.0, 3.0), (2.0, 3.0)])
def test_values_and_gradients_are_those_of_log_softmax(monkeypatch, bias, scale, cap) -> None:
    monkeypatch.setattr(projection, "CPU_BLOCK", 8)  # several blocks and tiles, the last of them short
    monkeypatch.setattr(projection, "CPU_TILE", 3)
    monkeypatch.setattr(projection, "GRADIENT_BLOCK", 16)
    head, hidden, target = problem(bias, scale, cap)
    leaves = [hidden, head.weight, *([head.bias] if bias else [])]
    weights = torch.linspace(-1, 2, len(target))
    ours, theirs = target_log_probs(head, hidden, target), plain(head, hidden, target)
    assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    for got, expected in zip(
        torch.autograd.grad((ours * weights).sum(), leaves),
        torch.autograd.grad((theirs * weights).sum(), leaves),
        strict=True,
    ):
        assert_close(got, expected, rtol=1e-4, atol=1e-5)


def test_autocast_projects_in_half_precision() -> None:
    head, hidden, target = problem(bias=True, scale=1.0, cap=None)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        halved = target_log_probs(head, hidden, target)
    exact = target_log_probs(head, hidden, target)
    assert halved.dtype == torch.float32
    assert 0 < (halved - exact).abs().max() < 0.2
    (gradient,) = torch.autograd.grad(halved.sum(), hidden)
    assert gradient.dtype == torch.float32
