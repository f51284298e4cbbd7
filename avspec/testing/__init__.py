"""For plugin authors: one conformance suite per kind of plugin, and a tiny model to run things on.

Each `check_*` function builds the plugin with the options given, uses it as avspec does, and raises an
`AssertionError` that says which part of the contract in `avspec.api` does not hold. Call them from a test:

    from avspec.testing import check_domain

    def test_domain() -> None:
        check_domain(Veterinary)
"""

from avspec.testing.providers import check_provider
from avspec.testing.subject import ExampleSubject
from avspec.testing.suites import check_domain, check_evaluator, check_extractor, check_sampler
from avspec.testing.tiny import tiny_model, tiny_tokenizer
from avspec.testing.training import check_trainer

__all__ = [
    "ExampleSubject",
    "check_domain",
    "check_evaluator",
    "check_extractor",
    "check_provider",
    "check_sampler",
    "check_trainer",
    "tiny_model",
    "tiny_tokenizer",
]
