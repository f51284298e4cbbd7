"""Variants of a spec on the tiny model: measured on the same rows, and reused by a spec of their own."""

import json
from pathlib import Path

import pytest
from shell import apply

SPEC = """
apiVersion: avspec/v1
name: tiny
model: {{base: "path:{model}", dtype: float32}}
levels: [avoidance, generic, expert]
domains:
  medical: {{plugin: medical}}
  legal: {{plugin: legal}}
data: {{split: {{train: 0.5, search: 0.25, test: 0.25}}, rows: {{train: 6, search: 5, test: 5}}}}
training: {{plugin: dpo, beta: 0.5, learning_rate: 1e-3, batch_size: 3}}
sweep: {{step: 1}}
search: {{sampler: random, evaluations: 8, low: -1, high: 1}}
evaluation: [preference-accuracy]
atlas: true
"""
VARIANTS = """
variants:
  small: {extraction: {plugin: trim, keep: 0.01}}
  longer: {search: {evaluations: 9}}
"""


@pytest.fixture(scope="module")
def folder(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("variants")
    (folder / "spec.yaml").write_text(SPEC.format(model=tiny_folder) + VARIANTS)
    ran = apply(folder)
    assert ran[ran.index("evaluate") + 1 :] == [
        "extract[medical]@small",
        "extract[legal]@small",
        "sweep@small",
        "search@small",
        "evaluate@small",
        "search@longer",
        "evaluate@longer",
        "variants",
        "report",
    ]
    assert not [address for address in ran if address.startswith("train") and "@" in address]
    return folder


def test_each_is_measured_beside_the_spec(folder: Path) -> None:
    found = json.loads((folder / "runs/tiny/variants.json").read_text())
    assert found["behaviors"] == 9
    variants = found["variants"]
    assert list(variants) == ["main", "small", "longer"]
    own = json.loads((folder / "runs/tiny/evaluate.json").read_text())["behaviors"]
    held = [name for name, behavior in own.items() if behavior["held"]["test"]]
    assert variants["main"]["held"]["names"] == held
    assert variants["main"]["held"]["test"] == len(held)
    assert variants["longer"]["evaluations"] == 9 and variants["main"]["evaluations"] == 8
    assert variants["longer"]["movement"] == variants["main"]["movement"], "the same vectors"
    # a hundredth of the difference moves less, and says how much it kept
    assert variants["small"]["vectors"]["medical"]["norm"] < variants["main"]["vectors"]["medical"]["norm"]
    assert variants["small"]["vectors"]["medical"]["kept"]
    assert "gain" not in variants["main"] and variants["small"]["gain"]["held"] == (
        variants["small"]["held"]["test"] - variants["main"]["held"]["test"]
    )


def test_the_report_lays_them_side_by_side(folder: Path) -> None:
    page = (folder / "runs/tiny/report.html").read_text()
    assert "<h2>Variants</h2>" in page and "extraction.keep 0.01" in page
    assert "## Variants" in (folder / "runs/tiny/report.md").read_text()
    report = json.loads((folder / "runs/tiny/report.json").read_text())
    assert list(report["variants"]) == ["main", "small", "longer"]


def test_a_second_apply_does_no_work(folder: Path) -> None:
    assert apply(folder) == []


def test_a_spec_that_says_what_a_variant_says_finds_its_artifacts(folder: Path) -> None:
    text = (folder / "spec.yaml").read_text()
    (folder / "spec.yaml").write_text(text.replace(VARIANTS, "extraction: {plugin: trim, keep: 0.01}\n"))
    try:
        assert apply(folder) == ["report"]
    finally:
        (folder / "spec.yaml").write_text(text)
        assert apply(folder) == []
