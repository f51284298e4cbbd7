import json

import pytest
from synthetic import SECONDS, World, write_run

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    from avspec.model.vectors import write_vector
    from avspec.plan.params import ReportParams
    from avspec.stages.context import Context
    from avspec.stages.report import run

    root, world = tmp_path_factory.mktemp("stage"), World(atlas=True)
    inputs = write_run(root / "in", world)
    directions = {"medical": [1.0, 0.0], "financial": [1.0, 1.0], "legal": [0.0, -2.0]}
    for domain, direction in directions.items():
        path = inputs[f"extract[{domain}]"] / "vector.safetensors"
        write_vector(path, [("w", torch.tensor(direction))], {"domain": domain})
    outline = world.outline()
    params = ReportParams(
        name=outline.name,
        model=outline.model,
        domains=outline.domains,
        guardrails=outline.guardrails,
        levels=outline.levels,
        behaviors=world.searched(),
        named=tuple(outline.behaviors),
        atlas=True,
        step=0.5,
        low=-1.5,
        high=1.5,
    )
    (inputs["base"] / "manifest.json").write_text('{"seconds": 31.25}')
    out = root / "out"
    out.mkdir()
    settings = {"seconds": {k: v for k, v in SECONDS.items() if k != "base"}}
    run(params, inputs, out, Context(run_dir=root, scratch=root, evaluations=root, settings=settings))
    return out


def test_it_writes_three_reports_and_the_atlas(written):
    names = ["atlas.json", "report.html", "report.json", "report.md"]
    assert sorted(path.name for path in written.iterdir()) == names
    atlas = json.loads((written / "atlas.json").read_text())
    said = {row["name"]: row for row in json.loads((written / "report.json").read_text())["atlas"]}
    assert len(atlas["combinations"]) == len(said) == 27
    assert all(row["coefficients"] == said[row["name"]]["coefficients"] for row in atlas["combinations"])


def test_cosines_are_computed_from_the_vectors(written):
    cosines = json.loads((written / "report.json").read_text())["cosines"]
    assert cosines["medical"]["financial"] == pytest.approx(0.5**0.5)
    assert cosines["financial"]["legal"] == cosines["legal"]["financial"] == pytest.approx(-(0.5**0.5))
    assert cosines["medical"]["medical"] == 1.0
    assert cosines["medical"]["legal"] == 0.0


def test_seconds_come_from_the_run_or_else_from_the_manifests(written):
    seconds = json.loads((written / "report.json").read_text())["seconds"]
    assert seconds == {**SECONDS, "base": 31.25}
