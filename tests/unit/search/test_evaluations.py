import numpy as np
import pytest
from surfaces import Surface

from avspec.errors import Corrupted
from avspec.search.evaluations import EvaluationCache, pack, rounded, same, unpack

POINT = {"medical": -0.4, "legal": 0.7}


def test_what_was_put_comes_back_bit_for_bit(tmp_path):
    evaluation = Surface()(POINT)
    EvaluationCache(tmp_path / "new").put(evaluation)
    found = EvaluationCache(tmp_path / "new").get(POINT)
    assert found is not None
    assert found.coefficients == POINT and found.seconds == 0.25
    assert found.log_probs.keys() == evaluation.log_probs.keys()
    assert all(np.array_equal(found.log_probs[d], evaluation.log_probs[d]) for d in found.log_probs)


def test_identity_is_six_decimals_and_knows_no_order_and_no_negative_zero(tmp_path):
    cache = EvaluationCache(tmp_path)
    cache.put(Surface()({"medical": 0.1 + 0.2, "legal": 0.0}))
    assert cache.get({"legal": -1e-9, "medical": 0.3}) is not None
    assert cache.get({"legal": 0.0, "medical": 0.30001}) is None
    assert str(rounded({"a": -1e-9})["a"]) == "0.0"
    assert same({"medical": 1.0}, {"medical": 1.0, "legal": 0.0})
    assert not same({"medical": 1.0}, {"legal": 1.0})


def test_all_yields_each_evaluation_once_and_ignores_what_a_kill_left(tmp_path):
    cache, surface = EvaluationCache(tmp_path), Surface()
    for medical in (0.1, 0.2, 0.1):
        cache.put(surface({"medical": medical, "legal": 0.0}))
    (tmp_path / "abc.77.partial").write_bytes(b"half")
    assert sorted(e.coefficients["medical"] for e in cache.all()) == [0.1, 0.2]


@pytest.mark.parametrize("damage", [b"", b"not safetensors at all", "truncate"])
def test_a_damaged_file_is_named_with_what_to_do(tmp_path, damage):
    cache = EvaluationCache(tmp_path)
    cache.put(Surface()(POINT))
    (path,) = tmp_path.glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-8] if damage == "truncate" else damage)
    with pytest.raises(Corrupted) as caught:
        cache.get(POINT)
    assert caught.value.where == str(path) and "delete this file" in caught.value.hint


def test_packed_log_probs_keep_float32_precision():
    log_probs = Surface()(POINT).log_probs
    again = unpack(pack(log_probs))
    for domain, values in log_probs.items():
        assert again[domain].dtype == np.float64 and again[domain].shape == (12, 3)
        np.testing.assert_allclose(again[domain], values, rtol=1e-6)
