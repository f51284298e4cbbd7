"""Exit codes, and what stderr says."""

import pytest

from avspec.errors import StudyMismatch


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["aply"],
        ["plan"],
        ["plan", "x.yaml", "--nope"],
        ["apply", "x.yaml", "--device"],
        ["validate", "a", "b"],
        ["init", "--nope"],
    ],
)
def test_usage_errors_exit_64(avspec, args):
    code, out, err = avspec(*args)
    assert (code, out) == (64, "")
    assert "Error: " in err or "Usage: avspec" in err


def test_a_mistyped_verb_is_guessed(avspec):
    _, _, err = avspec("aply")
    assert err == (
        "Usage: avspec [OPTIONS] COMMAND [ARGS]...\nTry 'avspec --help' for help.\n\n"
        "Error: There is no verb 'aply'. Did you mean 'apply'?\n"
    )


@pytest.mark.parametrize("verb", ["validate", "plan", "apply", "show"])
def test_a_spec_that_is_not_there_exits_66(avspec, tiny, verb):
    args = [verb, "nope.yaml", *(["--resolved"] if verb == "show" else [])]
    code, out, err = avspec(*args)
    assert (code, out) == (66, "")
    assert err.startswith("error: ") and "nope.yaml" in err


@pytest.mark.parametrize("verb", ["validate", "plan", "apply", "show"])
def test_a_wrong_spec_exits_65(avspec, tiny, verb):
    text = (tiny / "tiny.yaml").read_text().replace("levels:", "levles:")
    (tiny / "tiny.yaml").write_text(text)
    code, out, err = avspec(verb, "tiny.yaml")
    assert (code, out) == (65, "")
    assert "tiny.yaml:4:1" in err and "did you mean `levels`?" in err


@pytest.mark.parametrize("verb", ["status", "show", "report"])
def test_a_run_that_is_not_there_exits_66(avspec, tiny, verb):
    code, out, err = avspec(verb, "runs/tiny")
    assert (code, out) == (66, "")
    assert err == (
        "error: there is no run folder runs/tiny\n"
        "  hint: `avspec apply SPEC` makes one, runs/NAME, in the current folder\n"
    )


def test_an_unknown_target_exits_64(avspec, tiny):
    code, _, err = avspec("plan", "tiny.yaml", "--target", "train[medcal]")
    assert code == 64 and "did you mean train[medical]?" in err


def test_a_failed_stage_exits_70(avspec, tiny, monkeypatch):
    monkeypatch.setenv("TINY_FAIL", "sweep")
    code, _, err = avspec("apply", "tiny.yaml", "--plain")
    assert code == 70
    assert err.splitlines()[-5:] == [
        "sweep: running (new)",
        "sweep: stopped",
        "error: sweep failed: RuntimeError: the sky fell",
        "  at runs/tiny/logs/libraries.log (traceback)",
        "  hint: finished stages are kept; when the cause is removed, run the same command again to go on",
    ]


@pytest.mark.parametrize(("error", "code"), [(StudyMismatch("x"), 74), (KeyboardInterrupt(), 130)])
def test_errors_keep_their_exit_code(avspec, tiny, monkeypatch, error, code):
    def fail(*args, **options):
        raise error

    monkeypatch.setattr("avspec.run.preview.compile_spec", fail)
    assert avspec("plan", "tiny.yaml")[0] == code


def test_a_bug_is_not_dressed_up(tiny, monkeypatch):
    from avspec.cli import main

    def fail(*args, **options):
        raise ZeroDivisionError

    monkeypatch.setattr("avspec.run.preview.compile_spec", fail)
    with pytest.raises(ZeroDivisionError):
        main(["plan", "tiny.yaml"])
