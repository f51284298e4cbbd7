"""Removing what no run needs."""

import pytest

from avspec.store.gc import collect
from avspec.store.local import Store


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / ".avspec")
    for letter in "ab":
        with store.writing(letter * 64) as out:
            (out / "rows.jsonl").write_text("x" * 1000)
            store.commit(letter * 64, kind="data", name="d", version=1, params={}, inputs={}, plugins=[], seconds=0.0)
    for letter in "cd":
        (store.scratch(letter * 64) / "checkpoint").write_text("y" * 500)
    return store


def test_dry_run_removes_nothing(store):
    found = collect(store, {"a" * 64, "c" * 64}, dry_run=True)
    assert found.keys == ("b" * 64, "d" * 64)
    assert 1500 < found.bytes < 3000
    assert store.state("b" * 64) == "ok"
    assert store.state("d" * 64) == "incomplete"


def test_what_a_run_has_or_was_making_stays(store):
    found = collect(store, {"a" * 64, "c" * 64})
    assert found.keys == ("b" * 64, "d" * 64)
    assert [store.state(letter * 64) for letter in "abcd"] == ["ok", "missing", "incomplete", "missing"]


def test_evaluations_stay(store):
    cached = store.evaluations / "surface" / "1.safetensors"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"1")
    collect(store, ())
    assert cached.exists()


def test_empty_store(tmp_path):
    assert collect(Store(tmp_path / "none"), ()).keys == ()
