import json

import pytest

from avspec.errors import DataError, NoInput
from avspec.synthesis.hub import draw_personas


def draw(path, count, seed=0):
    return draw_personas(f"path:{path.name}", count, seed, path)


def test_a_draw_has_no_repetition_and_follows_its_seed(personas):
    drawn = draw(personas, 30)
    assert len(set(drawn)) == 30
    assert set(drawn) < set(personas.read_text().splitlines())
    assert drawn == draw(personas, 30)
    assert drawn != draw(personas, 30, seed=1)
    assert drawn != personas.read_text().splitlines()[:30]


def test_a_larger_draw_begins_with_the_smaller_one(personas):
    assert draw(personas, 40)[:10] == draw(personas, 10)


def test_texts_and_json_lines(tmp_path):
    path = tmp_path / "personas.jsonl"
    lines = ["\ufeffA  baker ", "", '{"persona": "A nurse", "id": 3}', '{"input persona": "A smith"}', "A baker"]
    path.write_text("\r\n".join(lines), encoding="utf-8")
    assert sorted(draw(path, 3)) == ["A baker", "A nurse", "A smith"]


def test_too_few_personas_says_how_many_there_are(tmp_path):
    path = tmp_path / "personas.txt"
    path.write_text("A nurse\nA smith\nA nurse\n")
    with pytest.raises(DataError) as error:
        draw(path, 3)
    assert str(error.value) == (
        f"{path}: 3 personas are wanted, and there are 2 different ones\n"
        "  hint: add personas, or lower `rows` or `personas.share`\n\n1 problem found"
    )


def test_every_broken_line_is_named(tmp_path):
    path = tmp_path / "personas.jsonl"
    path.write_bytes(b'A nurse\n{"persona": \n{"name": "x"}\n\xff\n{"persona": " "}\n')
    with pytest.raises(DataError) as error:
        draw(path, 1)
    assert [(problem.file, problem.line) for problem in error.value.problems] == [(str(path), n) for n in (2, 3, 4, 5)]
    assert error.value.problems[1].what == "not a persona: no text under `persona`, only 'name'"


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(NoInput) as error:
        draw(tmp_path / "no.txt", 1)
    assert error.value.where == str(tmp_path / "no.txt")


def test_nothing_is_opened_when_nothing_is_wanted():
    assert draw_personas("hf:no/such", 0, 0) == []


def test_a_data_set_in_a_folder_is_read_by_datasets(tmp_path):
    lines = [json.dumps({"input persona": f"Person {i % 30}", "synthesized text": "x"}) + "\n" for i in range(60)]
    (tmp_path / "train.jsonl").write_text("".join(lines))
    drawn = draw_personas(f"hf:{tmp_path}", 30, 0)
    assert sorted(drawn) == sorted(f"Person {i}" for i in range(30))
    assert drawn == draw_personas(f"hf:{tmp_path}", 30, 0)
    with pytest.raises(DataError, match="1 problem"):
        draw_personas(f"hf:{tmp_path}", 31, 0)


def test_the_configuration_called_persona_is_read(tmp_path):
    (tmp_path / "README.md").write_text(
        "---\nconfigs:\n- config_name: math\n  data_files: math.jsonl\n"
        "- config_name: persona\n  data_files: persona.jsonl\n---\n"
    )
    (tmp_path / "math.jsonl").write_text('{"input persona": "A banker"}\n')
    (tmp_path / "persona.jsonl").write_text('{"persona": "A nurse"}\n')
    assert draw_personas(f"hf:{tmp_path}", 1, 0) == ["A nurse"]


def test_a_data_set_out_of_reach_says_what_works_without_network(tmp_path):
    with pytest.raises(NoInput) as error:
        draw_personas(f"hf:{tmp_path}/no/such/set", 1, 0)
    assert "cannot read the personas of the data set" in error.value.what
    assert "path:FILE" in error.value.hint
