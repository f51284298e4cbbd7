"""Agreement as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def agreement_text(found: Mapping[str, Any]) -> str:
    """Return who labeled how much, kappa of every two, and the mean confusion table."""
    if not found["annotators"]:
        return "Nobody has labeled anything yet.\n"
    lines = [f"{found['queries']} queries, {found['items']} responses"]
    lines += [f"  {name}: {each['labels']} labels{_unclear(each)}" for name, each in found["annotators"].items()]
    lines += [f"  {' and '.join(pair['names'])}: {kappa_words(pair)}" for pair in found["pairs"]]
    if found["mean_kappa"] is not None:
        lines.append(f"Mean Cohen's kappa of people: {found['mean_kappa']:.2f}")
    for judge, kappa in found["judges"].items():
        if kappa is not None:
            lines.append(f"Mean Cohen's kappa of {judge} with people: {kappa:.2f}")
    for table in found["confusion"]:
        if table["mean"]:
            lines += ["", *_table(table)]
    return "\n".join(lines) + "\n"


def kappa_words(pair: Mapping[str, Any]) -> str:
    """Return Cohen's kappa of two annotators, or why there is none."""
    if not pair["items"]:
        return "no response labeled by both yet"
    told = f"{pair['items']} responses labeled by both, {pair['same']:.0%} alike"
    if pair["kappa"] is None:
        return f"{told}; kappa is not defined, because all got one label"
    return f"{told}, kappa {pair['kappa']:.2f}"


def _unclear(each: Mapping[str, Any]) -> str:
    return f", {each['unclear']} of them unclear" if each["unclear"] else ""


def _table(table: Mapping[str, Any]) -> list[str]:
    levels, labels = table["levels"], table["labels"]
    width = max(map(len, [*levels, *labels])) + 2
    head = f"  {'written for':<{max(width, 12)}}" + "".join(f"{label:>{width}}" for label in labels)
    rows = [
        f"  {level:<{max(width, 12)}}" + "".join(f"{table['mean'][level][label]:>{width}.2f}" for label in labels)
        for level in levels
        if table["mean"][level]
    ]
    return [f"Labels people gave ({', '.join(table['domains'])}):", head, *rows]
