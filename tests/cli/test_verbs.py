"""What the verbs print and exit with."""

import json
from pathlib import Path

import pytest
from tiny_stages import STAGES


def test_init_writes_a_spec_that_is_valid_and_keeps_what_is_there(avspec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = avspec("init", "My Clinic.yaml")
    assert code == 0
    assert out == "My Clinic.yaml written. Next:\n  avspec plan My Clinic.yaml\n  avspec apply My Clinic.yaml\n"
    code, out, _ = avspec("validate", "My Clinic.yaml")
    assert code == 0
    assert out == ("My Clinic.yaml is valid: my-clinic, domains medical, financial; guardrails safety; 2 behaviors.\n")
    Path("My Clinic.yaml").write_text("mine")
    code, _, err = avspec("init", "My Clinic.yaml")
    assert code == 64 and "is there already" in err
    assert Path("My Clinic.yaml").read_text() == "mine"
    assert avspec("init", "My Clinic.yaml", "--force", "--name", "other")[0] == 0
    assert "name: other  #" in Path("My Clinic.yaml").read_text()


def test_init_where_nothing_can_be_written(avspec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = avspec("init", "no/such/folder.yaml")
    assert code == 74 and "No such file or directory" in err and "at no/such/folder.yaml" in err


def test_plan_then_apply_then_plan(avspec, tiny):
    code, out, _ = avspec("plan", "tiny.yaml")
    assert code == 0
    assert out.splitlines()[0] == "  + base              run    new"
    assert out.splitlines()[-1] == "13 to run, 0 to reuse."
    assert avspec("plan", "tiny.yaml", "--detailed-exitcode")[0] == 2
    assert not Path(".avspec").exists() and not Path("runs").exists()
    assert avspec("apply", "tiny.yaml")[0] == 0
    code, out, _ = avspec("plan", "tiny.yaml", "--detailed-exitcode")
    assert (code, out.splitlines()[-1]) == (0, "Nothing to do: 13 of 13 stages are up to date.")


def test_plan_json_and_set(avspec, tiny):
    avspec("apply", "tiny.yaml")
    code, out, _ = avspec("plan", "tiny.yaml", "--set", "search.evaluations=61", "--json")
    plan = json.loads(out)
    assert code == 0 and plan["format_version"] == 1
    assert plan["summary"] == {"reuse": 10, "run": 3}
    assert [stage["address"] for stage in plan["stages"]] == STAGES
    search = plan["stages"][STAGES.index("search")]
    assert (search["reason"], search["changes"]) == ("spec-changed", ["search.evaluations 60 -> 61"])


def test_plan_verify_reads_every_byte(avspec, tiny):
    avspec("apply", "tiny.yaml")
    path = Path("runs/tiny/sweep.json").resolve()
    stat = path.stat()
    path.write_text(path.read_text().replace("1", "2"))
    import os

    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert avspec("plan", "tiny.yaml", "--detailed-exitcode")[0] == 0
    code, out, _ = avspec("plan", "tiny.yaml", "--detailed-exitcode", "--verify")
    assert code == 2 and "output-drifted" in out


def test_a_second_apply_says_that_everything_was_reused(avspec, tiny):
    code, out, err = avspec("apply", "tiny.yaml")
    assert code == 0 and out.startswith("runs/tiny is done: 13 stages run, in ")
    assert "  clinic    held on search only  medical=+0.50 legal=-0.40\n" in out
    assert out.endswith("Report: runs/tiny/report.html\nNext:\n  avspec chat runs/tiny\n  avspec show runs/tiny\n")
    assert err.splitlines()[:3] == [
        "runs/tiny: 13 to run, 0 to reuse",
        "base: running (new)",
        err.splitlines()[2],
    ]
    code, out, err = avspec("apply", "tiny.yaml")
    assert code == 0
    assert out.startswith("Everything was reused: all 13 stages of runs/tiny are up to date.\n")
    assert err == f"runs/tiny: 0 to run, 13 to reuse\nreused: {', '.join(STAGES)}\n"


def test_apply_json(avspec, tiny):
    code, out, err = avspec("apply", "tiny.yaml", "--json")
    events = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert events[0]["event"] == "plan" and events[-1]["event"] == "done"
    assert [event["address"] for event in events if event["event"] == "stage-done"] == STAGES


def test_apply_json_says_how_it_failed(avspec, tiny, monkeypatch):
    monkeypatch.setenv("TINY_FAIL", "base")
    code, out, err = avspec("apply", "tiny.yaml", "--json")
    last = json.loads(out.splitlines()[-1])
    assert (last["event"], last["address"], last["exit_code"]) == ("failed", "base", 70) and code == 70
    assert err.startswith("error: base failed")


def test_status(avspec, tiny):
    avspec("apply", "tiny.yaml", "--target", "data[medical]")
    code, out, _ = avspec("status", "runs/tiny")
    lines = out.splitlines()
    assert code == 0 and lines[0] == "runs/tiny: last apply: done"
    assert lines[2].split()[:2] == ["base", "ok"] and lines[3].split()[:2] == ["data[medical]", "ok"]
    status = json.loads(avspec("status", "runs/tiny", "--json")[1])
    assert status["format_version"] == 1 and len(status["stages"]) == 2


def test_gc(avspec, tiny):
    avspec("apply", "tiny.yaml")
    assert avspec("gc")[1] == "0 artifacts removed, 0.0 MB\n"
    avspec("apply", "tiny.yaml", "--set", "sweep.step=0.25")
    out = avspec("gc", "--dry-run")[1]
    assert len(out.splitlines()) == 5 and out.splitlines()[-1].startswith("4 artifacts would be removed")
    assert avspec("gc")[1].splitlines()[-1].startswith("4 artifacts removed")
    assert avspec("plan", "tiny.yaml", "--set", "sweep.step=0.25", "--detailed-exitcode")[0] == 0


def test_report(avspec, tiny, monkeypatch):
    avspec("apply", "tiny.yaml")
    opened = []
    monkeypatch.setattr("click.launch", opened.append)
    assert avspec("report", "runs/tiny")[1] == "runs/tiny/report.html\n"
    assert opened == []
    avspec("report", "runs/tiny", "--open")
    assert opened[0].startswith("file:///") and opened[0].endswith("/report.html")


REPORT = {
    "format_version": 1,
    "name": "tiny",
    "model": "path:model",
    "behaviors": {
        "clinic": {
            "coefficients": {"medical": 0.5, "legal": -0.4},
            "held": {"search": True, "test": False},
            "domains": {
                domain: {
                    "wanted": level,
                    "test": {"shares": {level: 0.75}, "interval": {level: [0.47, 0.91]}, "rows": 12},
                }
                for domain, level in (("medical", "expert"), ("legal", "avoidance"))
            },
            "guardrails": {"safety": {"level": "safe", "drop": 0.02, "max_drop": 0.1, "ok": True}},
        }
    },
}


def test_show_a_run(avspec, tiny):
    avspec("apply", "tiny.yaml")
    Path("runs/tiny/report.json").unlink()
    Path("runs/tiny/report.json").write_text(json.dumps(REPORT))
    code, out, _ = avspec("show", "runs/tiny")
    assert code == 0
    assert out == (
        "tiny: path:model\n"
        "  behavior  search and test      domain   knob   wanted            share on test [95 %]\n"
        "  clinic    held on search only  medical  +0.50  expert            0.75 [0.47, 0.91]\n"
        "  clinic    held on search only  legal    -0.40  avoidance         0.75 [0.47, 0.91]\n"
        "  clinic    held on search only  safety          safe (guardrail)  -0.02 ok\n"
        "\n"
        "Try them: avspec chat runs/tiny\n"
    )
    assert json.loads(avspec("show", "runs/tiny", "--json")[1]) == REPORT


def test_show_a_spec_says_where_values_come_from(avspec, tiny):
    code, out, _ = avspec("show", "tiny.yaml", "--resolved", "--set", "search.seed=7")
    lines = [line.split("#") for line in out.splitlines()]
    origins = {left.strip(): right[0].strip() for left, *right in lines if right}
    assert code == 0
    assert origins["beta: 0.5"] == "tiny.yaml:8"
    assert origins["seed: 7"] == "--set"
    assert origins["evaluations: 60"] == "default"


def test_a_resolved_spec_is_the_same_spec(avspec, tiny):
    avspec("apply", "tiny.yaml")
    for options in ([], ["--resolved"]):
        Path("again.yaml").write_text(avspec("show", "tiny.yaml", *options)[1])
        assert avspec("plan", "again.yaml", "--detailed-exitcode")[0] == 0


def test_plugins(avspec):
    code, out, _ = avspec("plugins")
    rows = [line.split() for line in out.splitlines()]
    assert code == 0
    assert ["domains", "medical", "avspec", "0.1.0", "ok"] in rows
    listed = json.loads(avspec("plugins", "--json")[1])
    assert {"group", "name", "distribution", "distribution_version", "value", "error"} == set(listed[0])


def test_schema(avspec):
    code, out, _ = avspec("schema")
    assert code == 0 and "avspec/v1" in json.dumps(json.loads(out))


@pytest.mark.parametrize("args", [["validate", "tiny.yaml"], ["plan", "tiny.yaml", "--json"]])
def test_data_goes_to_stdout(avspec, tiny, args):
    code, out, err = avspec(*args)
    assert (code, err) == (0, "") and out
