import json

import pytest

from avspec.api import Row
from avspec.domains.financial import Financial
from avspec.domains.helpfulness import Helpfulness
from avspec.domains.legal import Legal
from avspec.domains.medical import Medical
from avspec.domains.safety import Safety
from avspec.errors import DataError, NoInput
from avspec.rows import read_mixed_rows, read_rows, split_of, split_rows, write_rows

LEVELS = ("low", "high")
SPLIT = {"train": 0.7, "search": 0.15, "test": 0.15}


def row(row_id="a", query="Why?", responses=None, **more):
    return {"id": row_id, "query": query, "responses": responses or {"low": "No.", "high": "Yes."}} | more


@pytest.fixture
def file(tmp_path):
    def write(*lines):
        path = tmp_path / "rows.jsonl"
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        path.write_text("\n".join(texts) + "\n", encoding="utf-8")
        return path

    return write


def problems(path, reader=read_rows, levels=LEVELS, **more):
    with pytest.raises(DataError) as error:
        reader(path, levels, **more)
    return [(problem.line, problem.what) for problem in error.value.problems]


def test_rows_know_where_they_came_from(file):
    path = file(row("a"), "", row("b", persona="A nurse", domain="medical"))
    first, second = read_rows(path, LEVELS)
    assert first == Row("a", "", "Why?", {"low": "No.", "high": "Yes."}, f"{path}:1")
    assert second.source == f"{path}:3"
    assert second.domain == "medical"


def test_responses_are_in_the_order_of_the_levels(file):
    path = file(row(responses={"high": "Yes.", "low": "No."}))
    assert list(read_rows(path, LEVELS)[0].responses) == ["low", "high"]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"id": ', "not JSON: Expecting value near"),
        ("[1]", "a row must be a JSON object, this is a list"),
        ({"query": "x", "responses": {"low": "a", "high": "b"}}, "'id' is missing"),
        ({"id": "a", "responses": {"low": "a", "high": "b"}}, "'query' is missing"),
        ({"id": "a", "query": "x"}, "'responses' is missing"),
        (row(row_id=7), "'id' must be a text, this is 7"),
        (row(query="  \n"), "'query' is empty"),
        (row(responses=["a"]), "'responses' must be an object"),
        (row(responses={"low": "a"}), "the response of level 'high' is missing"),
        (row(responses={"low": "a", "high": ""}), "the response of level 'high' is empty"),
        (
            row(responses={"low": "a", "high": None}),
            "the response of level 'high' must be a text, this is null",
        ),
        (row(responses={"low": "a", "high": "b", "mid": "c"}), "unknown level 'mid' in 'responses'"),
        (row(quary="x"), "unknown key 'quary'"),
        (row(domain="legal"), "the row's domain is \"legal\", but the file belongs to 'medical'"),
        (row(domain=3), "the row's domain is 3, but the file belongs to 'medical'"),
        (row(query="\ud800"), "'query' has half a surrogate pair"),
    ],
)
def test_a_broken_row_is_named_with_its_line(file, line, what):
    path = file(row("first"), line, row("last"))
    (problem,) = problems(path, domain="medical")
    assert problem[0] == 2
    assert problem[1].startswith(what)


def test_all_problems_at_once(file):
    path = file(row("a"), row("a"), "{", row("b", query=""), row("c", responses={"low": "x", "hgh": "y"}))
    assert [line for line, _ in problems(path)] == [2, 3, 4, 5, 5]
    assert problems(path)[0] == (2, "id 'a' is already used on line 1")


def test_an_unknown_level_has_a_suggestion(file):
    with pytest.raises(DataError) as error:
        read_rows(file(row(responses={"low": "x", "hgh": "y"})), LEVELS)
    assert "did you mean 'high'?" in str(error.value)


def test_a_file_that_is_not_there(tmp_path):
    for path in (tmp_path / "nowhere.jsonl", tmp_path):
        with pytest.raises(NoInput, match="cannot read the rows") as error:
            read_rows(path, LEVELS)
        assert error.value.where == str(path)


