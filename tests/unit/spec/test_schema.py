import re
from pathlib import Path

import pytest
import yaml
from pydantic import Field

from avspec import registry
from avspec.api import Options
from avspec.spec import schema
from avspec.spec.source import parse

SPECS = Path(__file__).parents[3] / "specs"
GOOD = (Path(__file__).parent / "good.yaml").read_text()

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def accepts(rule, value, root):
    """Say whether a value fits a schema: the keywords that ours uses."""
    if "$ref" in rule and not accepts(root["$defs"][rule["$ref"].removeprefix("#/$defs/")], value, root):
        return False
    if "anyOf" in rule and not any(accepts(choice, value, root) for choice in rule["anyOf"]):
        return False
    if "type" in rule and (
        not isinstance(value, TYPES[rule["type"]])
        or (isinstance(value, bool) and rule["type"] in ("integer", "number"))
    ):
        return False
    if value not in rule.get("enum", [value]) or value != rule.get("const", value):
        return False
    if isinstance(value, str) and not re.search(rule.get("pattern", ""), value):
        return False
    if isinstance(value, (int, float)) and not (
        rule.get("minimum", value) <= value <= rule.get("maximum", value)
        and value > rule.get("exclusiveMinimum", value - 1)
    ):
        return False
    if isinstance(value, list):
        return len(value) >= rule.get("minItems", 0) and all(accepts(rule.get("items", {}), v, root) for v in value)
    if isinstance(value, dict):
        return fits_object(rule, value, root)
    return True


def fits_object(rule, value, root):
    known, others = rule.get("properties", {}), rule.get("additionalProperties", True)
    return (
        len(value) >= rule.get("minProperties", 0)
        and set(rule.get("required", ())) <= set(value)
        and all(accepts(rule.get("propertyNames", {}), key, root) for key in value)
        and all(accepts(known[key], item, root) for key, item in value.items() if key in known)
        and all(
            others is True or (others and accepts(others, item, root))
            for key, item in value.items()
            if key not in known
        )
    )


def accepted(data):
    rules = schema()
    return accepts(rules, data, rules)


@pytest.fixture
def good():
    return yaml.safe_load(GOOD)


def test_a_good_spec_is_accepted(good):
    assert accepted(good)
    good |= {"training": "dpo", "extraction": {"plugin": "difference"}, "evaluation": ["repetition"]}
    good["training"] = {"beta": 0.5, "anchors": 0}
    good["search"] = {"sampler": "random"}
    assert accepted(good)


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("nme", "x"),
        ("name", "My Name"),
        ("levels", ["one"]),
        ("domains", {}),
        ("domains", {"Medical": {"plugin": "medical"}}),
        ("domains", {"medical": {"plugin": "medcal"}}),
        ("domains", {"medical": {"plugin": "medical", "max_drop": 0.1}}),
        ("domains", {"medical": {}}),
        ("training", {"beta": 0}),
        ("training", {"beta": "0.1"}),
        ("training", {"betta": 0.1}),
        ("training", "ppo"),
        ("evaluation", [{"plugin": "repetition", "rows": 0}]),
        ("search", {"sampler": "nsga"}),
        ("apiVersion", "avspec/v2"),
    ],
)
def test_a_broken_one_is_not(good, section, value):
    assert not accepted(good | {section: value})


def test_a_missing_section_is_allowed_only_where_something_is_extended(good):
    del good["model"]
    assert not accepted(good)
    assert accepted(good | {"extends": "base.yaml"})


@pytest.mark.parametrize("name", sorted(path.relative_to(SPECS).as_posix() for path in SPECS.rglob("*.yaml")))
def test_the_specs_that_come_with_avspec(name, monkeypatch):
    monkeypatch.undo()
    assert accepted(parse((SPECS / name).read_text(), name).data)


def test_every_key_has_a_text():
    rules = schema()
    silent = []

    def walk(rule, path):
        for key, value in rule.get("properties", {}).items():
            # a field that says the same as its section has a reference to it and no text of its own
            if not value.get("description") and "$ref" not in value:
                silent.append((*path, key))
            walk(value, (*path, key))
        for choice in rule.get("anyOf", ()):
            walk(choice, (*path, choice.get("title", "?")))

    walk(rules, ())
    for name, rule in rules["$defs"].items():
        walk(rule, (name,))
    assert silent == []


def test_every_reference_leads_somewhere():
    rules = schema()
    references = re.findall(r"'\$ref': '#/\$defs/([^']+)'", str(rules))
    assert references
    assert set(references) <= set(rules["$defs"])


def test_options_with_models_of_their_own_do_not_collide(good, monkeypatch):
    class Data(Options):
        """Shares its name with a section of the spec."""

        depth: int = Field(1, ge=1)
        """How deep."""

    class NestedOptions(Options):
        """Options of the test."""

        data: Data = Data()
        """A model in a model."""

    from avspec.extractors.difference import Difference

    monkeypatch.setattr(Difference, "Options", NestedOptions)
    assert accepted(good | {"extraction": {"plugin": "difference", "data": {"depth": 2}}})
    assert not accepted(good | {"extraction": {"plugin": "difference", "data": {"depth": 0}}})
    assert accepted(good | {"data": {"rows": 3}})


def test_a_broken_plugin_is_left_out(good, monkeypatch):
    from avspec.domains.safety import Safety

    monkeypatch.setattr(Safety, "levels", ())
    assert registry.installed("domains").keys() >= {"safety"}
    assert not accepted(good)
    del good["guardrails"]
    assert accepted(good)


@pytest.mark.parametrize(
    ("wanted", "right"),
    [
        ({"level": "expert", "share": 0.6, "weight": 2}, True),
        ({"level": "expert", "share": 1}, True),
        ({"share": 0.6}, False),
        ({"level": "expert", "share": 0}, False),
        ({"level": "expert", "share": 1.1}, False),
        ({"level": "expert", "weight": 0}, False),
        ({"level": "expert", "shar": 0.6}, False),
        (3, False),
    ],
)
def test_what_a_behavior_wants_of_a_domain(good, wanted, right):
    good["behaviors"]["clinic"]["legal"] = wanted
    assert accepted(good) is right
