import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
search_surfaces = pytest.importorskip("search_surfaces", reason="benchmarks are not part of the package")


def dominant(surface):
    """Return the dominant level of each domain at each point, `[evaluations, domains]`."""
    wins = surface.log_probs.argmax(axis=3)
    levels = surface.log_probs.shape[3]
    return np.stack([(wins == level).sum(axis=2) for level in range(levels)], axis=2).argmax(axis=2)


@pytest.mark.parametrize(("domains", "levels"), [(2, 4), (3, 3), (5, 2)])
def test_on_made_up_surfaces_levels_change_hands_in_every_domain_by_itself(domains, levels):
    surface = search_surfaces.load(f"synthetic-{domains}x{levels}-3")
    assert surface.log_probs.shape[1:] == (domains, 12, levels) and (surface.log_probs < 0).all()
    np.testing.assert_array_equal(surface.points[0], 0)
    seen = dominant(surface)
    assert all(len(set(seen[:, d])) >= max(2, levels - 1) for d in range(domains))
    assert len({tuple(s) for s in seen}) > levels**domains / 3


def test_a_seed_makes_one_surface_and_another_seed_another():
    first, again, other = (search_surfaces.synthetic(2, 3, seed).log_probs for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.5


def test_a_saved_surface_is_read_back(tmp_path):
    surface = search_surfaces.synthetic(2, 2, 0, points=16)
    surface = search_surfaces.Recorded(surface.points, surface.log_probs, -2.0, 1.5)
    surface.save(tmp_path / "surface.npz")
    back = search_surfaces.load(str(tmp_path / "surface.npz"))
    np.testing.assert_allclose(back.log_probs, surface.log_probs, atol=1e-5)
    assert (back.low, back.high) == (-2.0, 1.5) and len(back.points) == 17


def test_an_unknown_surface_is_refused():
    with pytest.raises(SystemExit, match="there is no surface synthetic-2x2"):
        search_surfaces.load("synthetic-2x2")


def test_the_model_of_a_run_is_recorded_with_the_rows_of_its_search_split(tmp_path):
    from avspec.model.steered import SteeredModel

    search_surfaces.main(["tiny", str(tmp_path / "surface.npz"), "--points", "3", "--work", str(tmp_path)])
    surface = search_surfaces.load(str(tmp_path / "surface.npz"))
    run = tmp_path / "runs" / "tiny"
    rows = [json.loads(line) for line in (run / "data" / "legal.jsonl").read_text().splitlines()]
    searched = sum(row["split"] == "search" for row in rows)
    assert surface.log_probs.shape[:2] == (4, 3) and surface.log_probs.shape[2] <= searched
    assert (surface.low, surface.high) == (-1.5, 1.5)
    model = SteeredModel.open(run)
    model.set(dict(zip(("medical", "financial", "legal"), map(float, surface.points[2]), strict=True)))
    expected = model.log_probs("legal", search_surfaces._search_rows(run, model.run.domains)["legal"])
    np.testing.assert_allclose(surface.log_probs[2, 2], expected, atol=1e-4)
    moved = np.abs(surface.log_probs[1:] - surface.log_probs[0]).max()
    assert moved > 0.1, "the vectors change nothing"
