import pytest

from avspec.domains.legal import Legal
from avspec.domains.medical import Medical
from avspec.stages.sweep import coefficients
from avspec.stages.train import choose_anchors


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
