from pathlib import Path

import pytest

from avspec import registry

BUILT_IN = {
    "domains": {"medical", "financial", "legal", "safety"},
    "providers": {"anthropic", "openai"},
    "trainers": {"dpo", "dpo-reference"},
    "extractors": {"difference"},
    "evaluators": {"preference-accuracy", "repetition"},
    "samplers": {"response-surface", "tpe", "random"},
}


@pytest.fixture(autouse=True)
def few_plugins(monkeypatch):
    """Error texts list what is installed: they must not change with the machine."""
    points = {
        group: tuple(
            point
            for point in registry._entry_points()[group]
            if point.dist and point.dist.name == "avspec" and point.name in BUILT_IN.get(group, ())
        )
        for group in registry.GROUPS
    }
    monkeypatch.setattr(registry, "_entry_points", lambda: points)


GOOD = (Path(__file__).parent / "good.yaml").read_text()


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write files into an empty current folder."""
    monkeypatch.chdir(tmp_path)

    def write(text=GOOD, name="spec.yaml"):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write
