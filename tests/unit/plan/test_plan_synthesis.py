import json
import subprocess
import sys

import pytest

from avspec.plan.compile import compile_spec
from avspec.spec import load_spec

SYNTHESIS = "synthesis: {provider: {plugin: openai, model: gpt-4.1-mini}, rows: 20, personas: {share: 0}}\n"


@pytest.fixture
def written(bench):
    """A spec whose legal rows are written by a language model."""
    bench.edit("legal: {plugin: legal}", "legal: {plugin: legal, data: {source: synthesize}}")
    bench.file.write_text(bench.file.read_text() + SYNTHESIS)
    return bench


def changes(bench):
    return {planned.address: planned.changes for planned in bench.plan().running}


def test_the_written_rows_are_cleaned_before_they_are_split(written):
    addresses = [stage.address for stage in written.stages()]
    assert addresses[:4] == ["base", "synthesize[legal]", "clean[legal]", "data[medical]"]
    assert written.stage("data[legal]").inputs == ("base", "clean[legal]")
    assert written.stage("card[legal]").inputs == ("data[legal]", "synthesize[legal]", "clean[legal]")
    assert written.stage("card[medical]").inputs == ("data[medical]",)


def test_what_the_rows_are_written_with_decides_them(written):
    written.carry_out()
    written.edit("rows: 20", "rows: 25")
    found = changes(written)
    assert found["synthesize[legal]"] == ("domains.legal.data.rows 20 -> 25",)
    assert "data[medical]" not in found


def test_how_calls_are_made_decides_nothing(written):
    written.carry_out()
    written.edit("model: gpt-4.1-mini", "model: gpt-4.1-mini, concurrency: 2, mode: batch")
    assert changes(written) == {}


def test_other_rules_clean_again_and_ask_nobody(written):
    written.carry_out()
    written.edit("rows: 20", "rows: 20, clean: {leaks: 5}")
    found = changes(written)
    assert found["clean[legal]"] == ("domains.legal.data.clean.leaks 8 -> 5",)
    assert "synthesize[legal]" not in found


def test_only_the_report_reads_cards(written):
    readers = {stage.address for stage in written.stages() if "card[legal]" in stage.inputs}
    assert readers == {"report"}


def test_a_plan_says_what_the_calls_cost(written):
    command = [sys.executable, "-c", "import sys; from avspec.cli import main; main(sys.argv[1:])", "plan", "spec.yaml"]
    told = subprocess.run(command, cwd=written.root, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    # 3 starts x 5 roots is one call each; 5 more come from the first root; then a response for each level
    assert "openai gpt-4.1-mini: 64 calls" in told.stdout
    assert "this run has cost $0.00 so far" in told.stdout
    as_json = json.loads(subprocess.run([*command, "--json"], cwd=written.root, capture_output=True).stdout)
    assert as_json["calls"]["stages"][0]["cost"] > 0


def test_a_plan_without_calls_says_nothing_of_them(written):
    written.carry_out()
    command = [sys.executable, "-m", "avspec.cli", "plan", "spec.yaml"]
    told = subprocess.run(command, cwd=written.root, capture_output=True, text=True).stdout
    assert "Calls to language models" not in told


def test_labels_of_annotators_bring_their_agreement_into_the_report(bench):
    folder = bench.run_dir / "annotations"
    assert not [stage for stage in compile_spec(load_spec(bench.file), bench.run_dir) if stage.kind == "agreement"]
    (folder / "labels").mkdir(parents=True)
    (folder / "items.json").write_text("{}")
    lines = ['{"annotator": "Ann", "judge": false, "seat": 0}', '{"item": "a", "label": "expert"}', ""]
    (folder / "labels" / "Ann.jsonl").write_text("\n".join(lines))
    before = {stage.address: stage for stage in compile_spec(load_spec(bench.file), bench.run_dir)}
    assert "agreement" in before["report"].inputs
    with (folder / "labels" / "Ann.jsonl").open("a") as file:
        file.write('{"item": "b", "label": "generic"}\n')
    after = {stage.address: stage for stage in compile_spec(load_spec(bench.file), bench.run_dir)}
    assert before["agreement"].key({}) != after["agreement"].key({})
