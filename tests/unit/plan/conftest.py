"""A real spec on a folder that looks like a model, and a way to pretend that its plan was carried out."""

import json
from pathlib import Path

import pytest

from avspec.plan.compile import compile_spec
from avspec.plan.diff import plan_run
from avspec.plan.lockfile import lock_entry, read_lock, write_lock
from avspec.spec import load_spec
from avspec.store.local import Store

SPEC = """\
apiVersion: avspec/v1
name: clinic
model: {base: path:model}
domains:
  medical: {plugin: medical}
  legal: {plugin: legal}
guardrails:
  safety: {plugin: safety, max_drop: 0.05}
training: {beta: 0.1, anchors: 0.5}
search: {sampler: random, evaluations: 20}
behaviors:
  clinic: {medical: expert, legal: generic}
  court: {legal: expert}
"""


class Bench:
    """A working folder with one spec, its store and its run folder."""

    def __init__(self, root: Path) -> None:
        self.root, self.file, self.run_dir = root, root / "spec.yaml", root / "runs" / "clinic"
        self.store = Store(root / ".avspec")
        self.file.write_text(SPEC)
        (root / "model").mkdir()
        (root / "model" / "config.json").write_text("{}")
        (root / "model" / "model.safetensors").write_bytes(b"weights")

    def edit(self, old: str, new: str) -> None:
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new))

    def rows_from_file(self) -> Path:
        """Give the legal domain a file of its own."""
        path = self.root / "cases.jsonl"
        responses = {"avoidance": "No.", "generic": "Perhaps.", "expert": "Under article 5, yes."}
        rows = [{"id": f"r{n}", "domain": "legal", "query": f"May I {n}?", "responses": responses} for n in range(60)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.edit("legal: {plugin: legal}", "legal: {plugin: legal, data: {source: file, path: cases.jsonl}}")
        return path

    def stages(self):
        return compile_spec(load_spec(self.file))

    def stage(self, address):
        return next(stage for stage in self.stages() if stage.address == address)

    def plan(self, **options):
        return plan_run(self.stages(), self.store, read_lock(self.run_dir), **options)

    def carry_out(self, plan=None):
        """Put an artifact into the store for every stage that runs, and write the lock."""
        plan = plan or self.plan()
        for planned in plan.running:
            stage = planned.stage
            with self.store.writing(planned.key) as out:
                (out / "result.json").write_text(json.dumps({"stage": stage.address}))
                self.store.commit(
                    planned.key,
                    kind=stage.kind,
                    name=stage.name,
                    version=stage.version,
                    params=stage.params.model_dump(mode="json"),
                    inputs={address: plan.keys[address] for address in stage.inputs},
                    plugins=stage.plugins,
                    seconds=0.0,
                )
        entries = {
            planned.address: lock_entry(planned.stage, self.store.manifest(planned.key)) for planned in plan.stages
        }
        write_lock(self.run_dir, spec={}, store=self.store.root, stages=entries)
        return plan


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


@pytest.fixture
def done(bench):
    bench.carry_out()
    return bench
