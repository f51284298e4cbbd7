"""`avspec show RUN --behavior`: any combination, answered from what the search left, without a model."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "search"))

from surfaces import Surface

from avspec.serve.question import Question, read_question

POINTS = (-1.2, -0.6, 0.0, 0.5, 1.0)


@pytest.fixture
def run(avspec, tiny):
    """A run whose search left the sweep's evaluations of a synthetic surface."""
    assert avspec("apply", "tiny.yaml", "--set", "search.max_fluency_drop=9")[0] == 0
    run = Path("runs/tiny")
    fill(run)
    return run


def fill(run: Path, split: str = "search", surface: Surface | None = None) -> Question:
    """Give the run's vectors a norm, and its cache the evaluations."""
    for domain in ("medical", "legal"):
        vector = (run / "vectors" / f"{domain}.safetensors").resolve().with_name("vector.json")
        vector.write_text(json.dumps({"norm": 2.0, "sha256": domain}))
    surface, question = surface or Surface(), read_question(run, "clinic")
    for point in ({"medical": c, "legal": d} for c in POINTS for d in POINTS if not c * d):
        question.kept(split).put(surface(point))
    return question


def test_a_combination_that_is_not_in_the_spec_is_answered(avspec, run) -> None:
    code, out, err = avspec("show", str(run), "--behavior", "legal=expert,medical=avoidance")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "tiny: legal expert, medical avoidance"
    assert lines[1].startswith("9 evaluations are stored; a surface fitted to all but one misses the shares")
    assert lines[4].startswith("  evaluated  not held on search")
    assert lines[5].startswith("  predicted  holds with chance ")
    assert " ".join(lines[7].split()) == "domain wanted evaluated [95 %] predicted [80 %]"
    assert [line.split()[:2] for line in lines[8:10]] == [["legal", "expert"], ["medical", "avoidance"]]
    evaluated = [line.split("]")[1].split()[:2] for line in lines[8:10]]
    assert {sign for sign, _ in evaluated} != {">"}, "what is not held has a rival that is as large"
    assert all(line.rsplit("]", 1)[1].split()[0] == ">" for line in lines[8:10]), "as predicted, it holds"
    assert lines[11] == "A prediction is no measurement: --verify makes one evaluation of it, on both splits."
    assert lines[12].startswith("Try it: avspec chat runs/tiny, then /set medical -")


def test_json_has_what_was_measured_and_what_is_predicted(avspec, run) -> None:
    code, out, _ = avspec("show", str(run), "--behavior", "medical=avoidance,legal=expert", "--json")
    found = json.loads(out)
    assert code == 0 and found["format_version"] == 1 and found["verified"] is None
    assert found["wanted"] == {"medical": "avoidance", "legal": "expert"} and found["evaluations"] == 9
    assert not found["evaluated"]["held"] and found["evaluated"]["margin"] <= 0
    predicted = found["predicted"]
    assert set(predicted["coefficients"]) == {"medical", "legal"} and 0.5 < predicted["chance"] <= 1
    for domain, level in found["wanted"].items():
        low, high = found["evaluated"]["domains"][domain]["interval"][level]
        assert low <= found["evaluated"]["domains"][domain]["shares"][level] <= high
        low, high = predicted["domains"][domain]["range"][level]
        assert low <= predicted["domains"][domain]["shares"][level] <= high
    assert 0 <= found["left_out_error"] < 0.2


def test_a_behavior_of_the_spec_is_asked_by_name(avspec, run) -> None:
    named = avspec("show", str(run), "--behavior", "clinic")[1]
    assert named == avspec("show", str(run), "--behavior", "legal=avoidance, medical=expert")[1].replace(
        "legal avoidance, medical expert", "medical expert, legal avoidance"
    ).replace(*rows_swapped(named))


def rows_swapped(text: str) -> tuple[str, str]:
    """Return the two rows of the table in the other order, and in this one."""
    first, second = [line for line in text.splitlines() if line.startswith(("  medical ", "  legal "))]
    return f"{second}\n{first}", f"{first}\n{second}"


def test_a_free_domain_is_said_to_be(avspec, run) -> None:
    out = avspec("show", str(run), "--behavior", "legal=avoidance")[1]
    assert out.startswith("tiny: legal avoidance; free: medical\n")
    assert not [line for line in out.splitlines() if line.startswith("  medical")]


