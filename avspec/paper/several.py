"""Table 5 and section 6.2: several knobs at once, joint training, all combinations, and what each way costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from avspec.knobs import domain_of
from avspec.paper.found import Found, Json, first, paper
from avspec.paper.part import NONE, Part
from avspec.report import text


def table_5(runs: Sequence[Found]) -> Part:
    """Return joint training against editing, for the paper's behaviors and those that were trained jointly here."""
    run = _speaker(runs)
    return Part(
        "Table 5: several levels at once",
        "table-5.yaml",
        "Share of the level asked for in each domain. Joint training is one training run for each behavior; editing "
        "sets three knobs. Test split, with 95% Wilson intervals.",
        (
            "Behavior",
            "Asked for",
            "λ paper",
            "λ here",
            "Joint, paper",
            "Joint, here",
            "Editing, paper",
            "Editing, here",
            "All hold",
        ),
        tuple(_rows(run)) if run else (),
        (run.name,) if run else (),
        tuple(_means(run)) if run else (),
    )


def _speaker(runs: Sequence[Found]) -> Found | None:
    spec = "table-5.yaml"
    return first(runs, spec, lambda run: run.report.get("joint")) or first(runs, spec, _of_table_5)


def _of_table_5(run: Found) -> bool:
    theirs = [behavior["wanted"] for behavior in paper()["table_5"]]
    return any(behavior["wanted"] in theirs for behavior in run.report["behaviors"].values())


def _compared(run: Found) -> Iterable[tuple[str, Json, Json, Json]]:
    """Yield name and result of each behavior, what the paper has of it, and what its joint training came to."""
    joint: Json = run.report.get("joint") or {}
    for name, behavior in run.report["behaviors"].items():
        theirs: Json = next((each for each in paper()["table_5"] if each["wanted"] == behavior["wanted"]), {})
        if theirs or name in joint:
            yield name, behavior, theirs, (joint.get(name) or {}).get("domains") or {}


def _rows(run: Found) -> Iterable[tuple[str, ...]]:
    for name, behavior, theirs, trained in _compared(run):
        held = behavior["held"]["test"]
        for domain, level in behavior["wanted"].items():
            yield (
                name,
                f"{domain}, {level}",
                text.coefficient((theirs.get("coefficients") or {}).get(domain)),
                _knobs(behavior["coefficients"], domain),
                text.percent((theirs.get("joint") or {}).get(domain)),
                text.share((trained.get(domain) or {}).get("test"), level),
                text.percent((theirs.get("editing") or {}).get(domain)),
                text.share((behavior["domains"].get(domain) or {}).get("test"), level),
                NONE if held is None else "yes" if held else "no",
            )


def _means(run: Found) -> Iterable[str]:
    """Say how large the share of a level is that is asked for, jointly trained and edited, in the paper and here."""
    found: list[tuple[float, float, float, float]] = []
    for _, behavior, theirs, trained in _compared(run):
        if theirs and trained:
            for domain, level in behavior["wanted"].items():
                ours = (trained[domain]["test"]["shares"], behavior["domains"][domain]["test"]["shares"])
                found.append((theirs["joint"][domain], theirs["editing"][domain], *(each[level] for each in ours)))
    if found:
        joint, edited, ours_joint, ours_edited = (text.percent(fmean(each)) for each in zip(*found, strict=True))
        yield (
            f"The level asked for has a share of {joint} by joint training and {edited} by editing in the paper, of "
            f"{ours_joint} and {ours_edited} here (mean over behaviors and domains)."
        )


def _knobs(coefficients: Mapping[str, float], domain: str) -> str:
    """Return a domain's coefficient, or with blocks of layers one for each."""
    own = [text.coefficient(value) for knob, value in coefficients.items() if domain_of(knob) == domain]
    return " · ".join(own) or NONE


def combinations(runs: Sequence[Found]) -> Part:
    """Return how many combinations of levels are reached (paper, section 6.2)."""
    searched = [run for run in runs if run.report.get("atlas")]
    said = paper()["atlas"]
    rows = [("paper", f"{said['reached']} of {said['combinations']}", NONE, "9,261")]
    for run in searched:
        atlas = run.report["atlas"]
        both = sum(bool(row["reached"] and row["held"]["test"]) for row in atlas)
        reached = sum(bool(row["reached"]) for row in atlas)
        evaluations = text.count(run.report["evaluations"])
        rows.append((run.name, f"{reached} of {len(atlas)}", f"{both} of {len(atlas)}", evaluations))
    return Part(
        "Section 6.2: combinations that are reached",
        "table-5.yaml",
        "Reached: the level asked for is the largest in every domain. The paper chooses and measures on the same rows; "
        "here coefficients are chosen on the search split, and the third column counts those that hold on the test "
        "split too.",
        ("Run", "Reached where they were chosen", "Hold on rows never searched", "Evaluations"),
        tuple(rows) if searched else (),
        tuple(run.name for run in searched),
    )


def cost(runs: Sequence[Found]) -> Part:
    """Return what editing and joint training cost (paper, section 6.2: 155 hours against 1,944, the "12x")."""
    run = _speaker(runs)
    said = paper()["cost"]
    rows: list[tuple[str, ...]] = []
    notes = []
    if run:
        ours = run.report["cost"]
        joint, grid, own = (
            ours["joint_training"],
            ours["paper_grid"],
            ours["training_seconds"] + ours["evaluation_seconds"],
        )
        theirs = 3600 * said["joint"]["hours"], 3600 * said["grid"]["hours"]
        measured = "measured runs" if run.report.get("joint") else "the domains’ own trainings"
        rows = [
            (
                "joint training of every combination",
                text.duration(theirs[0]),
                f"{text.duration(joint['seconds'])}, from {measured}",
            ),
            (
                "the paper’s grid of 9,261 evaluations",
                text.duration(theirs[1]),
                f"{text.duration(grid['seconds'])}, computed",
            ),
            ("avspec: vectors, sweep and search", NONE, f"{text.duration(own)}, measured"),
        ]
        notes = [
            f"Paper: joint training takes {theirs[0] / theirs[1]:.1f} times as long as its grid, which leaves out the "
            "training of the vectors.",
            f"Here: joint training of every combination would take {joint['seconds'] / own:.1f} times as long as "
            "vectors, sweep and search together.",
        ]
    return Part(
        "Section 6.2: what it costs",
        "table-5.yaml",
        "Time on the machine of each; only the ratios compare.",
        ("Way", "Paper", "Here"),
        tuple(rows),
        (run.name,) if run else (),
        tuple(notes),
    )
