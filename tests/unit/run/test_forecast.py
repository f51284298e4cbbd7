"""Estimates: from the pace of the running stage, and from what its like took."""

import pytest

from avspec.run.forecast import Forecast, Left, Pace


class Clock:
    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


def test_pace_needs_two_reports():
    pace = Pace()
    assert pace.left(0.0) is None
    pace.report(10.0, 5, 20)
    assert pace.left(10.0) is None


def test_pace_counts_from_the_first_report_not_from_the_start_of_the_stage():
    pace = Pace()
    pace.report(100.0, 30, 60)  # resumed: 30 steps were there already
    pace.report(110.0, 35, 60)
    assert pace.left(110.0) == pytest.approx(50.0)
    assert pace.left(112.0) == pytest.approx(48.0)
    assert pace.left(500.0) == 0.0


def test_a_new_phase_starts_anew():
    pace = Pace()
    pace.report(0.0, 0, 10)
    pace.report(10.0, 10, 10)
    pace.report(11.0, 0, 100)
    assert pace.left(11.0) is None
    pace.report(12.0, 1, 100)
    assert pace.left(12.0) == pytest.approx(99.0)


def test_expected_times_add_up(clock):
    forecast = Forecast(["train[a]", "sweep"], {"train[a]": 100.0, "sweep": 50.0}, clock)
    assert forecast.run_left() == Left(150.0, True)
    forecast.start("train[a]")
    clock.time = 30.0
    assert forecast.stage_left() == 70.0
    assert forecast.run_left() == Left(120.0, True)


def test_unknown_stages_make_it_a_lower_bound(clock):
    forecast = Forecast(["train[a]", "sweep"], {"train[a]": 100.0}, clock)
    assert forecast.run_left() == Left(100.0, False)
    assert Forecast(["sweep"], {}, clock).run_left() is None


def test_a_finished_stage_stands_for_those_of_its_kind(clock):
    forecast = Forecast(["train[a]", "train[b]"], {}, clock)
    forecast.start("train[a]")
    clock.time = 40.0
    forecast.finish("train[a]", 40.0)
    assert forecast.run_left() == Left(40.0, True)


def test_a_running_stage_stands_for_those_of_its_kind(clock):
    forecast = Forecast(["train[a]", "train[b]"], {}, clock)
    forecast.start("train[a]")
    forecast.progress(0, 10)
    clock.time = 5.0
    forecast.progress(1, 10)
    assert forecast.run_left() == Left(45.0 + 50.0, True)
