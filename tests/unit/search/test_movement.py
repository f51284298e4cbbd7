from avspec.search.movement import moved, relative

LEVELS = {"medical": ("low", "high"), "legal": ("no", "maybe", "yes")}


def point(coefficient, medical, legal):
    return {
        "coefficient": coefficient,
        "domains": {
            "medical": {"mean_log_prob": {"low": -4.0, "high": medical}},
            "legal": {"mean_log_prob": {"no": legal, "maybe": 0.0, "yes": -4.0}},
        },
    }


CURVE = [point(-1, -5.0, -3.0), point(0, -4.0, -4.0), point(1, -2.5, -4.5)]


def test_movement_is_from_end_to_end():
    assert moved(CURVE, "medical", LEVELS["medical"]) == 2.5
    assert moved(CURVE, "legal", LEVELS["legal"]) == 1.5


def test_relative_to_the_knobs_own_domain():
    assert relative(CURVE, "medical", LEVELS) == {"medical": 1.0, "legal": 0.6}


def test_too_few_points_or_no_movement_say_nothing():
    assert moved(CURVE[:1], "medical", LEVELS["medical"]) is None
    still = [point(-1, -4.0, -3.0), point(1, -4.0, -4.0)]
    assert relative(still, "medical", LEVELS) == {"medical": None, "legal": None}
