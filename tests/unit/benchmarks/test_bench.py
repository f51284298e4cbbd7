import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
bench = pytest.importorskip("bench", reason="benchmarks are not part of the package")

from avspec.model.editor import open_editor  # noqa: E402
from avspec.model.encoding import EncodedRow  # noqa: E402
from avspec.model.loading import load_model  # noqa: E402
from speed import editing, peer  # noqa: E402
from speed.flops import counted_flops  # noqa: E402
from speed.measuring import paired  # noqa: E402
from speed.products import MatrixProducts  # noqa: E402
from speed.results import Measure, Section  # noqa: E402
from speed.subject import DOMAINS, Subject  # noqa: E402


def section(**changes) -> Section:
    measures = (
        Measure(name="fast", values=(9.0, 7.0, 8.0), goal=8, seconds={"ours": (1, 1, 1), "theirs": (9, 7, 8)}),
        Measure(name="slow", values=(0.5,), goal=0.7),
        Measure(name="big", values=(7.0,), unit="GB", goal=6, at_most=True),
        Measure(name="by the way", values=(123.4,)),
    )
    known = {"title": "Part", "machine": {"cores": "2"}, "versions": {"torch": "2"}, "setup": "Rows.", "facts": {}}
    return Section(**{**known, "measures": measures, "calls": {"peer": "call()"}, **changes})


def test_pairs_alternate_and_the_first_pair_only_warms_up(monkeypatch) -> None:
    monkeypatch.setattr("speed.measuring.SETTLE", 0)
    order, ours, theirs = [], iter([9.0, 1.0, 2.0]), iter([9.0, 4.0, 4.0])

    def run(name, values):
        return lambda: (order.append(name), next(values))[1]

    measure = paired("x", ("ours", "theirs"), run("a", ours), run("b", theirs), pairs=2)
    assert order == ["a", "b"] * 3
    assert measure.values == (4.0, 2.0) and measure.seconds == {"ours": (1.0, 2.0), "theirs": (4.0, 4.0)}


def test_goals_are_judged_by_the_median(tmp_path) -> None:
    (tmp_path / "scoring.json").write_text(section().model_dump_json())
    bench.main(["--only", "", "--results", str(tmp_path), "--out", str(tmp_path / "out.md")])
    lines = (tmp_path / "out.md").read_text().splitlines()
    assert "| fast | 8 x | 7 x | 9 x | 3 | ≥ 8 x | reached |" in lines
    assert "| slow | 0.5 x | 0.5 x | 0.5 x | 1 | ≥ 0.7 x | **not reached** |" in lines
    assert "| big | 7 GB | 7 GB | 7 GB | 1 | ≤ 6 GB | **not reached** |" in lines
    assert "| by the way | 123 x | 123 x | 123 x | 1 |  |  |" in lines
    assert "| 2 | 1 | 7 |" in lines and "call()" in lines


def test_a_part_measured_elsewhere_names_its_machine(tmp_path) -> None:
    (tmp_path / "scoring.json").write_text(section().model_dump_json())
    (tmp_path / "editing.json").write_text(section(title="Other", machine={"cores": "64"}).model_dump_json())
    bench.main(["--only", "", "--results", str(tmp_path), "--out", str(tmp_path / "out.md")])
    first, other = (tmp_path / "out.md").read_text().split("## Other")
    assert "cores 64" in other and "another machine" not in first


def test_an_unknown_section_is_refused(capsys) -> None:
    with pytest.raises(SystemExit):
        bench.main(["--only", "scoring,speed"])
    assert "no section is named speed" in capsys.readouterr().err


def test_operations_are_those_of_matrix_products_alone(base_artifact) -> None:
    """Count them again by running the layers: torch's own counter on the unpacked linear layers, and by hand."""
    from torch.utils.flop_counter import FlopCounterMode

    model, _ = load_model(base_artifact, dtype=torch.float32, device="cpu")
    row = EncodedRow((1, 2, 3), ((4, 5),))
    ids = torch.tensor([[1, 2, 3, 4, 5]])
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(ids, use_cache=False)
    products = counter.get_flop_counts()["Global"][torch.ops.aten.mm]
    config, head = model.config, model.get_output_embeddings().weight
    unused = 2 * head.numel() * (5 - 2)  # torch projected all five positions to the vocabulary
    seen = 3 * 4 // 2 + 2 * 3 // 2 + 3 * 2
    width = config.num_attention_heads * (config.head_dim or config.hidden_size // config.num_attention_heads)
    assert counted_flops(model, [row]) == products - unused + 4 * config.num_hidden_layers * width * seen
    with FlopCounterMode(display=False) as counter:
        alone = MatrixProducts(model, [row])
        alone()
    assert alone.flops == counter.get_total_flops() == products - unused


def test_a_peer_answers_over_the_wire_whatever_it_prints(tmp_path, monkeypatch) -> None:
    script = tmp_path / "peer.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(BENCHMARKS / 'peers')!r})\n"
        "from wire import serve\n"
        "def double(value):\n    print('noise')\n    return {'twice': 2 * value}\n"
        "serve(double=double, fail=lambda: 1 / 0)\n"
    )
    with peer.Peer(str(script), tmp_path / "log", Path(sys.executable)) as started:
        assert [started.ask("double", value=v)["twice"] for v in (1, 2)] == [2, 4]
        with pytest.raises(peer.PeerError, match="ZeroDivisionError"):
            started.ask("fail")


def test_without_the_peers_environment_the_way_to_get_it_is_named(tmp_path) -> None:
    with pytest.raises(peer.PeerError, match="make bench"):
        peer.Peer("lm_eval_score.py", tmp_path / "log", tmp_path / "python")


def test_the_call_shown_is_the_code_that_ran() -> None:
    shown = peer.source_of("mergekit_merge.py", "call")
    assert shown.startswith("def call(") and "run_merge(config" in shown and "def merge(" not in shown


@pytest.fixture
def subject(tiny_folder, tmp_path) -> Subject:
    return Subject(tmp_path / "bench", f"path:{tiny_folder}")


def test_random_vectors_are_the_same_every_time(subject, tmp_path, tiny_folder) -> None:
    again = Subject(tmp_path / "again", f"path:{tiny_folder}")
    assert [p.read_bytes() for p in subject.vectors.values()] == [p.read_bytes() for p in again.vectors.values()]


def test_edit_bytes_are_base_vectors_and_live_model(subject) -> None:
    editor, _ = open_editor(subject.base, subject.vectors, "cpu")
    parameters, live = subject.info.parameters, {"float32": 4, "bfloat16": 2}[subject.info.dtype]
    assert editing.edit_bytes(editor) == parameters * (4 + 4 * len(DOMAINS) + live)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
def test_the_memory_probe_prints_a_peak_for_opening_and_editing(subject) -> None:
    paths = [str(subject.base), "bfloat16", *map(str, subject.vectors.values())]
    done = subprocess.run([sys.executable, str(editing.PROBE), *paths], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]).keys() == editing.FORMULAS.keys()
