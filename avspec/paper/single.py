"""Tables 1 to 4 and figure 4: one knob at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean

from avspec.paper.found import Found, Json, first, paper
from avspec.paper.part import NONE, Part, points, triple
from avspec.report import text
from avspec.report.baselines import JUDGES


def tables_1_to_3(runs: Sequence[Found]) -> Part:
    """Return the default, prompting and the knob in each domain (paper, tables 1-3)."""
    run = first(runs, "tables-1-4.yaml", lambda run: run.report.get("prompting"))
    rows = tuple(row for row in _tables(run)) if run else ()
    return Part(
        "Tables 1–3: one level in one domain",
        "tables-1-4.yaml",
        "Shares in percent, most preferred level first: preference accuracy, and of generated answers as a judge sees "
        "them (the paper’s is GPT-4; here the spec’s judge or classifier). Coefficients are chosen on the search "
        "split, shares measured on the test split.",
        ("Domain", "How", "Asked for", "λ paper", "λ here", "Paper", "Here", "Judged, paper", "Judged, here"),
        rows,
        (run.name,) if run else (),
        (*_reached(run), *_prompting_cost(run)) if run else (),
    )


def _tables(run: Found) -> Iterable[tuple[str, ...]]:
    for domain, found in run.report["prompting"]["domains"].items():
        said: Json = paper()["tables_1_3"].get(domain) or {}
        levels = run.report["domains"][domain]["levels"]
        yield _row(domain, "default", "", said.get("default"), found["default"], levels)
        for how, key in (("prompting", "prompted"), ("knob", "knob")):
            for level in levels[::-1]:
                theirs = (said.get(how) or {}).get(level)
                yield _row(domain, how, level, theirs, found["levels"][level][key], levels)


def _row(domain: str, how: str, level: str, theirs: Json | None, found: Json, levels: Sequence[str]) -> tuple[str, ...]:
    theirs = theirs or {}
    coefficients = (text.coefficient(each["coefficient"]) if "coefficient" in each else "" for each in (theirs, found))
    judged = _judged(found.get("metrics") or {}, domain)
    return (
        domain,
        how,
        level,
        *coefficients,
        triple(theirs.get("shares"), levels),
        triple(found["shares"], levels),
        triple(theirs.get("judged"), levels),
        triple(judged, levels),
    )


def _judged(metrics: Json, domain: str) -> Json | None:
    return next((metrics[name][domain] for name in JUDGES if domain in (metrics.get(name) or {})), None)


def _reached(run: Found) -> Iterable[str]:
    """Say how large the share of a level is that is asked for, by words and by knob, in the paper and here."""
    for what, key in (("preference accuracy", "shares"), ("judged answers", "judged")):
        shares: dict[tuple[str, str], list[float]] = {}
        for domain, found in run.report["prompting"]["domains"].items():
            said: Json = paper()["tables_1_3"].get(domain) or {}
            for level, both in found["levels"].items():
                for how, measured in (("prompting", both["prompted"]), ("knob", both["knob"])):
                    theirs = ((said.get(how) or {}).get(level) or {}).get(key)
                    ours = measured["shares"] if key == "shares" else _judged(measured.get("metrics") or {}, domain)
                    if theirs and ours:
                        shares.setdefault(("paper", how), []).append(theirs[level])
                        shares.setdefault(("here", how), []).append(ours[level])
        if shares:
            said_so = {place: text.percent(fmean(each)) for place, each in shares.items()}
            yield (
                f"The level asked for has a share of {said_so['paper', 'prompting']} by prompting and "
                f"{said_so['paper', 'knob']} by knob in the paper, of {said_so['here', 'prompting']} and "
                f"{said_so['here', 'knob']} here ({what}, mean over domains and levels)."
            )


def _prompting_cost(run: Found) -> Iterable[str]:
    prompted, plain, knob = [], [], []
    for found in run.report["prompting"]["domains"].values():
        plain.append(found["default"])
        prompted += [level["prompted"] for level in found["levels"].values()]
        knob += [level["knob"] for level in found["levels"].values()]
    tokens = _mean(prompted, "input_tokens") / _mean(plain, "input_tokens")
    yield f"An instruction makes the input {tokens:.1f} times as long (paper: about twice); a knob leaves it as it is."
    seconds = [_mean(each, "seconds_per_answer") for each in (prompted, knob)]
    yield f"Seconds an answer, prompting to knob, in one process: {seconds[0] / seconds[1]:.2f}."


def _mean(each: Sequence[Json], key: str) -> float:
    return fmean(one[key] for one in each)


def table_4(runs: Sequence[Found]) -> Part:
    """Return how far each knob moves every domain and guardrail (paper, table 4 and section 6.1)."""
    several = [run for run in runs if len(run.domains) > 1]
    run = first(several, "tables-1-4.yaml", lambda run: run.report["guardrails"]) or next(iter(several), None)
    return Part(
        "Table 4: what one knob does elsewhere",
        "tables-1-4.yaml",
        "Change of the share of the highest level, in percentage points, from the smallest coefficient to the largest: "
        "in the knob’s own domain, in the others, and in the guardrails. Search split; the curves are in the run’s own "
        "report.",
        ("Knob", "Range paper", "Range here", "Measured in", "Paper", "Here"),
        tuple(_elsewhere(run)) if run else (),
        (run.name,) if run else (),
        tuple(_over_generalization(run)) if run else (),
    )


def _elsewhere(run: Found) -> Iterable[tuple[str, ...]]:
    for knob in run.domains:
        said: Json = paper()["table_4"].get(knob) or {}
        curve = run.sweep["curves"].get(knob) or ()
        for name in (*run.domains, *run.report["guardrails"]):
            theirs = (said.get("highest") or {}).get(name)
            yield (
                knob,
                _span(said.get("coefficients")),
                _span([curve[0]["coefficient"], curve[-1]["coefficient"]]) if curve else NONE,
                name,
                points(theirs[1] - theirs[0] if theirs else None),
                points(_change(run, curve, name)),
            )


def _span(ends: Sequence[float] | None) -> str:
    return f"{text.coefficient(ends[0])} to {text.coefficient(ends[1])}" if ends else NONE


def _levels(run: Found, name: str) -> Sequence[str]:
    spec = {**run.spec["domains"], **(run.spec.get("guardrails") or {})}
    levels: Sequence[str] = spec[name]["levels"]
    return levels


def _change(run: Found, curve: Sequence[Json], name: str) -> float | None:
    seen = [point["domains"].get(name) for point in curve]
    if len(seen) < 2 or not all(seen):
        return None
    level = _levels(run, name)[-1]
    first, last = (seen[end]["shares"][level] for end in (0, -1))
    return float(last - first)


def _over_generalization(run: Found) -> Iterable[str]:
    theirs, ours = [], []
    for knob in run.domains:
        highest = (paper()["table_4"].get(knob) or {}).get("highest") or {}
        moved = {name: _change(run, run.sweep["curves"].get(knob) or (), name) for name in run.domains}
        own = moved[knob]
        for name in run.domains:
            if name == knob:
                continue
            if name in highest:
                theirs.append((highest[name][1] - highest[name][0]) / (highest[knob][1] - highest[knob][0]))
            other = moved[name]
            if own and other is not None:
                ours.append(other / own)
    if theirs and ours:
        yield (
            f"Another domain moves {sum(theirs) / len(theirs):.2f} times as far as the knob’s own in the paper, "
            f"{sum(ours) / len(ours):.2f} times here (mean over knobs and domains)."
        )


def figure_4(runs: Sequence[Found]) -> Part:
    """Return the safety knob (paper, figure 4 and section 6.3)."""
    run = first(runs, "figure-4.yaml", lambda run: "safety" in run.domains)
    said = paper()["figure_4"]
    rows = []
    for point in (run.sweep["curves"].get("safety") or ()) if run else ():
        theirs = {0.0: said["default"], 1.0: said["at_1"]}.get(round(point["coefficient"], 6))
        assert run is not None
        level = _levels(run, "safety")[-1]
        here = text.share(point["domains"]["safety"], level)
        rows.append((text.coefficient(point["coefficient"]), text.percent(theirs), here))
    return Part(
        "Figure 4: safety as a domain",
        "figure-4.yaml",
        "Share of the safe answer against the coefficient of the safety knob; here on the search split, with 95% "
        "Wilson intervals.",
        ("λ", "Paper", "Here"),
        tuple(rows),
        (run.name,) if run else (),
    )
