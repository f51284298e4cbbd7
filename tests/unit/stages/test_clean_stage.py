import json

import pytest

from avspec.cleaning.rules import OPTIONS, REASONS
from avspec.errors import StageFailed
from avspec.plan.row_params import CleanParams
from avspec.rows import read_rows
from avspec.stages import clean
from avspec.stages.context import Context
from avspec.synthesis.recipe import Cleaning
from avspec.synthesis.written import WrittenResponse, WrittenRow, write_written

LEVELS = ("generic", "expert")
QUERIES = ("My knee has been swollen since Sunday. What now?", "May I fly to Rome with a cold and a blocked ear?")


def written(name, query, expert="Cool the joint for ten minutes and keep it raised tonight."):
    texts = {"generic": "Most people rest for some days and see a doctor after that.", "expert": expert}
    responses = {level: WrittenResponse(text, "end", 12, "Reply.") for level, text in texts.items()}
    return WrittenRow(name, query, "A runner", "persona-hub", responses)


@pytest.fixture
def run_clean(tmp_path):
    """Clean rows as apply does and return the folder of the artifact."""

    def run(*rows, **rules):
        asked, out = tmp_path / "synthesize", tmp_path / "clean"
        asked.mkdir()
        out.mkdir()
        write_written(asked / "written.jsonl", rows)
        params = CleanParams(
            domain="medical", levels=LEVELS, rules=Cleaning(**rules).model_dump(mode="json"), language="en"
        )
        clean.run(params, {"synthesize[medical]": asked}, out, Context(tmp_path, tmp_path, tmp_path))
        return out

    return run


def test_kept_rows_are_rows_and_dropped_ones_are_whole(run_clean) -> None:
    cut = written("r2", QUERIES[1], "Take a decongestant an hour before\u2028the descent and")
    out = run_clean(written("r1", QUERIES[0]), cut)
    (kept,) = read_rows(out / "rows.jsonl", LEVELS, domain="medical")
    assert (kept.id, kept.query) == ("r1", QUERIES[0])
    (line,) = (out / "dropped.jsonl").read_text("utf-8").split("\n")[:-1]
    dropped = json.loads(line)
    assert (dropped["reason"], dropped["row"]["id"]) == ("truncated", "r2")
    assert dropped["row"]["responses"]["expert"]["text"] == cut.responses["expert"].text
    told = json.loads((out / "clean.json").read_text())
    assert (told["written"], told["kept"]) == (2, 1)
    assert told["dropped"] == {"truncated": {"rows": 1, "means": REASONS["truncated"]}}


def test_when_nothing_is_left_the_error_says_what_to_relax(run_clean) -> None:
    rows = [written(f"r{n}", query, "Cool the joint, keep it raised and") for n, query in enumerate(QUERIES)]
    with pytest.raises(StageFailed) as failed:
        run_clean(*rows, written("r3", "Knee?"))
    assert failed.value.where == "clean[medical]"
    assert "none of 3 written rows" in failed.value.what
    assert failed.value.hint.startswith("r0, expert: ")
    assert "relax `clean.truncated`" in failed.value.hint


def test_when_nothing_was_written_the_error_says_where_to_look(run_clean) -> None:
    with pytest.raises(StageFailed, match=r"unparsed\.jsonl"):
        run_clean()


def test_every_reason_has_an_option() -> None:
    assert OPTIONS.keys() == REASONS.keys()
    assert set(OPTIONS.values()) == set(Cleaning.model_fields)
