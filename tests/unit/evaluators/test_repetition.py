import pytest
from pydantic import ValidationError

from avspec.evaluators.repetition import Repetition, repeated_share
from avspec.testing import ExampleSubject, check_evaluator


def test_it_keeps_the_contract_of_an_evaluator() -> None:
    check_evaluator(Repetition, rows=2, max_new_tokens=32)


@pytest.mark.parametrize(
    ("texts", "share"),
    [
        ([], 0.0),
        (["too short here"], 0.0),
        (["one two three four five six"], 0.0),
        (["a b c d a b c d"], 0.2),  # abcd bcda cdab dabc abcd: one of five
        (["No no no no no no no"], 0.75),  # one of four is new
        (["a b c d", "A b C d"], 0.0),  # another text is another start
        (["a b c d a b c d", "one two three four five six seven eight"], 0.1),
    ],
)
def test_the_share_counts_what_was_said_before_in_the_same_text(texts: list[str], share: float) -> None:
    assert repeated_share(texts) == pytest.approx(share)


def test_it_asks_for_as_many_answers_as_its_options_say() -> None:
    evaluator = Repetition(Repetition.Options(rows=2, max_new_tokens=12))
    result = evaluator.evaluate(ExampleSubject())
    # nine words, six 4-grams: see a vet see | a vet see a | vet see a vet, twice; the other answer has four, all new
    assert result["medical"] == {"repeated_4grams": pytest.approx(3 / 10), "texts": 2}


def test_only_domains_with_a_knob_are_generated() -> None:
    subject = ExampleSubject(coefficients={"medical": 0.0})
    assert set(Repetition(Repetition.Options()).evaluate(subject)) == {"medical"}


def test_options_are_checked() -> None:
    with pytest.raises(ValidationError, match="max_new_tokens"):
        Repetition.Options(max_new_tokens=0)
