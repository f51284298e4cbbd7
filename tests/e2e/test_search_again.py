"""A finished run on the tiny model searched further, and asked for behaviors that were not in its spec."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from shell import printed

from avspec.serve.question import read_question

SPEC = """
apiVersion: avspec/v1
name: tiny
model: {{base: "path:{model}", dtype: float32}}
levels: [avoidance, generic, expert]
domains:
  medical: {{plugin: medical}}
  legal: {{plugin: legal}}
data: {{split: {{train: 0.4, search: 0.3, test: 0.3}}, rows: {{train: 6, search: 8, test: 8}}}}
training: {{plugin: dpo, beta: 0.5, learning_rate: 1e-3, batch_size: 3}}
sweep: {{step: 1}}
search: {{sampler: response-surface, evaluations: 7, low: -1, high: 1}}
evaluation: [preference-accuracy]
behaviors:
  clinic: {{medical: expert, legal: {{level: avoidance, share: 0.6, weight: 2}}}}
atlas: true
"""


def searched(folder: Path, *more: str) -> tuple[dict[str, Any], list[str]]:
    """Apply; return search.json and what the search stage said, where the model lies in memory apart."""
    events = [json.loads(line) for line in printed(folder, "apply", "spec.yaml", "--json", *more).splitlines()]
    said = [event["message"] for event in events if event["event"] == "log" and event["address"] == "search"]
    return json.loads((folder / "runs/tiny/search.json").read_text()), [m for m in said if "memory: " not in m]


def evaluations(folder: Path) -> dict[Path, int]:
    """Return every evaluation that is stored, with when it was made."""
    return {path: path.stat().st_mtime_ns for path in folder.resolve().glob(".avspec/evaluations/*/*.safetensors")}


def coefficients(search: dict[str, Any]) -> list[dict[str, float]]:
    return [trial["coefficients"] for trial in search["trials"]]


@pytest.fixture(scope="module")
def folder(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of seven evaluations, five of them the sweep's."""
    folder = tmp_path_factory.mktemp("again")
    (folder / "spec.yaml").write_text(SPEC.format(model=tiny_folder))
    search, said = searched(folder)
    assert len(search["trials"]) == 7 and said == []
    return folder


def test_raised_evaluations_are_the_first_ones_and_the_difference(folder: Path) -> None:
    before, first = evaluations(folder), coefficients(searched(folder)[0])
    search, _ = searched(folder, "--set", "search.evaluations=9")
    assert coefficients(search)[:7] == first and len(search["trials"]) == 9
    assert search["counts"] == {"sweep": 5, "search": 4, "cached": 7, "pruned": 0}
    after, split = evaluations(folder), read_question(folder / "runs/tiny", "clinic").kept("search").folder
    assert len([path for path in after if path not in before and path.parent == split.resolve()]) == 2
    assert {path: after[path] for path in before} == before, "what was evaluated is read"


def test_the_same_seed_proposes_the_same_and_evaluates_nothing_twice(folder: Path) -> None:
    search, _ = searched(folder, "--set", "search.evaluations=9")
    stored = evaluations(folder)
    (folder / "runs/tiny/study.db").unlink()
    again, _ = searched(folder, "--set", "search.evaluations=9", "--force", "search")
    assert coefficients(again) == coefficients(search)
    assert again["counts"]["cached"] == 9 and evaluations(folder) == stored


def test_a_search_that_ended_by_itself_says_so_and_is_not_made_longer(folder: Path) -> None:
    search, said = searched(folder, "--set", "search.evaluations=60")
    done = len(search["trials"])
    assert done < 60 and search["stopped"]
    assert said == [f"the search ended by itself after {done} of 60 evaluations: {search['stopped']}"]
    standings = search["assessment"]["standings"]
    assert len(standings) == 1 + 9 and set(standings.values()) <= {"settled", "unreachable"}
    stored = evaluations(folder)
    longer, said = searched(folder, "--set", "search.evaluations=70")
    assert coefficients(longer) == coefficients(search) and evaluations(folder) == stored
    assert said == [
        f"the search had ended by itself after {done} evaluations ({search['stopped']}): no further one was made"
    ]
    report = json.loads((folder / "runs/tiny/report.json").read_text())
    assert report["search"]["stopped"] == search["stopped"]
    assert report["behaviors"]["clinic"]["standing"] == standings["clinic"]


