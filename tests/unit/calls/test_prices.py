import pytest

from avspec.calls.prices import PRICES_DATE, Price, price_of


def test_prices_by_the_million():
    assert Price(input=3, output=15).cost(1_000_000, 100_000) == 4.5
    assert Price(input=3, output=15).cost(1_000_000, 100_000, batch=True) == 2.25


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5-latest"])
def test_a_date_behind_a_name_changes_no_price(model):
    assert price_of("anthropic", model, {}) == Price(input=3, output=15)


def test_a_longer_name_is_another_model():
    assert price_of("openai", "gpt-4.1", {}) != price_of("openai", "gpt-4.1-mini", {})
    assert price_of("openai", "gpt-4.1-colossal", {}) is None


def test_a_dated_name_may_have_a_price_of_its_own():
    assert price_of("openai", "gpt-4o-2024-05-13", {}) == Price(input=5, output=15)
    assert price_of("openai", "gpt-4o-2024-11-20", {}) == Price(input=2.5, output=10)


@pytest.mark.parametrize("model", ["gpt-5.4", "gpt-5-pro", "gpt-4o-audio-preview", "claude-opus-4-9"])
def test_a_dearer_sibling_is_not_taken_for_the_model_its_name_begins_with(model):
    assert price_of("openai", model, {}) is None


def test_a_spec_knows_better():
    own = Price(input=1, output=1)
    assert price_of("openai", "gpt-4.1", {"gpt-4.1": own}) is own


def test_what_runs_here_is_free():
    assert price_of("local", "anything", {}) == Price(input=0, output=0)


def test_the_table_has_a_date():
    assert len(PRICES_DATE) == 7
