import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from avspec.domains.pku_safe_rlhf import PkuSafeRlhf
from avspec.errors import DataError, NoInput
from avspec.testing import check_domain


def pair(number: int = 0, **changed) -> dict:
    """Return a record of the data set's schema whose second answer is the safe one."""
    return {
        "prompt": f"How do I open lock {number}?",
        "response_0": f"Take a hammer to lock {number}.",
        "response_1": f"Ask its owner for the key of lock {number}.",
        "prompt_source": "made for this test",
        "is_response_0_safe": False,
        "is_response_1_safe": True,
        "better_response_id": 0,
        "safer_response_id": 1,
        **changed,
    }


@pytest.fixture
def read(tmp_path: Path):
    """Write records and return the plugin that reads them."""

    def write(*records: dict | str, **options) -> PkuSafeRlhf:
        file = tmp_path / "pairs.jsonl"
        file.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records))
        return PkuSafeRlhf(PkuSafeRlhf.Options(source=f"path:{file}", **options))

    return write


def test_it_keeps_the_contract_of_a_domain(read) -> None:
    check_domain(PkuSafeRlhf, source=read(*map(pair, range(5))).options.source)


def test_the_safe_answer_is_the_preferred_one(read) -> None:
    swapped = pair(1, is_response_0_safe=True, is_response_1_safe=False, safer_response_id=0)
    first, second = read(pair(0), swapped).rows()
    assert first.query == "How do I open lock 0?"
    assert first.responses == {
        "unsafe": "Take a hammer to lock 0.",
        "safe": "Ask its owner for the key of lock 0.",
    }
    assert second.responses["safe"] == "Take a hammer to lock 1."
    assert first.source.endswith("pairs.jsonl:1") and second.source.endswith("pairs.jsonl:2")


@pytest.mark.parametrize(
    "changed",
    [
        {"is_response_0_safe": True},
        {"is_response_1_safe": False},
        {"safer_response_id": 0},
        {"response_0": " \n"},
        {"prompt": ""},
    ],
    ids=["both safe", "none safe", "the unsafe one is called safer", "blank answer", "blank prompt"],
)
def test_only_pairs_with_one_safe_answer_are_rows(read, changed) -> None:
    assert [row.query for row in read(pair(0, **changed), pair(1)).rows()] == ["How do I open lock 1?"]


def test_the_same_pair_counts_once_in_whatever_order_its_answers_are(read) -> None:
    again = pair(
        0,
        response_0=pair(0)["response_1"],
        response_1=pair(0)["response_0"],
        is_response_0_safe=True,
        is_response_1_safe=False,
        safer_response_id=0,
    )
    rows = list(read(pair(0), pair(1), pair(0), again).rows())
    assert [row.source.rpartition(":")[2] for row in rows] == ["1", "2"]


def test_an_id_is_of_the_texts_alone(read) -> None:
    first, second = read(pair(0), pair(1)).rows()
    assert [row.id for row in read("", pair(1), pair(0, prompt_source="other")).rows()] == [second.id, first.id]


def test_rows_limits_what_can_be_used(read) -> None:
    rows = read(pair(0, is_response_0_safe=True), pair(1), pair(1), pair(2), pair(3), rows=2).rows()
    assert [row.query[-2] for row in rows] == ["1", "2"]


def test_broken_lines_are_all_named(read) -> None:
    unlabeled = pair(1)
    del unlabeled["is_response_1_safe"]
    plugin = read(pair(0), unlabeled, "{not JSON", pair(2, response_0=None), pair(3, safer_response_id="1"))
    with pytest.raises(DataError) as error:
        list(plugin.rows())
    said = [(problem.line, problem.what.split(":")[0]) for problem in error.value.problems]
    assert said == [
        (2, "'is_response_1_safe' is missing"),
        (3, "not JSON"),
        (4, "'response_0' must be a text, this is None"),
        (5, "'safer_response_id' must be 0 or 1, this is '1'"),
    ]
    assert all(problem.file.endswith("pairs.jsonl") for problem in error.value.problems)


def test_the_file_is_what_plan_hashes_and_a_relative_one_starts_here(tmp_path, monkeypatch) -> None:
    (tmp_path / "pairs.jsonl").write_text(json.dumps(pair()) + "\n")
    monkeypatch.chdir(tmp_path)
    plugin = PkuSafeRlhf(PkuSafeRlhf.Options(source="path:pairs.jsonl"))
    assert plugin.files() == (tmp_path / "pairs.jsonl",)
    assert len(list(plugin.rows())) == 1
    assert PkuSafeRlhf(PkuSafeRlhf.Options()).files() == ()


def test_a_file_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(NoInput, match="no such file of pairs") as error:
        PkuSafeRlhf(PkuSafeRlhf.Options(source=f"path:{tmp_path / 'gone.jsonl'}")).rows()
    assert error.value.where == str(tmp_path / "gone.jsonl")


def offline(code: str, cache: Path) -> str:
    """Return what a program prints that has no network and an empty cache of data sets."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(cache)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_data_set_is_read_like_a_file(read, tmp_path) -> None:
    from_file = list(read(*map(pair, range(4))).rows())
    code = f"""
import json
from avspec.domains.pku_safe_rlhf import PkuSafeRlhf
rows = PkuSafeRlhf(PkuSafeRlhf.Options(source="hf:{tmp_path}", rows=3)).rows()
print(json.dumps([[row.id, row.query, row.responses, row.source] for row in rows]))
"""
    found = json.loads(offline(code, tmp_path / "cache"))
    assert [row[:3] for row in found] == [[row.id, row.query, row.responses] for row in from_file[:3]]
    assert [row[3] for row in found] == [f"hf:{tmp_path}:{line}" for line in (1, 2, 3)]


def test_without_network_the_data_set_is_named_and_a_way_out(tmp_path) -> None:
    code = """
from avspec.domains.pku_safe_rlhf import PkuSafeRlhf
from avspec.errors import NoInput
try:
    PkuSafeRlhf(PkuSafeRlhf.Options()).rows()
except NoInput as error:
    print(error)
"""
    said = offline(code, tmp_path)
    assert "cannot read the data set PKU-Alignment/PKU-SafeRLHF: " in said
    assert "`source: path:FILE.jsonl` works without it" in said
