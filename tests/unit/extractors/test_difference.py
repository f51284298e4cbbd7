import pytest
import torch

from avspec.errors import ModelError
from avspec.extractors.difference import Difference
from avspec.testing import check_extractor


def extract(base: dict[str, object], aligned: dict[str, object]) -> dict[str, object]:
    return dict(Difference(Difference.Options()).extract(base, aligned))


def test_it_keeps_the_contract_of_an_extractor() -> None:
    check_extractor(Difference)


def test_it_is_aligned_minus_base() -> None:
    deltas = extract({"w": torch.tensor([1.0, 2.0])}, {"w": torch.tensor([1.5, 1.0])})
    assert deltas["w"].tolist() == [0.5, -1.0]


def test_bfloat16_weights_are_subtracted_in_float32() -> None:
    base = torch.tensor([0.02], dtype=torch.bfloat16)
    delta = extract({"w": base}, {"w": base.float() + 1e-6})["w"]
    assert delta.dtype == torch.float32
    assert delta.item() == pytest.approx(1e-6, rel=1e-2)


@pytest.mark.parametrize("aligned", [{}, {"w": 2, "x": 2}])
def test_other_parameters_are_refused(aligned: dict[str, int]) -> None:
    with pytest.raises(ModelError, match=r"differ in the parameter [wx]"):
        extract({"w": torch.zeros(2)}, {name: torch.zeros(size) for name, size in aligned.items()})


def test_another_shape_is_refused() -> None:
    with pytest.raises(ModelError, match=r"w has shape \(3,\), the base's \(2,\)"):
        extract({"w": torch.zeros(2)}, {"w": torch.zeros(3)})
