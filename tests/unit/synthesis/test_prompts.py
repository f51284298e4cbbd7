import pytest

from avspec.api import JsonlDomain
from avspec.domains.custom import Custom
from avspec.domains.financial import Financial
from avspec.domains.helpfulness import Helpfulness
from avspec.domains.legal import Legal
from avspec.domains.medical import Medical
from avspec.domains.safety import Safety
from avspec.errors import NoInput, PluginError
from avspec.synthesis.prompts import GIVEN, SLOTS, Prompts, language_name, templates_for

ALL = {name: "3" if name in ("n", "words", "num_paras") else f"<{name}>" for name in {**SLOTS, **GIVEN}}
OURS = ("avoidance", "generic", "expert", "unhelpful", "helpful", "safe")


def test_our_templates_use_no_other_slots_than_those_listed():
    templates = templates_for(OURS)
    prompts = Prompts(templates, ALL)
    assert all(prompts.render(name) for name in templates)


@pytest.mark.parametrize("plugin", [Medical, Financial, Legal, Safety, Helpfulness])
def test_built_in_domains_fill_every_slot(plugin):
    assert issubclass(plugin, JsonlDomain)
    assert set(plugin.slots) == set(SLOTS)
    assert all(plugin.slots.values())


def test_a_level_says_who_to_ask_instead():
    prompts = Prompts(templates_for(("avoidance",)), {"domain": "tax", "domain_expert": "chartered accountant"})
    assert "a tax question" in prompts.render("level-avoidance.jinja")
    assert "chartered accountant" in prompts.render("level-avoidance.jinja")


@pytest.mark.parametrize("name", ["query.jinja", "roots.jinja", "related.jinja", "response.jinja"])
def test_the_language_is_named_in_words_unless_it_is_english(name):
    def render(code):
        return Prompts(templates_for(()), {**ALL, "language": language_name(code)}).render(name, n=2, num_paras=1)

    assert "in German." in render("de")
    assert "xx" in render("xx")
    assert "English" not in render("en")


def test_a_query_is_text_whatever_it_contains():
    query = "What is {{ domain }} & <b>{% raw %}</b>?"
    assert Prompts(templates_for(()), ALL).render("response.jinja", query=query).endswith(query)


def test_a_missing_slot_names_the_slot_the_domain_and_the_template():
    slots = {name: value for name, value in ALL.items() if name != "domain_lingo"}
    with pytest.raises(PluginError) as error:
        Prompts(templates_for(("expert",)), slots, "tax").render("level-expert.jinja")
    assert str(error.value) == (
        "a prompt needs a slot that the domain plugin does not fill: 'domain_lingo' is undefined\n"
        "  at level-expert.jinja, domain tax\n"
        "  hint: add it to the plugin's `slots`; domain_lingo is what an expert looks at, in the plural: symptoms"
    )


@pytest.mark.parametrize(
    ("template", "what"),
    [
        ("Say {{ domain", "a prompt is no Jinja template: unexpected end of template"),
        ("{{ 1 / 0 }}", "a prompt cannot be rendered: ZeroDivisionError: division by zero"),
        ("{{ domain.__class__.__mro__ }}", "a prompt cannot be rendered: SecurityError: access to attribute"),
    ],
)
def test_a_broken_template_is_an_error_in_words(template, what):
    with pytest.raises(PluginError) as error:
        Prompts({"level-low.jinja": template}, ALL).render("level-low.jinja")
    assert error.value.what.startswith(what)
    assert error.value.where.startswith("level-low.jinja")


def test_the_folder_of_a_plugin_replaces_ours_and_instructions_replace_both(tmp_path):
    (tmp_path / "level-generic.jinja").write_text("of the plugin")
    (tmp_path / "level-expert.jinja").write_text("of the plugin")
    (tmp_path / "query.jinja").write_text("of the plugin")
    templates = templates_for(("avoidance", "generic", "expert"), tmp_path, {"expert": "of the spec"})
    assert templates["query.jinja"] == templates["level-generic.jinja"] == "of the plugin"
    assert templates["level-expert.jinja"] == "of the spec"
    assert templates["level-avoidance.jinja"] == templates_for(("avoidance",))["level-avoidance.jinja"]


def test_only_the_levels_of_the_domain_have_templates():
    assert set(templates_for(("low",), instructions={"low": "x"})) == {
        *("query.jinja", "roots.jinja", "related.jinja", "response.jinja", "level-low.jinja")
    }


def test_a_level_without_template_says_where_to_put_one():
    with pytest.raises(NoInput) as error:
        templates_for(("unsafe", "safe", "saintly"))
    assert error.value.what == "there is no prompt for the level unsafe and the level saintly"
    assert "level-unsafe.jinja, level-saintly.jinja into the folder `prompts`" in error.value.hint
    assert "`instructions: {unsafe: TEXT, saintly: TEXT}`" in error.value.hint


def test_instructions_for_a_level_that_is_none():
    with pytest.raises(PluginError) as error:
        templates_for(("generic", "expert"), instructions={"exprt": "x"})
    assert "exprt" in error.value.what
    assert error.value.hint == "did you mean `expert`?"


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(NoInput, match="not there"):
        templates_for((), tmp_path / "no")


def test_the_custom_domain_fills_every_slot_from_one_word():
    domain = Custom(Custom.Options(domain="cooking"))
    assert set(domain.slots) == set(SLOTS)
    assert domain.slots["domain_expert"] == "cooking expert"
    assert domain.slots["portal"] == "an online service for cooking questions"


def test_the_custom_domain_has_instructions_and_no_rows():
    domain = Custom(
        Custom.Options(domain="cooking", expert="chef", instructions={"rude": "Be rude about {{ domain }}."})
    )
    assert domain.slots["domain_expert"] == "chef"
    templates = templates_for(("rude",), instructions=domain.instructions)
    assert Prompts(templates, domain.slots).render("level-rude.jinja") == "Be rude about cooking."
    assert domain.files() == ()
    with pytest.raises(NoInput) as error:
        domain.rows()
    assert "source: synthesize" in error.value.hint
    assert "source: file" in error.value.hint
