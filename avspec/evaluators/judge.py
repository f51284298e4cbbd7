"""Judged accuracy as in the paper: a language model says of which level each generated answer is (section 5.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import field_validator

from avspec import registry
from avspec.annotation.judge import question, read_level
from avspec.api import Subject
from avspec.evaluators.judged import JudgedOptions, judged


class JudgeOptions(JudgedOptions):
    """Who judges, and how much."""

    provider: dict[str, Any]
    """The language model, a provider plugin with its options: `{plugin: openai, model: gpt-4.1}`."""

    @field_validator("provider")
    @classmethod
    def _usable(cls, value: dict[str, Any]) -> dict[str, Any]:
        """Check the options with the provider's own model, and fill in its defaults."""
        if not isinstance(value.get("plugin"), str):
            raise ValueError("must name a provider, as in `{plugin: openai, model: gpt-4.1}`")
        try:
            checked = registry.load("providers", value["plugin"]).Options(
                **{name: option for name, option in value.items() if name != "plugin"}
            )
        except Exception as error:
            raise ValueError(str(error)) from error
        return {"plugin": value["plugin"], **checked.model_dump(mode="json")}


class Judge:
    """The level of generated answers, as a language model sees it with the levels' definitions before it."""

    version: ClassVar[str] = "1"
    Options: ClassVar[type[JudgeOptions]] = JudgeOptions

    def __init__(self, options: JudgeOptions) -> None:
        self.options = options

    def evaluate(self, subject: Subject) -> Mapping[str, Mapping[str, Any]]:
        """Return what the judge says of answers in each domain (see `judged`); answers are asked for once."""
        provider = {name: value for name, value in self.options.provider.items() if name != "plugin"}

        def judge(domain: str, texts: Sequence[tuple[str, str]]) -> list[str]:
            levels = subject.levels[domain]
            requests = [question(query, response, levels) for query, response in texts]
            answers = subject.ask(self.options.provider["plugin"], provider, requests)
            return [read_level(answer.text, levels) for answer in answers]

        return judged(subject, judge, self.options)
