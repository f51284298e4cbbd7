"""Agreement as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def agreement_text(found: Mapping[str, Any]) -> str:
    """Return who labeled how much, kappa of every two, and the mean confusion table."""
    if not found["annotators"]:
        return "Nobody has labeled anything yet.\n"
    lines = [f"{found['queries']} queries, {found['items']} responses"]
    lines += [
        f"  {name}: {each['labels']} labels{_unclear(each)}{written_words(each)}"
        for name, each in found["annotators"].items()
    ]
    lines += [f"  {' and '.join(pair['names'])}: {kappa_words(pair)}" for pair in found["pairs"]]
    if found["mean_kappa"] is not None:
        lines.append(f"Mean Cohen's kappa of people: {found['mean_kappa']:.2f}")
    for judge, kappa in found["judges"].items():
        if kappa is not None:
            lines.append(f"Mean Cohen's kappa of {judge} with people: {kappa:.2f}")
    if len(found.get("domains", {})) > 1:
        lines += [f"  in {name}: {_mean_words(each)}" for name, each in found["domains"].items()]
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
    interval = pair.get("interval")
    bounds = f" (95% interval {interval[0]:.2f} to {interval[1]:.2f})" if interval else ""
    return f"{told}, kappa {pair['kappa']:.2f}{bounds}"


def written_words(each: Mapping[str, Any]) -> str:
    """Return how many of an annotator's labels are the level that the response was written for."""
    if each.get("as_written") is None:
        return ""
    low, high = each["interval"]
    return f", {each['as_written']:.0%} as written (95% interval {low:.0%} to {high:.0%})"


def _mean_words(each: Mapping[str, Any]) -> str:
    return "no kappa yet" if each["mean_kappa"] is None else f"mean kappa {each['mean_kappa']:.2f}"


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
