"""The loop: what runs, what is reused, what is left after a failure."""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
import tiny_stages
from tiny_stages import STAGES

from avspec.errors import Interrupted, NewerFormat, StageFailed, StoreBusy, StoreError
from avspec.run.events import Done, Failed, Planned, Progress, StageDone, StageReused, StageStarted
from avspec.store.local import Store


def test_runs_every_stage_once_in_order(run_apply, recorder, calls):
    result = run_apply()
    assert list(result.ran) == STAGES == calls()
    assert [event.address for event in recorder.of(StageDone)] == STAGES
    assert recorder.of(Progress)[0].to_json() | {"time": ""} == {
        "event": "progress",
        "time": "",
        "address": "base",
        "done": 1,
        "total": 2,
        "note": "steps",
    }


def test_a_second_apply_reuses_everything(run_apply, recorder, calls):
    run_apply()
    calls()
    result = run_apply()
    assert result.ran == () and calls() == []
    assert [event.address for event in recorder.of(StageReused)] == STAGES
    done = recorder.of(Done)[0]
    assert (done.ran, done.reused) == (0, len(STAGES))
    assert done.behaviors["clinic"]["held"] == {"search": True, "test": False}


def test_changing_the_search_retrains_nothing(run_apply, calls):
    run_apply()
    calls()
    run_apply("search.evaluations=61")
    assert calls() == ["search", "evaluate", "report"]


def test_target_runs_only_what_it_needs(run_apply, calls, workspace):
    run_apply(target="train[medical]")
    assert calls() == ["base", "data[medical]", "data[legal]", "train[medical]"]
    assert (workspace / "runs/tiny/training/medical.json").is_file()


def test_force_runs_a_stage_and_what_depends_on_it(run_apply, recorder, calls):
    run_apply()
    calls()
    run_apply(force=["evaluate"])
    assert calls() == ["evaluate", "report"]
    assert [event.reason for event in recorder.of(StageStarted)] == ["forced", "input-changed"]


def test_a_failed_stage_keeps_the_finished_ones(run_apply, recorder, calls, monkeypatch, workspace):
    monkeypatch.setenv("TINY_FAIL", "sweep")
    with pytest.raises(StageFailed) as failure:
        run_apply()
    assert failure.value.what == "sweep failed: RuntimeError: the sky fell"
    assert failure.value.where == "runs/tiny/logs/libraries.log (traceback)"
    assert 'raise RuntimeError("the sky fell")' in (workspace / "runs/tiny/logs/libraries.log").read_text()
    failed = recorder.of(Failed)[0]
    assert (failed.address, failed.error, failed.exit_code) == ("sweep", "StageFailed", 70)
    calls()
    monkeypatch.delenv("TINY_FAIL")
    run_apply()
    assert calls() == ["sweep", "search", "evaluate", "report"]


def test_what_libraries_print_goes_to_a_log(run_apply, capfd, workspace):
    run_apply()
    assert capfd.readouterr() == ("", "")
    log = (workspace / "runs/tiny/logs/libraries.log").read_text()
    assert "a library prints" in log and "a library complains" in log
    assert sys.stdout is not None and not hasattr(sys.stdout, "target")


def test_a_stop_before_a_stage_runs_nothing_more(run_apply, recorder, calls, monkeypatch):
    monkeypatch.setattr("avspec.run.apply._Apply._announce", lambda self, plan: self.stop.set())
    with pytest.raises(Interrupted) as stop:
        run_apply()
    assert calls() == []
    assert stop.value.hint == "run the same command again to go on"
    assert recorder.of(Failed)[0].exit_code == 130


def test_progress_raises_when_a_stop_is_asked_for(run_apply, calls, monkeypatch, recorder):
    shown = recorder.show

    def stop_at_sweep(event):
        shown(event)
        if isinstance(event, Progress) and event.address == "sweep":
            os.kill(os.getpid(), 2)

    monkeypatch.setattr(recorder, "show", stop_at_sweep)
    with pytest.raises(Interrupted):
        run_apply()
    assert calls()[-1] == "sweep"
    assert not any(event.address == "sweep" for event in recorder.of(StageDone))
    monkeypatch.setattr(recorder, "show", shown)
    run_apply()
    assert calls() == ["sweep", "search", "evaluate", "report"]


def test_a_second_apply_at_the_same_time_is_refused(run_apply, calls):
    with Store(Path(".avspec")).lock(), pytest.raises(StoreBusy):
        run_apply()
    assert calls() == []


def test_a_run_of_a_newer_avspec_is_refused(run_apply, calls, workspace):
    run_apply()
    calls()
    lock = workspace / "runs/tiny/avspec.lock"
    lock.write_text(json.dumps(json.loads(lock.read_text()) | {"format_version": 99}))
    with pytest.raises(NewerFormat):
        run_apply("search.evaluations=61")
    assert calls() == []


@pytest.fixture
def read_only_run(workspace, monkeypatch):
    """A run folder that nobody may write, in a folder that everybody may."""
    folder = Path(tempfile.mkdtemp())
    tiny_stages.write_spec(folder)
    (folder / "runs" / "tiny").mkdir(parents=True, mode=0o555)
    for path in (folder, folder / "runs"):
        path.chmod(0o777)
    monkeypatch.chdir(folder)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield folder
    os.seteuid(user)
    (folder / "runs" / "tiny").chmod(0o755)
    shutil.rmtree(folder)


def test_a_run_folder_that_cannot_be_written_is_told_before_anything_runs(run_apply, read_only_run, recorder):
    with pytest.raises(StoreError) as failure:
        run_apply()
    assert failure.value.what == "permission denied"
    assert failure.value.where == "runs/tiny/logs"
    assert "run the same command again" in failure.value.hint
    assert recorder.of(StageStarted) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_told_before_anything_runs(run_apply, calls, workspace):
    logs = workspace / "runs/tiny/logs"
    logs.mkdir(parents=True)
    (logs / "apply.jsonl").symlink_to("/dev/full")
    with pytest.raises(StoreError, match="the disk is full"):
        run_apply()
    assert calls() == []


def test_drifted_output_is_made_again(run_apply, recorder, calls, workspace):
    result = run_apply()
    calls()
    path = Store(workspace / ".avspec").path(result.plan.keys["sweep"]) / "sweep.json"
    path.write_text('{"format_version": 2}')
    run_apply()
    assert calls() == ["sweep"]
    assert recorder.of(StageStarted)[0].reason == "output-drifted"


def test_expected_times_come_from_earlier_stages_of_the_kind(run_apply, recorder):
    run_apply()
    assert recorder.of(Planned)[0].expected == {}
    run_apply("training.beta=0.6")
    expected = recorder.of(Planned)[0].expected
    assert "base" not in expected and expected["train[medical]"] > 0


def test_the_journal_keeps_the_events(run_apply, workspace):
    run_apply()
    lines = (workspace / "runs/tiny/logs/apply.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert events[0]["event"] == "plan" and events[-1]["event"] == "done"
    assert [event["address"] for event in events if event["event"] == "stage-done"] == STAGES
