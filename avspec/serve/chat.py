"""A conversation with a run's model whose knobs can be turned between the turns."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from avspec.errors import AvspecError, UsageError
from avspec.knobs import domain_of
from avspec.run.summary import table
from avspec.serve.evaluate import parse_coefficients
from avspec.serve.screen import Reply, Screen
from avspec.serve.tables import knobs_line

if TYPE_CHECKING:
    from avspec.model.run_folder import Behavior
    from avspec.model.steered import SteeredModel

COMMANDS = {
    "/set": ("DOMAIN NUMBER ...", "turn knobs, as in /set medical -0.4 legal 0.8"),
    "/behave": ("[NAME]", "set all knobs for a behavior; without NAME, list the behaviors"),
    "/knobs": ("", "show the knobs"),
    "/base": ("", "turn all knobs to 0"),
    "/compare": ("[QUESTION]", "answer it with the base beside; without QUESTION, every answer from now on or no more"),
    "/reset": ("", "forget the conversation; the knobs stay"),
    "/help": ("", "show this"),
    "/quit": ("", "leave; so does Ctrl+D"),
}
"""Command to its arguments and what it does."""


@dataclass
class Session:
    """The conversation and the knobs, and what a line the user types does to them."""

    model: SteeredModel
    screen: Screen
    max_new_tokens: int = 256
    temperature: float = 0.0
    comparing: bool = False
    """Whether every answer is shown beside the base's."""
    messages: list[dict[str, str]] = field(default_factory=list)

    def handle(self, line: str) -> bool:
        """Obey a command or answer a question; False when the user wants to leave.

        A mistake of the user is said on the screen, and the session goes on.
        """
        line = line.strip()
        try:
            if line.startswith("/"):
                return self._command(line)
            if line:
                self.answer(line, compare=self.comparing)
        except AvspecError as error:
            self.screen.error(str(error))
        return True

    def answer(self, question: str, *, compare: bool = False) -> None:
        """Answer the next turn; an answer that was stopped stays in the conversation as far as it came.

        Raises:
            UsageError: The question does not fit the model's context.
        """
        turns = self._fitting([*self.messages, {"role": "user", "content": question}])
        now = self.model.coefficients
        if compare:
            base = Reply("base", self._pieces(turns, dict.fromkeys(now, 0.0)))
            said = self.screen.side_by_side([base, Reply(knobs_line(now), self._pieces(turns, now))])[-1]
        else:
            said = self.screen.reply(self._pieces(turns, now))
        if said:
            self.messages = [*turns, {"role": "assistant", "content": said}]

    def _pieces(self, turns: list[dict[str, str]], coefficients: Mapping[str, float]) -> Generator[str]:
        with self.model.knobs(coefficients):
            yield from self.model.generate(
                turns, max_new_tokens=self.max_new_tokens, temperature=self.temperature, stream=True
            )

    def _fitting(self, turns: list[dict[str, str]]) -> list[dict[str, str]]:
        """Leave out the oldest questions with their answers until the conversation fits the context."""
        kept = turns
        while len(kept) > 2 and self.model.count_tokens(kept) + self.max_new_tokens > self.model.context:
            kept = kept[2:]
        if len(kept) < len(turns):
            self.screen.note(f"the model's context is {self.model.context} tokens: the oldest turns are left out")
        return kept

    def _command(self, line: str) -> bool:
        name, _, rest = line.partition(" ")
        if name not in COMMANDS:
            close = difflib.get_close_matches(name, COMMANDS, n=1)
            raise UsageError(f"there is no {name}", hint=f"did you mean {close[0]}?" if close else "/help lists all")
        if name == "/quit":
            return False
        actions: dict[str, Callable[[str], None]] = {
            "/set": self._set,
            "/behave": self._behave,
            "/knobs": self._knobs,
            "/base": self._base,
            "/compare": self._compare,
            "/reset": self._reset,
            "/help": self._help,
        }
        actions[name](rest.strip())
        return True

    def _set(self, rest: str) -> None:
        words = rest.replace("=", " ").replace(",", " ").split()
        if not words or len(words) % 2:
            raise UsageError("/set needs a domain and a number for each knob", hint="/set medical -0.4")
        pairs = ",".join(f"{domain}={number}" for domain, number in zip(words[::2], words[1::2], strict=True))
        self.model.set(parse_coefficients(pairs, self.model.run.knobs))
        self.screen.say(knobs_line(self.model.coefficients))

    def _behave(self, name: str) -> None:
        if not name:
            rows = [_behavior_row(behavior) for behavior in self.model.run.behaviors().values()]
            self.screen.say(table(("behavior", "on search", "wanted", "coefficients"), rows).rstrip())
            return
        behavior = self.model.behave(name)
        self.screen.say(f"{_wanted(behavior)}: {knobs_line(self.model.coefficients)}")
        if not behavior.held:
            self.screen.note("the search did not reach this behavior; these are the closest coefficients it found")

    def _knobs(self, _: str) -> None:
        levels = self.model.run.domains
        rows = [
            (domain, f"{value:g}", " < ".join(levels[domain_of(domain)]))
            for domain, value in self.model.coefficients.items()
        ]
        self.screen.say(table(("knob", "coefficient", "levels"), rows).rstrip())

    def _base(self, _: str) -> None:
        self.model.reset()
        self.screen.say(knobs_line(self.model.coefficients))

    def _compare(self, question: str) -> None:
        if question:
            self.answer(question, compare=True)
            return
        self.comparing = not self.comparing
        self.screen.say("every answer is shown beside the base's" if self.comparing else "answers are shown alone")

    def _reset(self, _: str) -> None:
        self.messages = []
        self.screen.say("the conversation starts anew")

    def _help(self, _: str) -> None:
        rows = [(f"{name} {arguments}", what) for name, (arguments, what) in COMMANDS.items()]
        self.screen.say(table(("command", "what it does"), rows).rstrip())


def _wanted(behavior: Behavior) -> str:
    least = {domain: f" (at least {share:.2f})" for domain, share in behavior.least_share.items()}
    return ", ".join(f"{domain} {level}{least.get(domain, '')}" for domain, level in behavior.wanted.items())


def _behavior_row(behavior: Behavior) -> tuple[str, ...]:
    coefficients = knobs_line(behavior.coefficients) if behavior.coefficients else "none found"
    return behavior.name, "held" if behavior.held else "not held", _wanted(behavior), coefficients
