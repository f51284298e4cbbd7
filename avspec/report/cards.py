"""The data cards as the report shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from avspec.report import text
from avspec.report.inputs import Json, Outline


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of one domain's rows."""

    domain: str
    levels: tuple[str, ...]
    json: Json
    """The card as its stage wrote it."""
    origin: str
    """Where the rows come from, in a sentence."""
    predictions: tuple[str, ...]
    """How well length, and words, predict the level."""
    warning: str
    """What a careful reader should know of the lengths; empty when there is nothing."""
    dropped: tuple[tuple[str, int], ...]
    """Why rows were not used, and how many."""
    paid: str
    """What a language model took to write them; empty for rows that came as they are."""


def read_cards(outline: Outline, cards: Mapping[str, Json]) -> tuple[Card, ...]:
    """Return the cards of domains and guardrails, in the spec's order; those that were never made are left out."""
    names = (*outline.domains, *outline.guardrails)
    return tuple(_card(name, outline.levels[name], cards[name]) for name in names if name in cards)


def _card(domain: str, levels: tuple[str, ...], card: Json) -> Card:
    predicted = card.get("predictable")
    cleaned, written = card.get("cleaned"), card.get("written")
    dropped = (cleaned or {}).get("dropped") or {}
    return Card(
        domain=domain,
        levels=levels,
        json=card,
        origin=_origin(card),
        predictions=_predictions(predicted) if predicted else (),
        warning=_warning(predicted) if predicted and predicted["warning"] else "",
        dropped=tuple((each["means"], each["rows"]) for each in dropped.values()),
        paid=_paid(written) if written else "",
    )


def _origin(card: Json) -> str:
    sources = ", ".join(f"{count} from {source}" for source, count in card["sources"].items())
    splits = ", ".join(f"{name} {count}" for name, count in card["splits"].items())
    return f"{text.plural(card['rows'], 'row')} ({splits}): {sources}"


def _predictions(predicted: Json) -> tuple[str, ...]:
    says = {
        "length": "the length of a response alone tells its level",
        "words": "the words in a response, whatever their order, tell its level",
    }
    found = [(sentence, predicted[name]["accuracy"], predicted[name]["interval"]) for name, sentence in says.items()]
    return tuple(f"{says} in {text.percent(share)} of cases ({text.interval(span)})" for says, share, span in found)


def _warning(predicted: Json) -> str:
    return (
        f"Length alone tells the level in {text.percent(predicted['length']['accuracy'])} of cases, chance would be "
        f"{text.percent(predicted['chance'])}: a model may learn to be long or short instead of what the levels "
        "mean; let the responses of all levels have lengths from the same range"
    )


def _paid(written: Mapping[str, Any]) -> str:
    usage = written["usage"]
    calls = usage["calls"] + usage["kept"]
    tokens = f"{text.count(usage['input_tokens'])} tokens read, {text.count(usage['output_tokens'])} written"
    cost = "at an unknown price" if usage["cost"] is None else f"${usage['cost']:.2f}"
    unparsed = f"; {text.plural(written['unparsed'], 'answer')} could not be read" if written["unparsed"] else ""
    return f"Written by {written['model']} in {text.plural(calls, 'answer')}: {tokens}, {cost}{unparsed}"


def cards_markdown(cards: Sequence[Card]) -> list[str]:
    """Return the lines of report.md about the data."""
    lines = ["## Data"] if cards else []
    for card in cards:
        lines += [f"**{card.domain}**: {card.origin}."]
        lines += [f"{card.paid}."] if card.paid else []
        lines += [f"Not used: {', '.join(f'{why} ({rows})' for why, rows in card.dropped)}."] if card.dropped else []
        lines += [f"In cross-validation {' and '.join(card.predictions)}."] if card.predictions else []
        lines += [f"Careful: {card.warning}."] if card.warning else []
    return lines
