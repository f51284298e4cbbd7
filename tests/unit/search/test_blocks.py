import numpy as np
import pytest

from avspec.search.blocks import BLOCKS, Pruned, in_blocks, scored

ROWS = {"medical": np.arange(24.0).reshape(8, 3), "safety": np.arange(4.0).reshape(2, 2)}
SHAPES = {name: values.shape for name, values in ROWS.items()}


def score(rows):
    return {name: values[rows] for name, values in ROWS.items()}


def test_every_row_is_scored_once_and_lies_where_it_belongs():
    parts = []
    found = in_blocks(lambda rows: parts.append(rows) or score(rows), SHAPES, None)
    assert all(np.array_equal(found[name], ROWS[name]) for name in ROWS)
    assert len(parts) == BLOCKS and sorted(i for rows in parts for i in range(8)[rows]) == list(range(8))


def test_it_is_looked_at_between_blocks_while_rows_are_missing():
    seen = []
    in_blocks(score, SHAPES, lambda so_far: seen.append(scored(so_far)))
    assert seen == [0.4, 0.8]  # 3 + 1 and 6 + 2 of 10 rows


def test_rows_that_are_not_scored_are_nan_and_no_further_one_is_scored_after_a_stop():
    calls = []

    def watch(so_far):
        assert np.array_equal(np.isnan(so_far["medical"]).all(axis=1), np.arange(8) % BLOCKS > 0)
        raise Pruned(so_far, scored(so_far), 0.1)

    with pytest.raises(Pruned, match="stopped after 40% of the rows"):
        in_blocks(lambda rows: calls.append(rows) or score(rows), SHAPES, watch)
    assert len(calls) == 1


def test_fewer_rows_than_blocks_make_fewer_blocks():
    calls = []
    in_blocks(lambda rows: calls.append(rows) or {"medical": np.zeros((1, 3))}, {"medical": (1, 3)}, None)
    assert len(calls) == 1
