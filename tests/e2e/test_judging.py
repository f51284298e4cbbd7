"""Language models as judges: of generated answers in a run, and of a run's rows beside people."""

import json
import sys
from pathlib import Path

import pytest
from shell import printed

sys.path.insert(0, str(Path(__file__).parents[1]))
from llm_server import LlmServer

SPEC = """
apiVersion: avspec/v1
name: judged
model: {{base: "path:{model}", dtype: float32}}
domains:
  medical: {{plugin: medical}}
data: {{split: {{train: 0.5, search: 0.25, test: 0.25}}, rows: {{train: 12, search: 4, test: 4}}}}
training: {{plugin: dpo, beta: 0.5, learning_rate: 1e-3, anchors: 0}}
sweep: {{step: 1}}
search: {{sampler: tpe, evaluations: 4, low: -1, high: 1}}
evaluation:
  - preference-accuracy
  - {{plugin: classifier, rows: 2, max_new_tokens: 8}}
  - {{plugin: judge, rows: 2, max_new_tokens: 8, provider: {{plugin: openai, model: judge-1, base_url: "{url}"}}}}
behaviors: {{clinic: {{medical: expert}}, shy: {{medical: avoidance}}}}
"""


def answer(prompt: str, system: str) -> str:
    """Call expert whatever has a figure in it."""
    response = prompt.split("<response>")[1].split("</response>")[0]
    return json.dumps({"level": "expert" if any(sign.isdigit() for sign in response) else "avoidance"})


@pytest.fixture(scope="module")
def server():
    with LlmServer(answer) as server:
        yield server


@pytest.fixture(scope="module")
def folder(server, tiny_folder, tmp_path_factory):
    """A finished run whose behaviors were judged."""
    folder = tmp_path_factory.mktemp("judged")
    (folder / "spec.yaml").write_text(SPEC.format(model=tiny_folder, url=server.openai_url))
    printed(folder, "apply", "spec.yaml")
    return folder


def test_generated_answers_are_judged_and_the_judges_are_tried(folder, server):
    measured = json.loads((folder / "runs" / "judged" / "evaluate.json").read_text())
    for name in ("classifier", "judge"):
        found = measured["behaviors"]["clinic"]["metrics"][name]["medical"]
        assert found["answers"] == 2
        assert sum(found[level] for level in ("avoidance", "generic", "expert")) == pytest.approx(1)
        assert "tell the levels apart" in found["verdict"]
        assert found["verdict"] in (folder / "runs" / "judged" / "report.html").read_text().replace("&lt;", "<")
    prompts = [request.body["messages"][-1]["content"] for request in server.completed]
    assert len(prompts) == len(set(prompts)), "known responses are judged once, not again for every behavior"


def test_a_judge_labels_what_people_label(folder, server):
    told = printed(
        folder,
        *("annotate", "runs/judged", "--queries", "3", "--shared", "3", "--json"),
        *("--judge", "openai:judge-2", "--judge-option", f"base_url={server.openai_url}"),
    )
    judge = json.loads(told)["annotators"]["openai:judge-2 (judge)"]
    assert judge | {"judge": True, "labels": 9, "unclear": 0} == judge
    asked = len(server.completed)
    printed(folder, "annotate", "runs/judged", "--judge", "openai:judge-2", "--json")
    assert len(server.completed) == asked, "nothing is judged twice"
    printed(folder, "apply", "spec.yaml")
    page = (folder / "runs" / "judged" / "report.html").read_text()
    assert "openai:judge-2 (judge)" in page
