"""The extractors that keep a part of the difference: trim, dare, low-rank, ties and ethos."""

import pytest
import torch

from avspec.errors import ModelError
from avspec.extractors.dare import Dare
from avspec.extractors.ethos import Ethos
from avspec.extractors.low_rank import LowRank, principal_directions
from avspec.extractors.ties import Ties
from avspec.extractors.trim import Trim, trimmed
from avspec.testing import check_extractor


def extract(cls, base, aligned, *others, **options):
    """Return the vector and what the extractor says of it."""
    extractor = cls(cls.Options(**options))
    return dict(extractor.extract(base, aligned, *others)), extractor.kept()


def from_zero(cls, delta: torch.Tensor, *others: torch.Tensor, **options):
    """Return what is left of one delta, and the shares."""
    more = ({f"d{i}": {"w": other} for i, other in enumerate(others)},) if getattr(cls, "others", False) else ()
    vector, kept = extract(cls, {"w": torch.zeros_like(delta)}, {"w": delta}, *more, **options)
    return vector["w"], kept


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("cls", "options"),
    [
        (Trim, {}),
        (Trim, {"keep": 1}),
        (Dare, {"drop": 0.5}),
        (LowRank, {}),
        (LowRank, {"rank": 1}),
        (Ties, {}),
        (Ethos, {}),
        (Ethos, {"threshold": 0.5}),
    ],
)
def test_they_keep_the_contract_of_an_extractor(cls, options) -> None:
    check_extractor(cls, **options)


@pytest.mark.parametrize("cls", [Trim, Dare, LowRank, Ethos])
def test_other_parameters_are_refused(cls) -> None:
    with pytest.raises(ModelError, match="differ in the parameter x"):
        extract(cls, {"w": torch.zeros(2)}, {"w": torch.zeros(2), "x": torch.zeros(2)})


@pytest.mark.parametrize("cls", [Trim, Dare, LowRank, Ethos])
def test_of_no_difference_everything_is_kept(cls) -> None:
    _, kept = extract(cls, {"w": random(4, 3)}, {"w": random(4, 3)})
    assert set(kept.values()) == {1.0}


def test_trim_keeps_the_largest_entries_as_they_are() -> None:
    delta = torch.tensor([[0.1, -5.0, 2.0], [0.0, 1.0, -3.0]])
    vector, kept = from_zero(Trim, delta, keep=0.5)
    assert vector.tolist() == [[0.0, -5.0, 2.0], [0.0, 0.0, -3.0]]
    assert kept["entries"] == pytest.approx(3 / 5), "the entry that was zero counts for nothing"
    assert kept["energy"] == pytest.approx(38 / 39.01)


def test_trim_keeps_its_share_of_every_parameter() -> None:
    delta = {"small": 1e-3 * random(10, 10), "large": random(50)}
    vector, _ = extract(Trim, {n: torch.zeros_like(d) for n, d in delta.items()}, delta, keep=0.2)
    assert {name: int(d.count_nonzero()) for name, d in vector.items()} == {"small": 20, "large": 10}


def test_the_vectors_largest_entry_is_kept_whatever_the_share() -> None:
    assert trimmed(torch.tensor([1.0, -2.0, 0.5]), 0.01).tolist() == [0, -2, 0]


def test_dare_drops_with_its_probability_and_rescales_the_rest() -> None:
    delta = random(300, 200)
    vector, kept = from_zero(Dare, delta, drop=0.9)
    alive = vector != 0
    assert float(alive.float().mean()) == pytest.approx(0.1, abs=0.005)
    assert kept["entries"] == pytest.approx(float(alive.float().mean()), abs=1e-6)
    assert kept["energy"] == pytest.approx(0.1, abs=0.01), "before rescaling"
    torch.testing.assert_close(vector[alive], delta[alive] * 10)


def test_dare_drops_others_with_another_seed_in_another_parameter_and_in_another_vector() -> None:
    delta = random(40, 40)
    pair = {"a": delta, "b": delta}
    first, _ = extract(Dare, {n: torch.zeros_like(d) for n, d in pair.items()}, pair, drop=0.5)
    seeded, _ = extract(Dare, {"a": torch.zeros(40, 40)}, {"a": delta}, drop=0.5, seed=1)
    other, _ = extract(Dare, {"a": torch.zeros(40, 40)}, {"a": delta + 1e-4}, drop=0.5)
    masks = [tensor != 0 for tensor in (first["a"], first["b"], seeded["a"], other["a"])]
    for i, left in enumerate(masks):
        for right in masks[:i]:
            assert 0.4 < float((left == right).float().mean()) < 0.6


@pytest.mark.parametrize("shape", [(30, 12), (12, 30), (16, 16), (5000, 8)])
@pytest.mark.parametrize("rank", [1, 3])
def test_low_rank_is_the_truncated_singular_value_decomposition(shape, rank) -> None:
    delta = 1e-4 * random(*shape)
    left, values, right = torch.linalg.svd(delta.double(), full_matrices=False)
    wanted = (left[:, :rank] * values[:rank]) @ right[:rank]
    vector, kept = from_zero(LowRank, delta, rank=rank)
    torch.testing.assert_close(vector.double(), wanted, rtol=1e-4, atol=1e-9)
    assert kept["energy"] == pytest.approx(float((values[:rank] ** 2).sum() / (values**2).sum()), rel=1e-4)
    assert kept["directions"] == rank / min(shape)


