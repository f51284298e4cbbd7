from copy import deepcopy

import torch
from torch.testing import assert_close

from avspec.trainers.masters import MasterAdamW


def model() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Linear(8, 8, bias=False)


def optimizer(module: torch.nn.Module, **options: float) -> MasterAdamW:
    settings = {"lr": 1e-5, "weight_decay": 0.0, **options}
    return MasterAdamW(dict(module.named_parameters()), torch.bfloat16, **settings)


def give_gradients(module: torch.nn.Module, step: int) -> None:
    random = torch.Generator().manual_seed(step)
    for parameter in module.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=random).to(parameter.dtype)


def test_masters_move_as_adamw_in_float32_does() -> None:
    module, twin = model(), model()
    ours, theirs = optimizer(module), torch.optim.AdamW(twin.parameters(), lr=1e-5, weight_decay=0.0)
    for step in range(3):
        give_gradients(module, step)
        for parameter, working in zip(twin.parameters(), module.parameters(), strict=True):
            parameter.grad = working.grad.float()
        ours.step()
        theirs.step()
    assert_close(ours.masters["weight"], twin.weight.detach())
    assert torch.equal(module.weight, ours.masters["weight"].to(torch.bfloat16))


def test_updates_below_bfloat16_s_spacing_add_up() -> None:
    module = model()
    before, ours = module.weight.detach().clone(), optimizer(module, lr=1e-6)
    for _ in range(20):
        give_gradients(module, 0)
        ours.step()
    moved = (ours.masters["weight"] - before).abs()
    assert_close(moved, torch.full_like(moved, 20e-6), rtol=0.05, atol=0)


def test_a_checkpoint_goes_on_exactly() -> None:
    straight, resumed = model(), model()
    first, second = optimizer(straight), optimizer(resumed)
    give_gradients(straight, 0)
    first.step()
    second.load_state_dict(deepcopy(first.state_dict()))
    assert torch.equal(resumed.weight, straight.weight)
    for module, each in ((straight, first), (resumed, second)):
        give_gradients(module, 1)
        each.step()
    assert torch.equal(first.masters["weight"], second.masters["weight"])
    assert torch.equal(resumed.weight, straight.weight)
