import json
import re

from synthetic import SMALL, World

from avspec.report.html import report_html
from avspec.report.markdown import report_markdown
from avspec.report.results import report_json


def test_it_has_the_shape_that_machines_rely_on(plain):
    found = json.loads(report_json(plain))
    assert found["format_version"] == 1
    assert {"name", "model", "vectors", "cosines", "evaluations", "seconds", "behaviors", "guardrails", "cost"} <= set(
        found
    )
    assert set(found["vectors"]["medical"]) == {"norm", "sha256"}
    assert found["cosines"]["medical"]["legal"] == found["cosines"]["legal"]["medical"]
    assert list(found["behaviors"]) == ["insurance", "clinic", "reserved"]
    for behavior in found["behaviors"].values():
        assert set(behavior["coefficients"]) == {"medical", "financial", "legal"}
        assert set(behavior["held"]) == {"search", "test"}
        assert isinstance(behavior["fluency_drop"], float)
        for domain, result in behavior["domains"].items():
            assert result["wanted"] == behavior["wanted"].get(domain)
            for split in ("search", "test"):
                _check_measure(result[split])
        for guardrail in behavior["guardrails"].values():
            assert {"level", "drop", "max_drop", "ok", "test"} <= set(guardrail)
    assert found["cost"]["paper_grid"]["evaluations"] == 9261
    assert found["cost"]["joint_training"]["runs"] == 27


def _check_measure(measure):
    assert abs(sum(measure["shares"].values()) - 1) < 1e-9
    assert measure["rows"] == 12
    for level, (low, high) in measure["interval"].items():
        assert 0 <= low <= measure["shares"][level] <= high <= 1


def test_the_atlas_is_in_it(with_atlas):
    atlas = json.loads(report_json(with_atlas))["atlas"]
    assert len(atlas) == 27
    assert all(row["obstacle"] for row in atlas if not row["reached"])


def test_without_behaviors_it_is_whole(bare):
    found = json.loads(report_json(bare))
    assert found["behaviors"] == found["guardrails"] == {}
    assert found["vectors"]


def _non_finite(inputs):
    for file, old, new in (
        ("search/search.json", '"log_prob_margin": ', '"log_prob_margin": NaN, "was": '),
        ("train-medical/training.json", '"loss": ', '"loss": NaN, "was": '),
        ("extract-medical/vector.json", '"norm": ', '"norm": Infinity, "was": '),
        ("sweep/sweep.json", '"expert": ', '"expert": NaN, "was": '),
    ):
        path = inputs["base"].parent / file
        path.write_text(path.read_text().replace(old, new, 8))


def test_no_output_holds_a_nan(summary_of):
    summary = summary_of(World(**SMALL), _non_finite)
    found = json.loads(report_json(summary), parse_constant=_refuse)
    assert found["vectors"]["medical"]["norm"] is None
    for text in (report_json(summary), report_markdown(summary), report_html(summary)):
        text = text.replace("level expert is nan", "")  # the reason of a failed evaluation may say so
        assert not re.search(r"(?<![a-z])(nan|inf|infinity)(?![a-z])", text.lower())


def _refuse(name):
    raise AssertionError(name)


def test_what_an_extractor_kept_is_in_every_report(summary_of, plain):
    def trim(inputs):
        path = inputs["base"].parent / "extract-medical" / "vector.json"
        path.write_text(path.read_text().replace('"norm": ', '"kept": {"entries": 0.2, "energy": 0.71}, "norm": ', 1))

    summary = summary_of(World(**SMALL), trim)
    found = json.loads(report_json(summary))["vectors"]
    assert found["medical"]["kept"] == {"entries": 0.2, "energy": 0.71}
    for text in (report_markdown(summary), report_html(summary)):
        assert "entries 20% · energy 71%" in text
    assert "energy" not in report_markdown(plain) and ">kept</th>" not in report_html(plain)