def test_principal_directions_are_those_of_an_ill_conditioned_matrix_too() -> None:
    left, right = torch.linalg.qr(random(40, 6))[0], torch.linalg.qr(random(6, 6, seed=1))[0]
    matrix = (left * torch.tensor([1.0, 0.5, 1e-2, 1e-3, 1e-4, 0.0])) @ right.T
    energies, directions = principal_directions(matrix)
    wanted = torch.linalg.svd(matrix.double(), full_matrices=False)
    torch.testing.assert_close(energies.sqrt()[:5], wanted.S[:5], rtol=1e-5, atol=1e-7)
    overlap = (directions[:, :5].T @ wanted.Vh[:5].T).diagonal().abs()
    torch.testing.assert_close(overlap, torch.ones(5, dtype=torch.float64), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("energy", "rank"), [(0.5, 1), (0.81, 2), (0.95, 2), (0.96, 3), (1.0, 3)])
def test_low_rank_takes_as_few_directions_as_give_the_energy(energy, rank) -> None:
    # energies 16, 4, 1 of 21: cumulated .76, .95, 1
    vector, kept = from_zero(LowRank, torch.diag(torch.tensor([4.0, 2.0, 1.0])), energy=energy)
    assert int(torch.linalg.matrix_rank(vector)) == rank
    assert kept["energy"] >= min(energy, 20 / 21 if rank == 2 else 1) - 1e-6


def test_low_rank_and_ethos_keep_what_is_no_matrix() -> None:
    norm = random(9)
    for cls in (LowRank, Ethos):
        vector, _ = from_zero(cls, norm)
        assert torch.equal(vector, norm)


def test_ties_keeps_the_entries_that_agree_with_the_elected_sign() -> None:
    own = torch.tensor([3.0, -3.0, 1.0, 2.0])
    against, with_it = torch.tensor([-1.0, 5.0, -2.0, 1.0]), torch.tensor([-1.0, 1.0, -1.0, -1.0])
    vector, kept = from_zero(Ties, own, against, with_it, keep=1)
    # sums 1, 3, -2, 2
    assert vector.tolist() == [3, 0, 0, 2]
    assert kept == pytest.approx({"entries": 0.5, "energy": 13 / 23})


def test_only_what_is_left_after_trimming_votes() -> None:
    own, other = torch.tensor([3.0, 0.1, 2.0, 0.1]), torch.tensor([-2.9, 9.0, 9.0, 0.1])
    kept_whole, _ = from_zero(Ties, own, other, keep=0.5)
    assert kept_whole.tolist() == [3, 0, 2, 0]
    larger, _ = from_zero(Ties, own, torch.tensor([-9.0, 0.0, 9.0, 0.0]), keep=0.5)
    assert larger.tolist() == [0, 0, 2, 0]


def test_ties_of_a_single_domain_is_trim() -> None:
    delta = random(20, 20)
    assert torch.equal(from_zero(Ties, delta)[0], from_zero(Trim, delta)[0])


def test_ties_refuses_an_other_domain_of_another_shape() -> None:
    with pytest.raises(ModelError, match=r"w has shape \(3,\)"):
        from_zero(Ties, torch.zeros(2), torch.zeros(3))


def test_ethos_leaves_out_the_small_readings_on_the_bases_singular_vectors() -> None:
    base = random(12, 12)
    left, _, right = torch.linalg.svd(base)
    readings = torch.zeros(12, 12)
    readings[0, 0], readings[3, 5], readings[7, 1] = 10.0, -2.0, 0.5
    vector, kept = extract(Ethos, {"w": base}, {"w": base + left @ readings @ right}, threshold=0.1)
    readings[7, 1] = 0
    torch.testing.assert_close(vector["w"], left @ readings @ right, rtol=1e-4, atol=1e-5)
    assert kept["energy"] == pytest.approx(104 / 104.25, rel=1e-4)


def test_ethos_keeps_what_no_component_of_the_base_reads() -> None:
    base = torch.cat([torch.eye(3), torch.zeros(3, 3)])
    delta = torch.cat([torch.diag(torch.tensor([1.0, 0.5, 0.01])), 0.02 * torch.eye(3)])
    vector, kept = extract(Ethos, {"w": base}, {"w": base + delta}, threshold=0.1)
    delta[2, 2] = 0
    torch.testing.assert_close(vector["w"], delta, rtol=0, atol=1e-6)
    assert kept["energy"] < 1


def test_a_threshold_of_zero_keeps_everything() -> None:
    base, delta = random(8, 6), random(8, 6, seed=1)
    vector, kept = extract(Ethos, {"w": base}, {"w": base + delta}, threshold=0)
    torch.testing.assert_close(vector["w"], delta, rtol=1e-5, atol=1e-6)
    assert kept == {"components": 1.0, "energy": 1.0}