def test_a_file_without_rows(file):
    assert problems(file("", " ")) == [(0, "the file has no rows")]


def test_bytes_that_are_not_utf8(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(json.dumps(row()).encode() + b'\n{"id": "\xff"}\n')
    assert problems(path) == [(2, "byte 9 is not UTF-8")]


def test_line_separators_inside_a_text_do_not_end_a_line(tmp_path):
    path = tmp_path / "rows.jsonl"
    text = "one\u2028two\u0085three"
    path.write_text("\ufeff" + json.dumps(row(query=text), ensure_ascii=False) + "\r\n", encoding="utf-8")
    assert read_rows(path, LEVELS)[0].query == text


def test_mixed_rows_name_their_domain(file):
    levels = {"medical": LEVELS, "safety": ("unsafe", "safe")}
    line = {"domain": "safety", "query": "x", "responses": {"unsafe": "a", "safe": "b"}}
    path = file(row("a", domain="medical"), line, line)
    rows = read_mixed_rows(path, levels)
    assert [r.id for r in rows["medical"]] == ["a"]
    assert [r.id for r in rows["safety"]] == ["line-2", "line-3"]


def test_mixed_rows_with_problems(file):
    path = file(row("a", domain="medcal"), row("b"), row("c", domain=["x"]))
    found = problems(path, read_mixed_rows, {"medical": LEVELS})
    assert found == [
        (1, "unknown domain 'medcal'"),
        (2, "'domain' is missing"),
        (3, "unknown domain ['x']"),
    ]


def test_a_split_depends_on_the_id_alone():
    assert [split_of(f"row-{n}", SPLIT) for n in range(8)] == [split_of(f"row-{n}", SPLIT) for n in range(8)]
    ids = [f"row-{n}" for n in range(4000)]
    counts = {name: sum(split_of(i, SPLIT) == name for i in ids) / len(ids) for name in SPLIT}
    assert counts == pytest.approx(SPLIT, abs=0.03)


def test_a_larger_train_share_only_takes_rows_from_the_other_splits():
    ids = [f"row-{n}" for n in range(500)]
    small = {i for i in ids if split_of(i, SPLIT) == "train"}
    large = {i for i in ids if split_of(i, {"train": 0.8, "search": 0.1, "test": 0.1}) == "train"}
    assert small < large


def test_split_rows_are_disjoint_and_complete():
    rows = [Row(f"row-{n}", "d", "q", {}) for n in range(100)]
    parts = split_rows(rows, SPLIT)
    assert sorted(r.id for part in parts.values() for r in part) == sorted(r.id for r in rows)
    assert split_rows([], SPLIT) == {"train": [], "search": [], "test": []}


def test_written_rows_can_be_read(tmp_path):
    rows = [Row("a", "medical", "Why\u2028é?", {"low": "No.", "high": "Yes."}, "x.jsonl:7")]
    path = tmp_path / "out.jsonl"
    write_rows(path, rows, SPLIT)
    assert json.loads(path.read_text(encoding="utf-8"))["split"] == split_of("a", SPLIT)
    (again,) = read_rows(path, LEVELS, domain="medical")
    assert (again.id, again.query, again.responses) == (rows[0].id, rows[0].query, rows[0].responses)


@pytest.mark.parametrize(
    ("plugin", "levels", "count"),
    [
        (Medical, ("avoidance", "generic", "expert"), 80),
        (Financial, ("avoidance", "generic", "expert"), 80),
        (Legal, ("avoidance", "generic", "expert"), 80),
        (Safety, ("unsafe", "safe"), 40),
        (Helpfulness, ("unhelpful", "helpful"), 40),
    ],
)
def test_bundled_rows(plugin, levels, count):
    domain = plugin(plugin.Options())
    rows = list(domain.rows())
    assert domain.levels == levels
    assert len({r.id for r in rows}) == len(rows) == count
    assert {tuple(r.responses) for r in rows} == {levels}
    assert {r.domain for r in rows} == {plugin.__name__.lower()}
    assert all(path.is_file() for path in domain.files())
