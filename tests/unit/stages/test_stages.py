import numpy as np
import pytest

from avspec.domains.legal import Legal
from avspec.domains.medical import Medical
from avspec.domains.safety import Safety
from avspec.model.encoding import encode_rows
from avspec.model.scorer import score
from avspec.plan.row_params import DataParams
from avspec.search.blocks import Pruned, scored
from avspec.stages import data, reference
from avspec.stages.context import Context
from avspec.stages.reference import Reference
from avspec.stages.surface import Live, Surface
from avspec.stages.sweep import coefficients
from avspec.stages.train import choose_anchors

LEVELS = {"medical": Medical.levels, "safety": Safety.levels}


def test_a_sweep_has_the_ends_and_zero() -> None:
    assert coefficients(-1.5, 1.0, 0.5) == [-1.5, -1.0, -0.5, 0.0, 0.5, 1.0]
    assert coefficients(-1.0, 0.7, 0.5) == [-1.0, -0.5, 0.0, 0.5, 0.7]
    assert coefficients(-1.0, 1.0, 0.1)[3] == -0.7 and len(coefficients(-1.0, 1.0, 0.1)) == 21


@pytest.mark.parametrize(("share", "count"), [(0, 0), (0.5, 10), (1 / 3, 5), (0.6, 15)])
def test_anchors_are_the_wanted_share_of_all_rows(share, count) -> None:
    lent = [list(plugin(plugin.Options()).rows())[:20] for plugin in (Medical, Legal)]
    anchors = choose_anchors(lent, 10, share, seed=0)
    assert len(anchors) == count
    by_domain = [sum(row.domain == domain for row in anchors) for domain in ("medical", "legal")]
    assert abs(by_domain[0] - by_domain[1]) <= 1
    assert anchors == choose_anchors(lent, 10, share, seed=0)


def test_anchors_stop_when_the_others_have_no_more_rows() -> None:
    lent = [list(Medical(Medical.Options()).rows())[:3]]
    assert len(choose_anchors(lent, 10, 0.5, seed=0)) == 3
    assert choose_anchors([], 10, 0.5, seed=0) == []


def test_log_probs_of_the_base_are_computed_once(base_artifact, tmp_path, monkeypatch) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    split = {"train": 0.5, "search": 0.25, "test": 0.25}
    params = DataParams(
        domain="medical", plugin="medical", levels=Medical.levels, split=split, rows=8, source="bundled", files={}
    )
    data.run(params, {"base": base_artifact}, folder, Context(tmp_path, tmp_path, tmp_path))
    first = Reference(base_artifact, tmp_path / "evaluations", "cpu").of("medical", folder, Medical.levels)
    monkeypatch.setattr(reference, "score", None)
    again = Reference(base_artifact, tmp_path / "evaluations", "cpu").of("medical", folder, Medical.levels)
    assert first == again
    assert first.keys() == {row.id for row in data.read_split(folder, "train")}
    assert all(len(log_probs) == 3 and max(log_probs) < 0 for log_probs in first.values())


@pytest.fixture
def surface_of(base_artifact, tmp_path):
    """Make the search split's surface of an unsteered model, on some rows of each domain."""

    def make(rows):
        inputs, levels = {"base": base_artifact}, {name: LEVELS[name] for name in rows}
        for name, count in rows.items():
            folder = tmp_path / name
            folder.mkdir()
            split = {"train": 0.25, "search": 0.5, "test": 0.25}
            params = DataParams(
                domain=name, plugin=name, levels=levels[name], split=split, rows=count, source="bundled", files={}
            )
            data.run(params, inputs, folder, Context(tmp_path, tmp_path, tmp_path))
            inputs[f"data[{name}]"] = folder
        return Surface(Live(inputs, (), "cpu"), inputs, levels, "search", tmp_path / "evaluations")

    return make


def test_domains_share_batches_and_score_what_each_scores_alone(surface_of) -> None:
    surface = surface_of({"medical": 20, "safety": 24})
    together = surface.evaluate({}).log_probs
    assert len(surface.rows["medical"]) != len(surface.rows["safety"])
    for name, rows in surface.rows.items():
        alone = score(surface.live.editor.model, encode_rows(surface.live.tokenizer, rows, LEVELS[name]))
        assert together[name].shape == (len(rows), len(LEVELS[name]))
        np.testing.assert_allclose(together[name], alone, atol=1e-5)


def test_an_evaluation_that_is_stopped_is_not_kept_and_one_that_is_kept_is_not_stopped(surface_of) -> None:
    surface = surface_of({"medical": 12})

    def stop(so_far):
        raise Pruned(so_far, scored(so_far), 0.1)

    with pytest.raises(Pruned):
        surface.evaluate({}, stop)
    assert {} not in surface.cache
    whole = surface.evaluate({}).log_probs["medical"]
    assert np.isfinite(whole).all()
    np.testing.assert_array_equal(surface.evaluate({}, stop).log_probs["medical"], whole)
