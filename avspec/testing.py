"""For plugin authors: one conformance suite per kind of plugin, and a tiny model to run things on.

Each `check_*` function builds the plugin with the options given, uses it as avspec does, and raises an
`AssertionError` that says which part of the contract in `avspec.api` does not hold. Call them from a test:

    from avspec.testing import check_domain

    def test_domain() -> None:
        check_domain(Veterinary)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avspec.api import LogProbs, Options, Row, SearchSpace

if TYPE_CHECKING:
    import torch

    Tensors = Mapping[str, torch.Tensor]

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def check_domain(cls: type[Any], *, length_tolerance: float | None = None, **options: Any) -> None:
    """Check a domain plugin: its levels, its files, and every row.

    With `length_tolerance` the mean number of words per level must also be equal up to that share, so that a
    model cannot tell the levels apart by length.

    Raises:
        AssertionError: The contract of `avspec.api.Domain` does not hold.
    """
    domain = _build(cls, options)
    levels = tuple(cls.levels)
    _require(len(levels) >= 2, f"{cls.__name__}.levels needs at least two levels, it has {levels}")
    _require(len(set(levels)) == len(levels), f"{cls.__name__}.levels names a level twice: {levels}")
    _require(all(path.is_file() for path in domain.files()), "files() must name files that exist")
    rows = list(domain.rows())
    _require(bool(rows), "rows() returned nothing")
    _require(rows == list(domain.rows()), "rows() must return the same rows each time")
    _require(len({row.id for row in rows}) == len(rows), "two rows have the same id")
    _require(len({row.domain for row in rows}) == 1, "rows() must all name one domain")
    for row in rows:
        _check_row(row, levels)
    if length_tolerance is not None:
        _check_lengths(rows, levels, length_tolerance)


def check_extractor(cls: type[Any], **options: Any) -> None:
    """Check an extractor on random weights: names, shapes, float32, and that equal weights give zeros.

    Raises:
        AssertionError: The contract of `avspec.api.Extractor` does not hold.
    """
    import torch

    draw = torch.Generator().manual_seed(0)
    base = {f"layers.{i}.weight": torch.randn(8, 6, generator=draw) for i in range(3)}
    aligned = {name: value + 0.01 * torch.randn(8, 6, generator=draw) for name, value in base.items()}
    before = [value.clone() for value in (*base.values(), *aligned.values())]
    deltas = _deltas(cls, base, aligned, options)
    after = [*base.values(), *aligned.values()]
    _require(all(map(torch.equal, before, after)), "extract() changed its inputs")
    _require(any(bool(delta.abs().sum() > 0) for delta in deltas.values()), "extract() yielded only zeros")
    again = _deltas(cls, base, aligned, options)
    _require(all(torch.equal(deltas[n], again[n]) for n in deltas), "extract() must be deterministic")
    zeros = _deltas(cls, base, base, options)
    _require(not any(bool(d.any()) for d in zeros.values()), "equal weights must give a vector of zeros")


def check_evaluator(cls: type[Any], **options: Any) -> None:
    """Check an evaluator on a small subject: a JSON value per domain, the same each time.

    Raises:
        AssertionError: The contract of `avspec.api.Evaluator` does not hold.
    """
    subject = ExampleSubject()
    before = {domain: subject.log_probs(domain).copy() for domain in subject.levels}
    result = _build(cls, options).evaluate(subject)
    _require(bool(result), "evaluate() returned nothing")
    unknown = sorted(set(result) - set(subject.levels))
    _require(not unknown, f"evaluate() returned results for domains that are not there: {unknown}")
    _require_json(result, "evaluate()")
    _require(result == _build(cls, options).evaluate(subject), "evaluate() must be deterministic")
    kept = all(np.array_equal(before[domain], subject.log_probs(domain)) for domain in before)
    _require(kept, "evaluate() changed the subject's log-probs")


def check_sampler(cls: type[Any], *, evaluations: int = 12, **options: Any) -> None:
    """Check a sampler in a short study of two behaviors: in range, and the same proposals for the same seed.

    Raises:
        AssertionError: The contract of `avspec.api.Sampler` does not hold.
    """
    space = SearchSpace(("medical", "legal"), -1.5, 1.0, 0, evaluations, ("clinic", "court"))
    proposals = _propose(_build(cls, options).create(space), space)
    for proposal in proposals:
        inside = all(space.low <= value <= space.high for value in proposal)
        _require(inside, f"the sampler left [{space.low}, {space.high}]: {proposal}")
    again = _propose(_build(cls, options).create(space), space)
    _require(proposals == again, "the same seed must give the same proposals")


@dataclass(frozen=True)
class ExampleSubject:
    """A subject held in memory: two domains of three rows, with fixed log-probs and answers."""

    coefficients: Mapping[str, float] = field(default_factory=lambda: {"medical": -0.5, "legal": 0.5})
    wanted: Mapping[str, str] = field(default_factory=lambda: {"medical": "avoidance"})
    levels: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {d: ("avoidance", "generic", "expert") for d in ("medical", "legal")}
    )

    def rows(self, domain: str) -> Sequence[Row]:
        """Return three rows."""
        responses = {level: f"This is the {level} answer." for level in self.levels[domain]}
        return [Row(f"{domain}-{i}", domain, f"Question {i}?", responses) for i in range(3)]

    def log_probs(self, domain: str) -> LogProbs:
        """Return log-probs of which the dominant level is avoidance, generic and avoidance."""
        shift = 0.0 if domain == "medical" else 0.5
        return np.array([[-2.0, -3.0, -4.0], [-3.0, -2.5, -4.0], [-1.5, -3.0, -3.5]]) - shift

    def generate(self, domain: str, rows: int, max_new_tokens: int) -> Sequence[str]:
        """Return up to three answers, the first of which repeats itself."""
        answers = ["see a vet see a vet see a vet", "rest the leg and call tomorrow morning", ""]
        return [" ".join(answer.split()[:max_new_tokens]) for answer in answers[:rows]]


def tiny_model(folder: Path, *, seed: int = 0, tied: bool = True, context: int = 1024) -> Path:
    """Write a random Llama of some 50,000 parameters and its tokenizer; `path:FOLDER` is then a base.

    Args:
        folder: Where to write; made if it is not there.
        seed: Of the random weights.
        tied: Whether the output projection is the input embedding.
        context: The longest sequence in tokens.

    Returns:
        The folder.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = tiny_tokenizer()
    tokenizer.model_max_length = context
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        initializer_range=0.1,
        tie_word_embeddings=tied,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config).to(torch.float32)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_tokenizer(vocabulary: int = 1024) -> Any:
    """Train a byte-level BPE tokenizer on the bundled rows; it has ChatML's special tokens and template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(_bundled_texts(), trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=special[0], bos_token=special[1], eos_token=special[2]
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def _bundled_texts() -> Iterator[str]:
    for name in ("medical", "financial", "legal"):
        for line in files("avspec.data").joinpath(f"{name}.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            yield from (row["query"], *row["responses"].values())


def _build(cls: type[Any], options: Mapping[str, Any]) -> Any:
    """Check what every plugin has, and return an instance."""
    name = cls.__name__
    version = getattr(cls, "version", None)
    _require(isinstance(version, str) and bool(version), f"{name}.version must be a non-empty string")
    model = getattr(cls, "Options", None)
    fits = isinstance(model, type) and issubclass(model, Options)
    _require(fits, f"{name}.Options must be a subclass of avspec.api.Options")
    return cls(cls.Options(**options))


def _check_row(row: Row, levels: tuple[str, ...]) -> None:
    _require(bool(row.query.strip()), f"row {row.id} has an empty query")
    got = sorted(row.responses)
    _require(got == sorted(levels), f"row {row.id} has responses for {got}, the levels are {sorted(levels)}")
    for level, response in row.responses.items():
        _require(bool(response.strip()), f"row {row.id} has an empty {level} response")


def _check_lengths(rows: Sequence[Row], levels: tuple[str, ...], tolerance: float) -> None:
    means = {level: float(np.mean([len(row.responses[level].split()) for row in rows])) for level in levels}
    middle = float(np.mean(list(means.values())))
    told = ", ".join(f"{level} {mean:.1f}" for level, mean in means.items())
    spread = max(means.values()) - min(means.values())
    _require(spread <= tolerance * middle, f"the length gives the level away, mean words: {told}")


def _deltas(cls: type[Any], base: Tensors, aligned: Tensors, options: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    import torch

    pairs = list(_build(cls, options).extract(base, aligned))
    deltas = dict(pairs)
    _require(len(deltas) == len(pairs), "extract() yielded a parameter twice")
    _require(set(deltas) == set(base), f"extract() must yield every parameter, it yielded {sorted(deltas)}")
    for name, delta in deltas.items():
        _require(delta.dtype == torch.float32, f"the delta of {name} is {delta.dtype}, it must be float32")
        _require(delta.shape == base[name].shape, f"the delta of {name} has shape {tuple(delta.shape)}")
        _require(bool(delta.isfinite().all()), f"the delta of {name} has a NaN or an infinity")
    return deltas


def _propose(sampler: Any, space: SearchSpace) -> list[tuple[float, ...]]:
    """Run a study whose two behaviors pull in opposite directions, and return what was proposed."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(directions=["maximize"] * len(space.behaviors), sampler=sampler)
    proposals: list[tuple[float, ...]] = []
    for _ in range(space.evaluations):
        trial = study.ask()
        proposal = tuple(trial.suggest_float(domain, space.low, space.high) for domain in space.domains)
        first, second = proposal
        study.tell(trial, [-abs(first + 1) - abs(second - 0.5), -abs(first - 0.5) - abs(second + 1)])
        proposals.append(proposal)
    return proposals


def _require_json(value: Any, what: str) -> None:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise AssertionError(f"{what} must return JSON without NaN: {error}") from error


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)