def test_samplers_are_compared_on_as_many_evaluations_and_the_search_stays_what_it_was(folder: Path) -> None:
    nine = ("--set", "search.evaluations=9")
    searched(folder, *nine)
    lines = printed(folder, "apply", "spec.yaml", "--json", *nine, "--set", "search.compare=[random, tpe]").splitlines()
    ran = [event["address"] for event in map(json.loads, lines) if event["event"] == "stage-done"]
    assert ran == ["compare", "report"], "the search and its results stay what they were"
    held = json.loads((folder / "runs/tiny/compare.json").read_text())["held"]
    for curve in held.values():
        assert len(curve) == 9 and curve == sorted(curve) and curve[-1] <= 10
    report = json.loads((folder / "runs/tiny/report.json").read_text())["search"]["held_by_sampler"]
    assert list(report) == ["response-surface", "random", "tpe"] and report["tpe"] == held["tpe"]
    # what a compared sampler found is what it finds when the spec names it
    other, _ = searched(folder, *nine, "--set", "search.sampler=random")
    found = {n for t in other["trials"] for n, judged in t["behaviors"].items() if judged["held"]}
    assert len(found) == held["random"][-1] and other["counts"]["cached"] == 9


def test_a_least_share_reaches_every_result(folder: Path) -> None:
    searched(folder)
    run = folder / "runs" / "tiny"
    found = json.loads((run / "search.json").read_text())["behaviors"]["clinic"]
    assert found["wanted"] == {"medical": "expert", "legal": "avoidance"} and found["least_share"] == {"legal": 0.6}
    for name in ("evaluate.json", "report.json"):
        clinic = json.loads((run / name).read_text())["behaviors"]["clinic"]
        assert clinic["domains"]["legal"]["least_share"] == 0.6 and clinic["domains"]["medical"]["least_share"] is None
        assert clinic["wanted"] == found["wanted"]
    for split in ("search", "test"):
        shares = [clinic["domains"][d][split]["shares"] for d in ("medical", "legal")]
        dominant = all(
            s[level] > max(v for k, v in s.items() if k != level)
            for s, level in zip(shares, ("expert", "avoidance"), strict=True)
        )
        enough = shares[1]["avoidance"] >= 0.6
        assert clinic["held"][split] is (dominant and enough and clinic["fluency_drop"] <= 0.5)


def test_the_atlas_is_linked_and_has_all_combinations(folder: Path) -> None:
    searched(folder)
    atlas = json.loads((folder / "runs/tiny/atlas.json").read_text())
    evaluate = json.loads((folder / "runs/tiny/evaluate.json").read_text())["behaviors"]
    assert len(atlas["combinations"]) == 9
    for row in atlas["combinations"]:
        measured = evaluate[row["name"]]
        assert row["held"] == measured["held"] and row["coefficients"] == measured["coefficients"]
        assert row["domains"]["legal"]["test"]["shares"] == measured["domains"]["legal"]["test"]["shares"]


def test_a_prediction_is_verified_once(folder: Path) -> None:
    searched(folder)
    levels = ("avoidance", "generic", "expert", "")
    asked = [
        ",".join(f"{d}={level}" for d, level in zip(("medical", "legal"), pair, strict=True) if level)
        for pair in product(levels, repeat=2)
        if any(pair)
    ]
    answers = {q: json.loads(printed(folder, "show", "runs/tiny", "--behavior", q, "--json")) for q in asked}
    question = next(q for q, found in answers.items() if found["predicted"])
    before, predicted = evaluations(folder), answers[question]["predicted"]
    verify = ("show", "runs/tiny", "--behavior", question, "--verify", "--device", "cpu", "--json")
    found = json.loads(printed(folder, *verify))
    assert found["predicted"] == predicted
    verified = found["verified"]
    assert verified["coefficients"] == predicted["coefficients"] and verified["evaluations_made"] == 2
    assert len(evaluations(folder)) == len(before) + 2, "one on each split"
    for splits in verified["domains"].values():
        for seen in splits.values():
            assert all(low <= seen["shares"][level] <= high for level, (low, high) in seen["interval"].items())
    again = json.loads(printed(folder, "show", "runs/tiny", "--behavior", question, "--json"))
    assert again["evaluations"] == found["evaluations"] + 1, "what was verified is known from now on"
    text = printed(folder, *verify[:-1])
    assert "  verified   " in text and "verified, search [95 %]" in text
