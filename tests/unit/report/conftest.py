import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from synthetic import SECONDS, World, cosines, write_run

from avspec.report.inputs import read_artifacts
from avspec.report.summary import summarize


def build(root, world, change=None):
    """Return the summary of a synthetic run; `change` may edit the files first."""
    inputs = write_run(root, world)
    if change:
        change(inputs)
    return summarize(world.outline(), read_artifacts(inputs, cosines(world), SECONDS))


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    return build(tmp_path_factory.mktemp("plain"), World())


@pytest.fixture(scope="session")
def with_atlas(tmp_path_factory):
    return build(tmp_path_factory.mktemp("atlas"), World(atlas=True))


@pytest.fixture(scope="session")
def bare(tmp_path_factory):
    return build(tmp_path_factory.mktemp("bare"), World(behaviors={}, guardrails={}))


@pytest.fixture
def summary_of(tmp_path):
    return lambda world, change=None: build(tmp_path, world, change)
