import json
import sys
from pathlib import Path

import numpy as np
import pytest
from surfaces import Surface

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
search_bench = pytest.importorskip("search_bench", reason="benchmarks are not part of the package")
import search_surfaces  # noqa: E402


@pytest.fixture
def recorded(tmp_path):
    """A surface of two domains, recorded at the origin and at random points as the real ones are."""
    surface, draw = Surface(), np.random.default_rng(0)
    points = np.vstack([[0.0, 0.0], draw.uniform(-1.5, 1.0, (39, 2))])
    values = [surface(dict(zip(surface.domains, p, strict=True))).log_probs for p in points]
    path = tmp_path / "surface.npz"
    np.savez(path, P=points, Y=np.array([[v[d] for d in surface.domains] for v in values]))
    return path


def test_it_prints_the_curves_of_every_sampler(recorded, capsys):
    search_bench.main(
        ["--surface", str(recorded), "--samplers", "random,full-grid", "--seeds", "2", "--budget", "9", "--json"]
    )
    result = json.loads(capsys.readouterr().out)
    assert result["surface"] == "surface.npz" and 1 < result["reachable"] <= 9
    random = result["samplers"]["random"]
    assert [len(curve) for curve in random["found"]] == [9, 9]
    assert all(np.diff(curve).min() >= 0 and curve[-1] <= result["reachable"] for curve in random["found"])
    grid = result["samplers"]["full-grid"]
    assert len(grid["found"][0]) == 441 and grid["found"][0][-1] == result["reachable"]
    assert grid["to_90"][0] <= grid["to_all"][0] <= 441


def test_the_response_surface_finds_everything_and_then_stops(recorded, capsys):
    search_bench.main(
        ["--surface", str(recorded), "--samplers", "response-surface", "--seeds", "2", "--budget", "60", "--json"]
    )
    result = json.loads(capsys.readouterr().out)
    run = result["samplers"]["response-surface"]
    assert max(run["evaluations"]) < 60 and run["given_up"] == [0, 0]
    assert [curve[-1] for curve in run["found"]] == [result["reachable"]] * 2


def test_it_prints_a_table_and_draws(recorded, capsys, tmp_path):
    picture = tmp_path / "curves.svg"
    arguments = ["--surface", str(recorded), "--samplers", "grid", "--seeds", "1", "--budget", "20"]
    search_bench.main([*arguments, "--figure", str(picture)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("| sampler | seeds | 20 | 90 % found at") and lines[4].startswith("| grid | 1 |")
    assert picture.read_text().startswith("<?xml")


def test_earlier_results_are_joined(recorded, capsys, tmp_path):
    arguments = ["--surface", str(recorded), "--seeds", "1", "--budget", "5", "--json"]
    search_bench.main([*arguments, "--samplers", "random"])
    (tmp_path / "earlier.json").write_text(capsys.readouterr().out)
    search_bench.main([*arguments, "--samplers", "grid", "--join", str(tmp_path / "earlier.json")])
    assert set(json.loads(capsys.readouterr().out)["samplers"]) == {"random", "grid"}


def test_the_truth_is_what_was_recorded(recorded):
    truth = search_bench.Truth(search_surfaces.load(str(recorded)))
    points, values = (np.load(recorded)[key] for key in "PY")
    evaluation = truth(dict(zip(truth.domains, points[7], strict=True)))
    np.testing.assert_allclose(evaluation.log_probs["domain-2"], values[7, 1], atol=1e-6)


def test_results_of_several_surfaces_are_one_table(recorded, capsys, tmp_path):
    for seeds in ("1", "2"):
        search_bench.main(
            ["--surface", str(recorded), "--samplers", "random", "--seeds", seeds, "--budget", "40", "--json"]
        )
        (tmp_path / f"{seeds}.json").write_text(capsys.readouterr().out)
    search_bench.main(["--summary", str(tmp_path / "1.json"), str(tmp_path / "2.json")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| surface | reachable | sampler | seeds | 40 | 60 |")
    assert [line.split(" | ")[1:4] for line in lines[2:]] == [[lines[2].split(" | ")[1], "random", n] for n in "12"]
