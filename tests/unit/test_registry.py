import importlib
import subprocess
import sys
from importlib import metadata

import pytest

from avspec import registry
from avspec.errors import PluginError


@pytest.fixture
def distributions(tmp_path, monkeypatch):
    """Install made-up distributions: name, version, entry points, modules."""

    def install(name, version, group, points, **modules):
        for module, code in modules.items():
            (tmp_path / f"{module}.py").write_text(code)
        info = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = "\n".join(f"{key} = {value}" for key, value in points.items())
        (info / "entry_points.txt").write_text(f"[avspec.{group}]\n{lines}\n")
        importlib.invalidate_caches()
        registry._entry_points.cache_clear()

    monkeypatch.syspath_prepend(tmp_path)
    yield install
    for module in ("tax_plugin", "raising_plugin", "boom_plugin"):
        sys.modules.pop(module, None)
    registry._entry_points.cache_clear()


DOMAIN = """
from avspec.api import JsonlDomain
class Tax(JsonlDomain):
    version = "3"
    levels = ("wrong", "right")
class NoLevels(JsonlDomain):
    pass
class NoVersion:
    pass
class NoMethods:
    version = "1"
    Options = JsonlDomain.Options
    levels = ("a", "b")
not_a_class = 3
"""


def test_the_built_in_plugins_come_through_entry_points():
    assert {"medical", "financial", "legal", "safety", "helpfulness"} <= set(registry.installed("domains"))
    (info,) = registry.installed("domains")["medical"]
    assert (info.group, info.name, info.distribution) == ("domains", "medical", "avspec")
    assert info.value == "avspec.domains.medical:Medical"


def test_a_third_partys_plugin(distributions):
    distributions("avspec-tax", "1.2", "domains", {"tax": "tax_plugin:Tax"}, tax_plugin=DOMAIN)
    assert registry.load("domains", "tax").levels == ("wrong", "right")
    assert registry.identity("domains", "tax") == {
        "name": "tax",
        "distribution": "avspec-tax",
        "version": "3",
    }
    assert registry.create("domains", "tax").options.model_dump() == {}


def test_listing_imports_nothing(distributions):
    distributions("avspec-boom", "1", "domains", {"boom": "boom_plugin:X"}, boom_plugin="raise SystemError(1)")
    assert "boom" in registry.installed("domains")
    assert "boom_plugin" not in sys.modules


def test_an_unknown_name_gets_the_closest_and_the_installed_ones():
    with pytest.raises(PluginError) as error:
        registry.load("extractors", "diference")
    assert error.value.what == "no extractor plugin is called 'diference'"
    assert error.value.hint.startswith("did you mean 'difference'? installed: ")
    assert error.value.exit_code == 69


def test_a_kind_nobody_provides(monkeypatch):
    monkeypatch.setattr(registry, "_entry_points", lambda: {group: () for group in registry.GROUPS})
    with pytest.raises(PluginError) as error:
        registry.load("providers", "openai")
    assert error.value.hint == "none of that kind is installed"


def test_a_name_claimed_twice_names_both(distributions):
    distributions("avspec-mine", "2.0", "domains", {"medical": "tax_plugin:Tax"}, tax_plugin=DOMAIN)
    with pytest.raises(PluginError) as error:
        registry.load("domains", "medical")
    assert "claimed twice" in error.value.what
    assert f"avspec {metadata.version('avspec')} (avspec.domains.medical:Medical)" in error.value.what
    assert "avspec-mine 2.0 (tax_plugin:Tax)" in error.value.what
    assert registry.load("domains", "legal")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("tax_plugin:Missing", "AttributeError: module 'tax_plugin' has no attribute 'Missing'"),
        ("nowhere_plugin:Tax", "ModuleNotFoundError: No module named 'nowhere_plugin'"),
        ("raising_plugin:Tax", "ZeroDivisionError: division by zero"),
        ("tax_plugin:not_a_class", "has no `version` that is a string"),
        ("tax_plugin:NoVersion", "has no `version` that is a string"),
        ("tax_plugin:NoLevels", "has no `levels` of two or more"),
        ("tax_plugin:NoMethods", "has no method `files`"),
    ],
)
def test_a_broken_plugin_names_its_distribution_and_the_reason(distributions, value, reason):
    modules = {"tax_plugin": DOMAIN, "raising_plugin": "1 / 0"}
    distributions("avspec-tax", "1.2", "domains", {"tax": value}, **modules)
    with pytest.raises(PluginError) as error:
        registry.load("domains", "tax")
    assert error.value.what.startswith("the domain plugin 'tax' of avspec-tax 1.2 is broken: ")
    assert reason in error.value.what
    assert registry.load("domains", "medical"), "a broken plugin stops nobody else"
    errors = {info.name: info.error for info in registry.describe() if info.group == "domains"}
    assert reason in errors["tax"]
    assert errors["medical"] is None


def test_options_that_are_not_accepted():
    with pytest.raises(PluginError) as error:
        registry.create("domains", "medical", {"colour": "red"})
    assert error.value.where == "colour"


def test_every_built_in_plugin_loads():
    broken = [info for info in registry.describe() if info.distribution == "avspec" and info.error]
    assert broken == []


def test_loading_every_plugin_imports_nothing_heavy():
    code = (
        "import sys; from avspec import registry; registry.describe();"
        "print(*[m for m in ('torch', 'transformers', 'trl', 'optuna', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
