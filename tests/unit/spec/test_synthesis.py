import pytest

from avspec.errors import SpecError
from avspec.spec import load_spec
from avspec.spec.synthesis import recipe

SPEC = """
apiVersion: avspec/v1
name: written
model: {base: "path:model"}
levels: [avoidance, generic, expert]
synthesis: {provider: {plugin: openai, model: writer}, rows: 40, language: de, max_cost: 3}
domains:
  medical: {plugin: medical, data: {source: synthesize, rows: 60, words: [10, 20]}}
  legal: {plugin: legal, data: {source: synthesize, provider: {plugin: anthropic, model: other}}}
  financial: {plugin: financial}
behaviors: {one: {medical: expert}}
"""


@pytest.fixture
def spec(tmp_path):
    """Write a spec and load it."""

    def load(text=SPEC, *sets):
        path = tmp_path / "spec.yaml"
        path.write_text(text)
        return load_spec(path, sets).spec

    return load


def problems(load, *arguments):
    with pytest.raises(SpecError) as raised:
        load(*arguments)
    return str(raised.value)


def test_a_domain_inherits_what_it_does_not_choose(spec):
    loaded = spec()
    medical, legal = (recipe(loaded.domains[name].data) for name in ("medical", "legal"))
    assert (medical.rows, medical.words, medical.language) == (60, (10, 20), "de")
    assert (legal.rows, legal.words, legal.language) == (40, (40, 120), "de")
    assert loaded.domains["medical"].data.provider.plugin == "openai"
    assert loaded.domains["legal"].data.provider.options["model"] == "other"
    assert loaded.domains["financial"].data.chosen() == {}


def test_the_options_of_an_inherited_provider_have_their_defaults(spec):
    assert spec().domains["medical"].data.provider.options["concurrency"] == 8


def test_only_the_domains_that_say_so_are_synthesized(spec):
    assert spec().synthesized() == ("medical", "legal")


def test_without_a_provider_there_is_nobody_to_write(spec):
    text = SPEC.replace("provider: {plugin: openai, model: writer}, ", "")
    assert "the rows of `medical` have no provider to write them" in problems(spec, text)


def test_a_broken_provider_is_told_once(spec):
    text = SPEC.replace("plugin: openai, model: writer", "plugin: openia, model: writer")
    assert problems(spec, text).count("no provider plugin is called 'openia'") == 1


def test_choices_without_the_source_are_a_mistake(spec):
    text = SPEC.replace("financial: {plugin: financial}", "financial: {plugin: financial, data: {rows: 9}}")
    assert "`rows` belongs to `source: synthesize`" in problems(spec, text)


def test_more_queries_than_can_be_made_up_are_a_mistake(spec):
    text = SPEC.replace("rows: 40,", "rows: 40, personas: {share: 0, starts: 1, roots: 2, branching: 2, depth: 1},")
    told = problems(spec, text)
    assert "CreatePersona can make 6 queries with these settings, 60 are wanted of it" in told
    assert "spec.yaml:6" in told, "it points at the choice for all domains"


def test_a_level_nobody_can_write_is_told(spec):
    text = SPEC.replace("[avoidance, generic, expert]", "[avoidance, pompous, expert]")
    assert "level-pompous.jinja" in problems(spec, text)


def test_a_file_of_personas_starts_at_the_spec(spec, tmp_path):
    text = SPEC.replace("rows: 40,", "rows: 40, personas: {hub: 'path:people.txt'},")
    assert "there is no file" in problems(spec, text)
    (tmp_path / "people.txt").write_text("A baker\n")
    assert spec(text).personas_of("medical") == tmp_path / "people.txt"


def test_lengths_stand_in_order(spec):
    assert "the least words (5 or more) first" in problems(spec, SPEC.replace("[10, 20]", "[20, 10]"))
