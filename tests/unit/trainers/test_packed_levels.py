"""Rows of two levels and anchors of three, in whatever batches they come."""

import torch

from avspec.model.encoding import EncodedRow
from avspec.trainers.packed import collate, dataset

TWO = (EncodedRow((1, 2), ((3,), (4, 5))), [-1.0, -2.0])
THREE = (EncodedRow((1,), ((3,), (4,), (5, 6))), [-1.5, -2.5, -3.5])


def test_a_batch_has_the_references_of_its_own_levels() -> None:
    two, three = dataset([TWO], [THREE], beta=0.5)
    alone, mixed = collate([two, two]), collate([two, three])
    assert alone["reference"].shape == alone["lengths"].shape == (2, 2)
    assert alone["reference"].tolist() == [[-1, -2]] * 2
    assert mixed["reference"].shape == mixed["lengths"].shape == (2, 3)
    assert mixed["reference"].tolist() == [[-1, -2, 0], [-1.5, -2.5, -3.5]]
    assert torch.equal(mixed["lengths"][0], torch.tensor([1, 2, 0]))
