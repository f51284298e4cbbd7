import pytest

from avspec.run.duration import clock, duration, roughly


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 00 s"), (184, "3 min 04 s"), (7500, "2 h 05 min")],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(7.9, "0:07"), (751, "12:31"), (3723, "1:02:03")])
def test_clock(seconds, text):
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "5 s"), (52, "50 s"), (58, "1 min"), (233, "4 min"), (4790, "1 h 20 min")]
)
def test_roughly(seconds, text):
    assert roughly(seconds) == text
