import pytest

from avspec.annotation.items import Options, draw_items
from avspec.annotation.judge import judge, question, read_level
from avspec.annotation.labels import open_labels
from avspec.api import Answer, Row

LEVELS = ("avoidance", "generic", "expert")


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ('{"level": "expert"}', "expert"),
        ('Sure! ```json\n{"level": "generic"}\n```', "generic"),
        ("The response is of kind Avoidance.", "avoidance"),
        ("It is generic, perhaps expert.", "unclear"),
        ('{"level": "superb"}', "unclear"),
        ('{"level": ["expert"]', "expert"),
        ("", "unclear"),
    ],
)
def test_reading_an_answer(text, level):
    assert read_level(text, LEVELS) == level


def test_the_question_does_not_name_the_level_it_was_written_for():
    asked = {level: question("Q?", "The response.", LEVELS) for level in LEVELS}
    assert len({request.prompt for request in asked.values()}) == 1
    assert asked["expert"].schema["properties"]["level"]["enum"] == list(LEVELS)


def test_a_judge_goes_on_where_it_stopped(tmp_path):
    rows = [Row(f"r{n}", "medical", f"Query {n}?", {level: f"{level} {n}" for level in LEVELS}) for n in range(4)]
    items = draw_items({"medical": rows}, {"medical": LEVELS}, Options(("medical",), queries=4, shared=4), seed=1)
    labels = open_labels(tmp_path, "openai:judge", judge=True)
    first = next(iter(items.all))
    labels.add(first, "expert")
    asked = []

    def ask(requests, note):
        asked.extend(requests)
        return [Answer('{"level": "generic"}') for _ in requests]

    judge(items, labels, ask)
    assert len(asked) == 11
    assert labels.given[first] == "expert"
    assert set(labels.given) == set(items.all)
