"""What calls to language models a plan would make, and what they would cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avspec.calls.answers import spent
from avspec.calls.prices import PRICES_DATE, Price, price_of
from avspec.plan.diff import Plan
from avspec.plan.row_params import SynthesizeParams
from avspec.store.local import Store

if TYPE_CHECKING:
    from avspec.spec import LoadedSpec


@dataclass(frozen=True)
class Expense:
    """The calls of one stage: all of them, also those whose answers an earlier apply left on disk."""

    address: str
    provider: str
    model: str
    mode: str
    """`live` or `batch`."""
    calls: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    """Dollars; None where the model's price is unknown."""


@dataclass(frozen=True)
class Expenses:
    """The calls of all stages that would run."""

    stages: tuple[Expense, ...]
    spent: float
    """Dollars that the run has cost so far."""
    max_cost: float | None
    """Dollars that it may cost in all."""

    def to_json(self) -> dict[str, Any]:
        """Return what `avspec plan --json` says about it."""
        stages = [asdict(stage) for stage in self.stages]
        return {"stages": stages, "spent": self.spent, "max_cost": self.max_cost, "prices_of": PRICES_DATE}


def expenses(loaded: LoadedSpec, plan: Plan, root: Path = Path()) -> Expenses | None:
    """Return what the plan's calls would cost, or None when it makes none.

    Args:
        loaded: The spec.
        plan: Its plan.
        root: The folder that holds `.avspec`.
    """
    synthesis = loaded.spec.synthesis
    prices = {name: Price(input=price.input, output=price.output) for name, price in synthesis.prices.items()}
    stages = tuple(
        _expense(planned.address, planned.stage.params, prices)
        for planned in plan.running
        if isinstance(planned.stage.params, SynthesizeParams)
    )
    if not stages:
        return None
    return Expenses(stages, spent(Store(root / ".avspec").answers, loaded.spec.name), synthesis.max_cost)


def _expense(address: str, params: SynthesizeParams, prices: Mapping[str, Price]) -> Expense:
    from avspec.synthesis.estimate import estimate

    told, options = estimate(params.job()), params.provider_options
    model, mode = str(options["model"]), str(options["mode"])
    price = price_of(params.provider, model, prices)
    dollars = price.cost(told.input_tokens, told.output_tokens, batch=mode == "batch") if price else None
    return Expense(address, params.provider, model, mode, told.calls, told.input_tokens, told.output_tokens, dollars)


def render_expenses(expenses: Expenses) -> str:
    """Return the expenses as lines for a terminal."""
    lines = ["Calls to language models, those already answered on disk among them:"]
    width = max(len(stage.address) for stage in expenses.stages)
    lines += [f"  {stage.address:<{width}}  {_told(stage)}" for stage in expenses.stages]
    lines.append(f"  {_total(expenses.stages)}; this run has cost {_dollars(expenses.spent)} so far{_limit(expenses)}")
    return "\n".join(lines) + "\n"


def _told(stage: Expense) -> str:
    tokens = f"about {_count(stage.input_tokens)} tokens in and {_count(stage.output_tokens)} out"
    batch = " in batches" if stage.mode == "batch" else ""
    return f"{stage.provider} {stage.model}{batch}: {stage.calls:,} calls, {tokens}, {_price(stage)}"


def _price(stage: Expense) -> str:
    if stage.cost is None:
        return "at an unknown price (`synthesis.prices` can say it)"
    return f"about {_dollars(stage.cost)}" if stage.cost else "free"


def _total(stages: Sequence[Expense]) -> str:
    calls = sum(stage.calls for stage in stages)
    known = [stage.cost for stage in stages if stage.cost is not None]
    unknown = "" if len(known) == len(stages) else " and what is unknown"
    return f"{calls:,} calls, about {_dollars(sum(known))}{unknown} at the prices of {PRICES_DATE}"


def _limit(expenses: Expenses) -> str:
    return "" if expenses.max_cost is None else f", of {_dollars(expenses.max_cost)} allowed"


def _count(tokens: int) -> str:
    return f"{tokens / 1e6:.1f} M" if tokens >= 1e6 else f"{tokens / 1e3:,.0f} k" if tokens >= 1e4 else f"{tokens:,}"


def _dollars(amount: float) -> str:
    return f"${amount:,.2f}"
