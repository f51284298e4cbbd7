"""A run folder as the model sees it: the base, the vectors, the domains' levels, the behaviors found."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from avspec.errors import Corrupted, NoInput, UsageError
from avspec.knobs import MODEL, blocks_of, in_order, knobs
from avspec.store.manifest import check_format

LOCK = "avspec.lock"
FORMAT_VERSION = 1
"""Newest format of the lock and of search.json that this code reads."""
_AGAIN = "run `avspec apply` on its spec again"


@dataclass(frozen=True)
class Behavior:
    """What the search found for one behavior."""

    name: str
    wanted: Mapping[str, str]
    """Domain to level; a domain that is not named is free."""
    coefficients: Mapping[str, float]
    held: bool
    """Whether the wanted levels are dominant, with fluent text, on the search split."""
    fluency_drop: float | None = None
    """Nats per token, on the search split."""
    least_share: Mapping[str, float] = field(default_factory=dict)
    """Domain to the share its level must have besides being dominant; a domain without one is not there."""


@dataclass(frozen=True)
class RunFolder:
    """What `avspec apply` left in `runs/NAME`."""

    path: Path
    name: str
    domains: Mapping[str, tuple[str, ...]]
    """Domains with a knob, to their levels, least to most preferred."""
    guardrails: Mapping[str, tuple[str, ...]]
    """Domains that are only watched, to their levels."""
    blocks: int = 1
    """Blocks of layers that have knobs of their own."""

    @classmethod
    def open(cls, path: Path | str) -> RunFolder:
        """Read the lock of a run folder.

        Raises:
            NoInput: There is no such folder, or it is not a run's.
            NewerFormat: A newer avspec made it.
            Corrupted: Its lock is not readable.
        """
        path = Path(path)
        if not path.is_dir():
            raise NoInput(f"there is no run folder {path}", hint="`avspec apply SPEC` makes one, runs/NAME")
        lock = _read_json(path / LOCK, f"{path} is not the folder of a run: it has no {LOCK}")
        try:
            spec = lock["spec"]
            domains, guardrails = _levels(spec["domains"]), _levels(spec.get("guardrails") or {})
            blocks = blocks_of((spec.get("search") or {}).get("granularity", MODEL))
            return cls(path, str(spec["name"]), domains, guardrails, blocks)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise Corrupted("the run's lock is broken", where=str(path / LOCK), hint=_AGAIN) from error

    @property
    def levels(self) -> dict[str, tuple[str, ...]]:
        """Return the levels of every domain and guardrail."""
        return {**self.domains, **self.guardrails}

    @property
    def knobs(self) -> tuple[str, ...]:
        """Return every name that a coefficient may be given for: domains, and their blocks where there are several."""
        return (*self.domains, *(knobs(self.domains, self.blocks) if self.blocks > 1 else ()))

    @property
    def base(self) -> Path:
        """Return the folder of the base artifact.

        Raises:
            NoInput: The run has none.
        """
        return self._existing("base", "base")

    def target(self, name: str) -> Path:
        """Return the folder of a target that the vectors were transferred to.

        Raises:
            NoInput: The run has none of that name.
        """
        known = sorted(path.name for path in (self.path / "targets").glob("*"))
        if name not in known:
            hint = f"it has {', '.join(known)}" if known else "name one in the spec, `transfer: {targets: [...]}`"
            raise NoInput(f"the run {self.name} has no target {name}", where=str(self.path / "targets"), hint=hint)
        return self._existing(f"targets/{name}", f"target {name}")

    @property
    def vectors(self) -> dict[str, Path]:
        """Return each domain's alignment vector.

        Raises:
            NoInput: One is missing.
        """
        return {
            domain: self._existing(f"vectors/{domain}.safetensors", f"alignment vector of {domain}")
            for domain in self.domains
        }

    def _existing(self, name: str, what: str) -> Path:
        path = self.path / name
        if not path.exists():  # a link whose target is gone does not exist either
            raise NoInput(f"the run {self.name} has no {what}", where=str(path), hint=f"{_AGAIN} to make it")
        return path

    def behaviors(self) -> dict[str, Behavior]:
        """Return what the search found, the atlas's combinations included.

        Raises:
            NoInput: The search has not been done.
            NewerFormat: A newer avspec did it.
            Corrupted: search.json is not readable.
        """
        path = self.path / "search.json"
        found = _read_json(path, f"the run {self.name} has no search results, so it knows no behaviors")
        try:
            return {name: self._behavior(name, entry) for name, entry in found["behaviors"].items()}
        except (KeyError, TypeError, AttributeError) as error:
            raise Corrupted("the search results are broken", where=str(path), hint=_AGAIN) from error

    def _behavior(self, name: str, entry: Mapping[str, Any]) -> Behavior:
        found = entry["coefficients"] or {}
        coefficients = (
            in_order({knob: float(value) for knob, value in found.items()}, list(self.domains)) if found else {}
        )
        drop, least = entry.get("fluency_drop"), entry.get("least_share") or {}
        return Behavior(name, entry["wanted"], coefficients, bool(entry["held"]), drop, least)

    def behavior(self, name: str) -> Behavior:
        """Return one behavior, by its name or as `medical=expert,legal=generic` in any order.

        Raises:
            UsageError: There is none of that name, or no coefficients were found for it.
        """
        behaviors = self.behaviors()
        behavior = behaviors.get(name) or _of_levels(name, behaviors)
        if behavior is None:
            hint = _suggestion(name, behaviors, self.path)
            raise UsageError(f"no behavior is named {name}", where=str(self.path), hint=hint)
        if not behavior.coefficients:
            hint = "raise search.evaluations or search.max_fluency_drop, and apply again"
            raise UsageError(f"the search found no coefficients for the behavior {name}", hint=hint)
        return behavior


def _read_json(path: Path, missing: str) -> Mapping[str, Any]:
    try:
        value: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        check_format(value, FORMAT_VERSION, path)
    except FileNotFoundError:
        raise NoInput(missing, where=str(path), hint=f"{_AGAIN} to make it") from None
    except (ValueError, OSError) as error:
        raise Corrupted(f"{path.name} is not readable: {error}", where=str(path), hint=_AGAIN) from error
    return value


def _levels(section: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(entry["levels"]) for name, entry in section.items()}


def _of_levels(name: str, behaviors: Mapping[str, Behavior]) -> Behavior | None:
    """Return the behavior that wants exactly the levels a combination names, one that wants no more first."""
    pairs = [part.partition("=") for part in name.replace(" ", "").split(",")]
    wanted = {domain: level for domain, _, level in pairs}
    every = [behavior for behavior in behaviors.values() if dict(behavior.wanted) == wanted]
    return min(every, key=lambda behavior: len(behavior.least_share), default=None)


def _suggestion(name: str, behaviors: Mapping[str, Behavior], run: Path) -> str:
    if "=" in name:
        return f"the search was not made for it; `avspec show {run} --behavior {name}` finds coefficients for it"
    close = difflib.get_close_matches(name, behaviors, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    named = [known for known in behaviors if "=" not in known]
    combinations = len(behaviors) - len(named)
    more = f", and {combinations} combinations like {list(behaviors)[-1]!r}" if combinations else ""
    return (
        f"the behaviors are {', '.join(named)}{more}" if named else f"known are {combinations} combinations{more[5:]}"
    )
