import pytest
from pydantic import ValidationError

from avspec.evaluators.classifier import Classifier
from avspec.evaluators.judge import Judge, JudgeOptions
from avspec.evaluators.judged import JudgedOptions, judged
from avspec.testing import check_evaluator
from avspec.testing.subject import ExampleSubject

PROVIDER = {"plugin": "openai", "model": "judge-1"}


def level_in(prompt):
    """Judge rightly the texts of the example rows, which name their level, and call all else avoidance."""
    response = prompt.split("<response>")[1].split("</response>")[0]
    level = next((level for level in ("avoidance", "generic", "expert") if level in response), "avoidance")
    return f'{{"level": "{level}"}}'


def test_contracts():
    check_evaluator(Classifier)
    check_evaluator(Judge, provider=PROVIDER)


def test_a_judge_that_knows_the_levels_is_trusted():
    found = Judge(JudgeOptions(provider=PROVIDER)).evaluate(ExampleSubject(answer=level_in))["medical"]
    assert found["known_accuracy"] == 1.0
    assert found["verdict"].startswith("can tell the levels apart: 9 of 9")
    assert (found["avoidance"], found["expert"], found["answers"], found["unclear"]) == (1.0, 0.0, 3, 0)


def test_a_judge_that_cannot_tell_is_reported_as_such():
    found = Judge(JudgeOptions(provider=PROVIDER)).evaluate(ExampleSubject(answer=lambda prompt: "expert"))["legal"]
    assert found["known_accuracy"] == pytest.approx(1 / 3)
    assert found["verdict"].startswith("CANNOT tell the levels apart")


def test_what_a_judge_does_not_answer_is_counted():
    found = Judge(JudgeOptions(provider=PROVIDER)).evaluate(ExampleSubject())["legal"]
    assert (found["unclear"], found["answers"]) == (3, 3)
    assert sum(found[level] for level in ("avoidance", "generic", "expert")) == 0


def test_a_classifier_learns_from_the_training_rows():
    found = Classifier(JudgedOptions()).evaluate(ExampleSubject())["medical"]
    assert found["known_accuracy"] == 1.0
    assert sum(found[level] for level in ("avoidance", "generic", "expert")) == pytest.approx(1)


def test_only_so_many_rows_are_judged():
    asked = []

    def judge(domain, texts):
        asked.extend(domain for _ in texts)
        return ["expert" for _ in texts]

    judged(ExampleSubject(), judge, JudgedOptions(rows=2))
    assert asked.count("medical") == 2 * 3 + 2


def test_answers_are_sampled_where_the_spec_says_so():
    asked = []

    class Subject(ExampleSubject):
        def generate(self, *arguments, **sampling):
            asked.append(sampling)
            return super().generate(*arguments, **sampling)

    Classifier(JudgedOptions(temperature=0.7, seed=5)).evaluate(Subject())
    assert asked == [{"temperature": 0.7, "seed": 5}] * 2


@pytest.mark.parametrize("provider", [{}, {"plugin": "nobody"}, {"plugin": "openai"}, {**PROVIDER, "speed": 9}])
def test_a_provider_that_cannot_be_is_a_mistake_in_the_spec(provider):
    with pytest.raises(ValidationError):
        JudgeOptions(provider=provider)
