import pytest

from avspec.errors import SpecError
from avspec.spec.source import parse, parse_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("1.0e-6", 1e-6),
        ("-.5", -0.5),
        ("3.", 3.0),
        ("12", 12),
        ("-7", -7),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2024-01-02", "2024-01-02"),
        ("true", True),
        ("FALSE", False),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("Off", "Off"),
        ("~", None),
        ("null", None),
        ("", None),
        ('"1e-5"', "1e-5"),
        ("'no'", "no"),
        ("[1, a]", [1, "a"]),
        ("{a: no}", {"a": "no"}),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text, value):
    found = parse(f"key: {text}\n", "x.yaml").data["key"]
    assert found == value
    assert type(found) is type(value)


def test_places_of_keys_and_values():
    document = parse("a: 1\nb:\n  - x\n  - c: [2,  3]\n", "x.yaml")
    places = {
        path: (place.line, place.column, place.text)
        for path, place in document.values.items()
        if path in [("a",), ("b", 0), ("b", 1, "c", 1)]
    }
    assert places == {
        ("a",): (1, 4, "a: 1"),
        ("b", 0): (3, 5, "  - x"),
        ("b", 1, "c", 1): (4, 13, "  - c: [2,  3]"),
    }
    assert document.keys[("b", 1, "c")].column == 5


def test_duplicate_keys_are_problems_and_the_first_stays():
    document = parse("a: 1\nb: {c: 1, c: 2}\na: 3\n", "x.yaml")
    assert document.data == {"a": 1, "b": {"c": 1}}
    assert [(p.line, p.what) for p in document.problems] == [
        (2, "`c` is written twice"),
        (3, "`a` is written twice"),
    ]


def test_aliases():
    assert parse("a: &x [1]\nb: *x\n", "x.yaml").data == {"a": [1], "b": [1]}


def test_an_alias_inside_itself_is_refused():
    with pytest.raises(SpecError, match="1 problem") as error:
        parse("a: &x [*x]\n", "x.yaml")
    assert error.value.problems[0].what == "an alias inside itself"


def test_aliases_of_aliases_cannot_fill_the_memory():
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(SpecError) as error:
        parse("\n".join(lines), "x.yaml")
    assert "more than 100000 values" in error.value.problems[0].what


@pytest.mark.parametrize(
    ("text", "line", "column", "what"),
    [
        ("a: 1\nb: \x07\n", 2, 4, "a control character"),
        ('a: 1\nb: "x\nc: 2\n', 2, 4, "end of stream"),
        ("a: *b\n", 1, 4, "undefined alias"),
        ("a: 1\n---\nb: 2\n", 2, 1, "another document"),
        ("a: @b\n", 1, 4, "cannot start any token"),
        ("a:\n  - 1\n b: 2\n", 3, 2, "expected <block end>"),
    ],
)
def test_broken_yaml_says_where(text, line, column, what):
    with pytest.raises(SpecError) as error:
        parse(text, "x.yaml")
    problem = error.value.problems[0]
    assert what in problem.what
    assert (problem.line, problem.column) == (line, column)
    assert problem.hint


def test_a_value_of_set():
    document = parse_value("{medical: expert}", "--set behaviors.x={medical: expert}")
    assert document.data == {"": {"medical": "expert"}}
    assert document.values[("", "medical")].line == 0


def test_windows_line_ends_and_byte_order_mark():
    document = parse("\ufeffa: 1\r\nb: 2\r\n", "x.yaml")
    assert document.data == {"a": 1, "b": 2}
    assert document.values[("b",)].text == "b: 2"