def test_a_least_share_of_the_spec_is_kept(avspec, tiny) -> None:
    (tiny / "tiny.yaml").write_text((tiny / "tiny.yaml").read_text().replace("expert,", "{level: expert, share: 0.9},"))
    assert avspec("apply", "tiny.yaml")[0] == 0
    fill(Path("runs/tiny"))
    out = avspec("show", "runs/tiny", "--behavior", "clinic")[1]
    assert out.startswith("tiny: medical expert, at least 0.90, legal avoidance\n")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("clinc", "no behavior is named 'clinc'\n  hint: did you mean clinic?; for others write it as"),
        ("medcal=expert", "no domain is named medcal\n  at medcal=expert\n  hint: did you mean medical?\n"),
        ("tax=expert", "no domain is named tax\n  at tax=expert\n  hint: they are medical, legal\n"),
        ("medical=exprt", "medical has no level exprt\n  at medical=exprt\n  hint: did you mean expert?\n"),
        ("legal=9", "legal has no level 9\n  at legal=9\n  hint: they are, least preferred first, avoidance, generic"),
        ("legal=expert,legal=generic", "the level of legal is given twice\n  at legal=expert,legal=generic\n"),
        ("legal=expert,", "'' is not DOMAIN=LEVEL\n  hint: write it as medical=avoidance,legal=expert\n"),
        ("legal=", "'legal=' is not DOMAIN=LEVEL\n"),
    ],
)
def test_a_question_that_is_not_understood(avspec, run, asked, said) -> None:
    code, out, err = avspec("show", str(run), "--behavior", asked)
    assert (code, out) == (64, "")
    assert err.startswith(f"error: {said}")


def test_a_guardrail_cannot_be_asked_for(avspec, tiny) -> None:
    (tiny / "tiny.yaml").write_text((tiny / "tiny.yaml").read_text() + "guardrails: {safety: {plugin: safety}}\n")
    assert avspec("apply", "tiny.yaml")[0] == 0
    code, _, err = avspec("show", "runs/tiny", "--behavior", "safety=safe")
    assert code == 64 and err == (
        "error: safety is a guardrail, which is only watched\n"
        "  at safety=safe\n"
        "  hint: the domains are medical, legal\n"
    )


def test_a_run_without_a_search_says_what_to_do(avspec, tiny) -> None:
    assert avspec("apply", "tiny.yaml", "--target", "sweep")[0] == 0
    code, out, err = avspec("show", "runs/tiny", "--behavior", "clinic")
    assert (code, out) == (66, "")
    assert err == (
        "error: this run has no search to answer from\n  at runs/tiny\n"
        "  hint: run `avspec apply` on its spec; `avspec status runs/tiny` says how far it is\n"
    )


def test_evaluations_that_are_gone_are_said_to_be(avspec, run) -> None:
    for path in Path(".avspec/evaluations").rglob("*.safetensors"):
        path.unlink()
    code, _, err = avspec("show", str(run), "--behavior", "clinic")
    assert code == 66 and err.startswith("error: the evaluations of the run tiny are gone\n")
    assert "avspec apply --force search" in err


def test_options_that_do_not_fit(avspec, run) -> None:
    assert "--verify needs a behavior" in avspec("show", str(run), "--verify")[2]
    code, _, err = avspec("show", "tiny.yaml", "--behavior", "clinic")
    assert code == 64 and err.startswith("error: --behavior is asked of a run, not of a spec\n")
    assert avspec("show", "runs/nope", "--behavior", "clinic")[0] == 66


def test_evaluations_outside_the_range_or_broken_do_not_count(avspec, run) -> None:
    question, surface = read_question(run, "clinic"), Surface()
    question.kept("search").put(surface({"medical": 1.4, "legal": 0.0}))
    broken = surface({"medical": 0.3, "legal": 0.0})
    broken.log_probs["legal"][0, 0] = np.nan
    question.kept("search").put(broken)
    assert json.loads(avspec("show", str(run), "--behavior", "clinic", "--json")[1])["evaluations"] == 9


def test_no_model_and_no_optuna_are_imported(run) -> None:
    script = (
        "import sys\nfrom avspec.cli import _run\n"
        f"assert _run(['show', {str(run)!r}, '--behavior', 'clinic']) == 0\n"
        "sys.exit(', '.join({'torch', 'transformers', 'trl', 'optuna', 'matplotlib'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
