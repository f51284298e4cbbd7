"""A behavior asked of a run: what the words mean, and what the run's search left on disk to answer it with."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path
from typing import Any

from avspec.api import SearchSpace
from avspec.errors import NoInput, UsageError
from avspec.knobs import knobs, own_knobs, spelled
from avspec.plan.lockfile import read_lock
from avspec.plan.params import SearchParams
from avspec.run.folder import existing
from avspec.run.links import current
from avspec.search.demands import Written
from avspec.search.evaluations import Evaluation, EvaluationCache
from avspec.search.objective import Objective
from avspec.stages.kept import kept_evaluations
from avspec.store.local import Store

ASKED = "asked"
"""What the one behavior of a question's objective is called."""
_FORM = "write it as medical=avoidance,legal=expert"


@dataclass(frozen=True)
class Question:
    """One behavior, and the search that answers it."""

    run: str
    """Name of the run."""
    run_dir: Path
    params: SearchParams
    inputs: Mapping[str, Path]
    """Address of every stage the search read to the folder of its artifact."""
    evaluations: Path
    """Folder of the evaluation caches."""
    wanted: Mapping[str, Written]
    """What the behavior wants of each domain it names."""

    def kept(self, split: str) -> EvaluationCache:
        """Return the stored evaluations of a split."""
        return kept_evaluations(self.inputs, split, self.evaluations)

    def evaluated(self) -> list[Evaluation]:
        """Return the stored evaluations on the search split that lie in the range that was searched.

        Raises:
            NoInput: They are gone.
            Corrupted: One of them cannot be read.
        """
        low, high = self.params.low, self.params.high
        zero = dict.fromkeys(knobs(self.params.domains, self.params.blocks), 0.0)
        spelt = [
            replace(each, coefficients=zero | spelled(each.coefficients, self.params.blocks))
            for each in self.kept("search").all()
            if each.finite and all(low <= c <= high for c in each.coefficients.values())
        ]
        # a search with other blocks may have evaluated the same vectors
        known = [each for each in spelt if each.coefficients.keys() == zero.keys()]
        if not known:
            raise self._gone()
        return known

    def base(self) -> Evaluation:
        """Return the stored evaluation at zero on the search split, which a search makes first.

        Raises:
            NoInput: It is gone.
        """
        known = self.kept("search").get(dict.fromkeys(self.params.domains, 0.0))
        if known is None:
            raise self._gone()
        return known

    def _gone(self) -> NoInput:
        hint = "run `avspec apply --force search` on its spec: they are made again"
        return NoInput(f"the evaluations of the run {self.run} are gone", where=str(self.evaluations), hint=hint)

    def objective(self, base: Evaluation) -> Objective:
        """Return how the behavior is judged, with the evaluation at zero on the same split."""
        vectors = {d: self.inputs[f"extract[{d}]"] / "vector.json" for d in self.params.domains}
        return Objective(
            domains=self.params.domains,
            levels=self.params.levels,
            behaviors={ASKED: self.wanted},
            base=base,
            max_fluency_drop=self.params.max_fluency_drop,
            guardrails=self.params.guardrails,
            norms={
                knob: json.loads(path.read_text("utf-8"))["norm"] / sqrt(self.params.blocks)
                for domain, path in vectors.items()
                for knob in own_knobs(domain, self.params.blocks)
            },
        )

    @property
    def space(self) -> SearchSpace:
        """Return the space that was searched."""
        p = self.params
        return SearchSpace(knobs(p.domains, p.blocks), p.low, p.high, p.seed, p.evaluations, (ASKED,))


def read_question(run_dir: Path, text: str) -> Question:
    """Understand a question about a run; no model is loaded.

    Args:
        run_dir: A run's folder.
        text: `medical=avoidance,legal=expert`, in any order, or the name of a behavior of the spec.

    Raises:
        NoInput: There is no such run, or its search has not been done.
        UsageError: The text is not understood, or names what the run does not have.
        NewerFormat: A newer avspec made the run.
        Corrupted: Its lock is not readable.
    """
    lock: Mapping[str, Any] = read_lock(existing(run_dir)) or {"stages": {}}
    if "search" not in current(lock["stages"]):
        hint = f"run `avspec apply` on its spec; `avspec status {run_dir}` says how far it is"
        raise NoInput("this run has no search to answer from", where=str(run_dir), hint=hint)
    entry, store = lock["stages"]["search"], Store(run_dir / lock["store"])
    params = SearchParams(**entry["params"])
    return Question(
        run=str(lock["spec"]["name"]),
        run_dir=run_dir,
        params=params,
        inputs={address: store.path(key) for address, key in entry["inputs"].items()},
        evaluations=store.evaluations,
        wanted=read_wanted(text, params),
    )


def read_wanted(text: str, params: SearchParams) -> dict[str, Written]:
    """Return what a behavior wants that is named, or written as `medical=avoidance,legal=expert`.

    Raises:
        UsageError: The text is not understood, or names what the run does not have.
    """
    if "=" not in text:
        named = [name for name in params.behaviors if "=" not in name]
        if text in named:
            return dict(params.behaviors[text])
        hint = f"{_guess(text, named, 'the behaviors are')}; for others {_FORM}" if named else _FORM
        raise UsageError(f"no behavior is named {text!r}", hint=hint)
    wanted: dict[str, Written] = {}
    for part in text.split(","):
        domain, level = _pair(part.strip(), params)
        if domain in wanted:
            raise UsageError(f"the level of {domain} is given twice", where=text, hint="one level for each domain")
        wanted[domain] = level
    return wanted


def _pair(part: str, params: SearchParams) -> tuple[str, str]:
    domain, equals, level = (word.strip() for word in part.partition("="))
    if not equals or not domain or not level:
        raise UsageError(f"{part!r} is not DOMAIN=LEVEL", hint=_FORM)
    if domain in params.levels and domain not in params.domains:
        hint = f"the domains are {', '.join(params.domains)}"
        raise UsageError(f"{domain} is a guardrail, which is only watched", where=part, hint=hint)
    if domain not in params.domains:
        raise UsageError(f"no domain is named {domain}", where=part, hint=_guess(domain, params.domains, "they are"))
    levels = params.levels[domain]
    if level not in levels:
        hint = _guess(level, levels, "they are, least preferred first,")
        raise UsageError(f"{domain} has no level {level}", where=part, hint=hint)
    return domain, level


def _guess(word: str, known: Sequence[str], otherwise: str) -> str:
    """Return the closest known word as a question, or all of them."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}?" if close else f"{otherwise} {', '.join(known)}"
