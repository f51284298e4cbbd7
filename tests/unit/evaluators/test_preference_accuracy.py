import pytest

from avspec.evaluators.preference_accuracy import PreferenceAccuracy
from avspec.testing import ExampleSubject, check_evaluator


def test_it_keeps_the_contract_of_an_evaluator() -> None:
    check_evaluator(PreferenceAccuracy)


def test_it_counts_dominant_levels() -> None:
    result = PreferenceAccuracy(PreferenceAccuracy.Options()).evaluate(ExampleSubject())
    assert set(result) == {"medical", "legal"}
    medical = result["medical"]
    assert medical["rows"] == 3
    assert medical["shares"] == {"avoidance": 2 / 3, "generic": 1 / 3, "expert": 0.0}
    assert medical["mean_log_prob"] == pytest.approx({"avoidance": -6.5 / 3, "generic": -8.5 / 3, "expert": -11.5 / 3})
    # Wilson, z = 1.96, 2 of 3: centre (2/3 + z²/6) / (1 + z²/3) = .5936, half-width .3859
    assert medical["interval"]["avoidance"] == pytest.approx([0.2077, 0.9385], abs=1e-3)
