"""The suites accept what keeps the contract, and say what does not hold otherwise."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from avspec import api
from avspec.api import Options, Row
from avspec.domains.financial import Financial
from avspec.domains.legal import Legal
from avspec.extractors.difference import Difference
from avspec.testing import ExampleSubject, check_domain, check_evaluator, check_extractor, check_sampler, tiny_model


class Two:
    """A domain of two rows, right in everything."""

    version: ClassVar[str] = "1"
    Options: ClassVar[type[Options]] = Options
    levels: ClassVar[tuple[str, ...]] = ("low", "high")
    responses: ClassVar[dict[str, str]] = {"low": "No.", "high": "Yes."}

    def __init__(self, options: api.Options) -> None: ...

    def files(self) -> list[Path]:
        return []

    def rows(self) -> list[Row]:
        return [Row(f"two-{i}", "two", "Really?", self.responses) for i in range(2)]


@pytest.mark.parametrize("domain", [Two, Financial, Legal])
def test_a_sound_domain_passes(domain: type[Any]) -> None:
    check_domain(domain, length_tolerance=0.1)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"version": ""}, r"version must be a non-empty string"),
        ({"Options": dict}, r"Options must be a subclass of avspec.api.Options"),
        ({"levels": ("low",)}, r"needs at least two levels"),
        ({"levels": ("low", "low")}, r"names a level twice"),
        ({"files": lambda self: [Path("nowhere.jsonl")]}, r"files\(\) must name files that exist"),
        ({"rows": lambda self: []}, r"rows\(\) returned nothing"),
        ({"rows": lambda self: Two.rows(self) * 2}, r"two rows have the same id"),
        ({"responses": {"low": "No."}}, r"row two-0 has responses for \['low'\], the levels are \['high', 'low'\]"),
        ({"responses": {"low": "No.", "high": " "}}, r"row two-0 has an empty high response"),
        ({"responses": {"low": "No.", "high": "Yes, a lot."}}, r"the length gives the level away, mean words: low 1.0"),
    ],
)
def test_a_broken_domain_is_told_why(broken: dict[str, Any], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_domain(type("Broken", (Two,), broken), length_tolerance=0.1)


class Half(Difference):
    def extract(self, base: Mapping[str, Any], aligned: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for name, delta in super().extract(base, aligned):
            yield name, delta.half()


class Forgetful(Difference):
    def extract(self, base: Mapping[str, Any], aligned: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        yield from list(super().extract(base, aligned))[1:]


class InPlace(Difference):
    def extract(self, base: Mapping[str, Any], aligned: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for name in base:
            yield name, aligned[name].sub_(base[name])


class Boastful(Difference):
    def kept(self) -> Mapping[str, float]:
        return {"energy": 1.5}


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Half, "must be float32"),
        (Forgetful, "must yield every parameter"),
        (InPlace, "changed its inputs"),
        (Boastful, "must return shares"),
    ],
)
def test_a_broken_extractor_is_told_why(broken: type[Any], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_extractor(broken)


class Measure:
    version: ClassVar[str] = "1"
    Options: ClassVar[type[Options]] = Options
    result: ClassVar[Any] = {"medical": {"x": 1.0}}

    def __init__(self, options: api.Options) -> None: ...

    def evaluate(self, subject: api.Subject) -> Any:
        return self.result


def test_a_sound_evaluator_passes() -> None:
    check_evaluator(Measure)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({}, "returned nothing"),
        ({"marine": {}}, r"domains that are not there: \['marine'\]"),
        ({"medical": {"x": float("nan")}}, "JSON without NaN"),
        ({"medical": {"x": Path()}}, "JSON without NaN"),
    ],
)
def test_a_broken_evaluator_is_told_why(result: Any, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_evaluator(type("Broken", (Measure,), {"result": result}))


class Uniform:
    version: ClassVar[str] = "1"
    Options: ClassVar[type[Options]] = Options

    def __init__(self, options: api.Options) -> None: ...

    def create(self, space: api.SearchSpace) -> Any:
        import optuna

        return optuna.samplers.RandomSampler(seed=space.seed)


class Unseeded(Uniform):
    def create(self, space: api.SearchSpace) -> Any:
        import optuna

        return optuna.samplers.RandomSampler()


def test_samplers_must_be_seeded() -> None:
    check_sampler(Uniform)
    with pytest.raises(AssertionError, match="the same seed must give the same proposals"):
        check_sampler(Unseeded)


def test_the_example_subject_has_answers_and_log_probs_of_its_rows() -> None:
    subject = ExampleSubject()
    assert subject.log_probs("legal").shape == (3, 3)
    assert len(subject.generate("legal", 2, 4)) == 2
    assert all(len(text.split()) <= 4 for text in subject.generate("legal", 3, 4))


def test_the_tiny_model_is_the_same_each_time_and_has_a_chat_template(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    first, second, other = (tiny_model(tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1)))
    weights = [(folder / "model.safetensors").read_bytes() for folder in (first, second, other)]
    assert weights[0] == weights[1] != weights[2]
    assert (first / "tokenizer.json").read_bytes() == (second / "tokenizer.json").read_bytes()
    model, tokenizer = AutoModelForCausalLM.from_pretrained(first), AutoTokenizer.from_pretrained(first)
    messages = [{"role": "user", "content": "Does it hurt, José?"}]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert text == "<|im_start|>user\nDoes it hurt, José?<|im_end|>\n<|im_start|>assistant\n"
    ids = tokenizer(text, return_tensors="pt").input_ids
    assert tokenizer.decode(ids[0]) == text
    assert model.dtype == torch.float32
    assert torch.isfinite(model(ids).logits).all()
