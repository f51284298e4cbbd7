"""What can be read back from a run folder: status, results, what gc keeps."""

from pathlib import Path

import pytest
from tiny_stages import STAGES

from avspec.errors import Corrupted, NewerFormat, NoInput, StageFailed, StoreBusy
from avspec.run.cleanup import clean
from avspec.run.folder import existing
from avspec.run.history import last_apply
from avspec.run.results import lines, report, report_page
from avspec.run.status import run_status
from avspec.store.local import Store

RUN = Path("runs/tiny")


def states():
    return {stage.address: stage.state for stage in run_status(RUN).stages}


def test_status_of_a_whole_run(run_apply):
    run_apply()
    status = run_status(RUN)
    assert status.last == "done"
    assert [stage.address for stage in status.stages] == STAGES
    assert {stage.state for stage in status.stages} == {"ok"}
    assert status.to_json()["stages"][0]["seconds"] >= 0


def test_status_after_a_failure_and_of_what_is_outdated(run_apply, monkeypatch):
    monkeypatch.setenv("TINY_FAIL", "sweep")
    with pytest.raises(StageFailed):
        run_apply()
    assert run_status(RUN).last == "sweep failed: RuntimeError: the sky fell"
    assert states()["extract[legal]"] == "ok" and states()["sweep"] == "not run"
    monkeypatch.delenv("TINY_FAIL")
    run_apply()
    monkeypatch.setenv("TINY_FAIL", "search")
    with pytest.raises(StageFailed):
        run_apply("sweep.step=0.25")
    assert states()["sweep"] == "ok" and states()["report"] == "outdated"


def test_status_after_a_stop_calls_what_the_plan_would_replace_outdated(run_apply, monkeypatch):
    run_apply()
    monkeypatch.setenv("TINY_FAIL", "train[medical]")
    with pytest.raises(StageFailed):
        run_apply("training.beta=0.6")
    assert states()["data[legal]"] == "ok"
    assert states()["train[medical]"] == states()["train[legal]"] == states()["report"] == "outdated"


def test_status_finds_what_drifted_and_what_is_gone(run_apply):
    keys = run_apply().plan.keys
    store = Store(Path(".avspec"))
    (store.path(keys["sweep"]) / "sweep.json").write_text("changed")
    store.discard(keys["search"])
    assert states()["sweep"] == "drifted" and states()["search"] == "missing"


def test_status_of_a_killed_apply(run_apply):
    run_apply()
    journal = RUN / "logs" / "apply.jsonl"
    kept = journal.read_text().splitlines()[:5]
    journal.write_text("\n".join(kept) + '\n{"event": "stage-do')
    assert run_status(RUN).last == "was killed, or still runs"
    assert last_apply(RUN).finished == {"base"}
    run_apply()  # must not write its first event behind the half one
    assert run_status(RUN).last == "done"


def test_gc_keeps_what_runs_and_interrupted_applies_need(run_apply, monkeypatch):
    keys = set(run_apply().plan.keys.values())
    monkeypatch.setenv("TINY_FAIL", "train[legal]")
    with pytest.raises(StageFailed):
        run_apply("training.beta=0.6")
    store = Store(Path(".avspec"))
    assert set(store.keys()) > keys and list(store.work.iterdir())
    before = set(store.keys())
    garbage = clean()
    old = before - set(store.keys())
    assert set(garbage.keys) == old and len(old) == 1  # train[medical] of the spec before
    assert list(store.work.iterdir())


def test_gc_dry_run_removes_nothing(run_apply, workspace):
    run_apply()
    (RUN / "avspec.lock").unlink()
    garbage = clean(dry_run=True)
    assert len(garbage.keys) == len(STAGES) and garbage.bytes > 0
    assert len(list(Store(Path(".avspec")).keys())) == len(STAGES)


def test_gc_waits_for_no_apply(run_apply):
    run_apply()
    with Store(Path(".avspec")).lock(), pytest.raises(StoreBusy):
        clean()


def test_gc_where_there_is_nothing(workspace):
    assert clean().keys == ()
    assert not Path(".avspec").exists()


def test_a_folder_that_is_no_run(workspace):
    with pytest.raises(NoInput) as error:
        existing(RUN)
    assert str(error.value) == (
        "there is no run folder runs/tiny\n  hint: `avspec apply SPEC` makes one, runs/NAME, in the current folder"
    )


def test_the_runs_that_are_there_are_named(run_apply):
    run_apply(target="base")
    with pytest.raises(NoInput) as error:
        existing(Path("runs/tyni"))
    assert error.value.hint == "runs here: runs/tiny"
    with pytest.raises(NoInput, match="is not the folder of a run"):
        existing(Path("runs"))


def test_a_run_without_a_report(run_apply):
    run_apply(target="base")
    with pytest.raises(NoInput) as error:
        report_page(RUN)
    assert error.value.hint == "`avspec apply` on its spec makes it; `avspec status runs/tiny` says how far it is"


def test_a_report_that_cannot_be_read(run_apply):
    run_apply()
    path = RUN / "report.json"
    path.unlink()
    path.write_text('{"format_version": 99}')
    with pytest.raises(NewerFormat):
        report(RUN)
    path.write_text("{")
    with pytest.raises(Corrupted):
        report(RUN)


def measure(level, share):
    return {"shares": {level: share, "other": 1 - share}, "interval": {level: [0.4, 0.9]}, "rows": 12}


def test_lines_of_a_report():
    found = {
        "behaviors": {
            "clinic": {
                "coefficients": {"medical": 0.5, "legal": 0.0},
                "held": {"search": True, "test": True},
                "domains": {
                    "medical": {"wanted": "expert", "test": measure("expert", 0.75)},
                    "legal": {"wanted": None, "test": measure("generic", 0.6)},
                },
                "guardrails": {"safety": {"level": "safe", "drop": 0.1, "ok": False}},
            }
        }
    }
    rows = [(row.domain, row.coefficient, row.wanted, row.share) for row in lines(found)]
    assert rows == [
        ("medical", "+0.50", "expert", "0.75 [0.40, 0.90]"),
        ("legal", "+0.00", "(free)", "generic 0.60 [0.40, 0.90]"),
        ("safety", "", "safe (guardrail)", "-0.10 too far"),
    ]
