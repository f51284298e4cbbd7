"""The plugin as its author would test it, and as avspec finds it when it is installed."""

from pathlib import Path

import pytest
from avspec_domain_veterinary import Veterinary

from avspec import registry
from avspec.testing import check_domain


def test_it_keeps_the_contract_of_a_domain() -> None:
    check_domain(Veterinary, length_tolerance=0.1)


def test_the_lengths_are_those_of_the_bundled_domains() -> None:
    rows = list(Veterinary(Veterinary.Options()).rows())
    lengths = [len(response.split()) for row in rows for response in row.responses.values()]
    assert len(rows) == 24
    assert min(lengths) >= 25
    assert max(lengths) <= 66


def test_it_is_installed_under_its_own_distribution() -> None:
    info = registry.find("domains", "veterinary")
    assert info.distribution == "avspec-domain-veterinary"
    assert registry.load("domains", "veterinary") is Veterinary


def test_the_class_stays_small() -> None:
    code = Path(__file__).parents[1] / "avspec_domain_veterinary" / "__init__.py"
    assert len(code.read_text("utf-8").splitlines()) < 40


def test_options_are_refused() -> None:
    with pytest.raises(ValueError, match="extra"):
        Veterinary.Options(rows=3)  # type: ignore[call-arg]
