"""What a stage gets."""

import pytest

from avspec.errors import Interrupted
from avspec.stages.context import Context


def test_progress_reports_then_stops(tmp_path):
    seen = []
    context = Context(tmp_path, tmp_path, tmp_path, report=lambda *args: seen.append(args))
    context.progress(1, 3, "steps")
    context.stop.set()
    with pytest.raises(Interrupted) as stop:
        context.progress(2, 3)
    assert seen == [(1, 3, "steps"), (2, 3, "")]
    assert stop.value.exit_code == 130


def test_a_context_of_its_own_needs_no_view(tmp_path):
    context = Context(tmp_path, tmp_path, tmp_path)
    context.progress(1, 1)
    context.log("nobody listens")
    context.check_stop()


def test_a_step_that_is_done_is_not_repeated(tmp_path):
    context, made = Context(tmp_path, tmp_path, tmp_path), []

    def step():
        made.append(1)
        return {"share": 0.1 + 0.2, "said": "é \udc9d"}

    assert context.kept("step", step) == context.kept("step", step) == {"share": 0.1 + 0.2, "said": "é \udc9d"}
    assert made == [1]
    assert context.kept("other", lambda: {}) == {}


def test_a_step_that_was_interrupted_leaves_nothing(tmp_path):
    context = Context(tmp_path, tmp_path, tmp_path)
    with pytest.raises(ValueError, match="JSON"):
        context.kept("step", lambda: {"share": float("nan")})
    assert context.kept("step", lambda: {"share": 1}) == {"share": 1}
