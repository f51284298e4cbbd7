import numpy as np
import pytest
from scipy.optimize import check_grad

from avspec.search import gp


def data(points=25, outputs=40, dimensions=3, seed=0, noise=0.0):
    """Return inputs and smooth outputs that bend in the first coefficient and hardly in the last."""
    draw = np.random.default_rng(seed)
    inputs = draw.uniform(-1, 1, (points, dimensions))
    slopes = draw.standard_normal((dimensions, outputs)) * np.linspace(1.0, 0.05, dimensions)[:, None]
    bends = draw.standard_normal(outputs)
    values = -4 + inputs @ slopes + np.sin(2.5 * inputs[:, :1]) * bends
    return inputs, values + noise * draw.standard_normal(values.shape)


def test_it_goes_through_what_it_saw_and_is_sure_there():
    inputs, outputs = data()
    surface = gp.fit(inputs, outputs)
    means, deviations = surface.predict(inputs)
    assert np.abs(means - outputs).max() < 0.05
    assert deviations.max() < 0.1 < surface.predict(np.array([[3.0, -3.0, 3.0]]))[1][0]


def test_it_predicts_what_it_did_not_see():
    inputs, outputs = data(60)
    means, _ = gp.fit(inputs[:40], outputs[:40]).predict(inputs[40:])
    assert np.abs(means - outputs[40:]).mean() < 0.1 * outputs.std()


def test_a_coefficient_that_bends_the_outputs_gets_a_shorter_length_scale():
    scales = gp.fit(*data(60)).scales
    assert scales[0] < 0.8 * scales[1] and scales[0] < 0.8 * scales[2]


def test_noisy_outputs_are_seen_as_noisy():
    assert gp.fit(*data(40, noise=0.5)).noise > 3 * gp.fit(*data(40)).noise


def test_the_gradient_of_the_likelihood_is_right():
    inputs, outputs = data(15)
    scores, weights = gp._components(outputs - outputs.mean(axis=0))
    parameters, unsure = np.array([0.1, -0.4, 0.5, -3.0]), np.linspace(0, 0.3, 15)
    error = check_grad(
        lambda p: gp._loss(p, inputs, scores, weights, unsure)[0],
        lambda p: gp._loss(p, inputs, scores, weights, unsure)[1],
        parameters,
    )
    assert error < 1e-3


def test_leave_one_out_is_what_leaving_one_out_gives():
    inputs, outputs = data(20, noise=0.1)
    unsure = np.where(np.arange(20) == 7, 0.2, 0.0)
    surface = gp.fit(inputs, outputs, unsure)
    means, deviations = surface.left_out
    for point in (0, 7, 19):
        rest = np.delete(np.arange(20), point)
        without = gp._condition(inputs[rest], outputs[rest], surface.scales, surface.noise, unsure[rest])
        mean, deviation = without.predict(inputs[[point]])
        np.testing.assert_allclose(means[point], mean[0], atol=2e-3)
        assert deviations[point] ** 2 == pytest.approx(deviation[0] ** 2 + surface.noise**2 + unsure[point], rel=1e-6)


def test_a_point_that_is_unsure_moves_the_surface_less():
    inputs, outputs = data(20)
    moved = outputs + 2.0 * (np.arange(20) == 7)[:, None]
    scales, noise = np.ones(3), 0.03

    def pulled(unsure):
        each = unsure * (np.arange(20) == 7)
        before, after = (gp._condition(inputs, values, scales, noise, each) for values in (outputs, moved))
        return np.abs(after.predict(inputs[[7]])[0] - before.predict(inputs[[7]])[0]).mean()

    assert 2.0 > pulled(0.0) > pulled(0.01) > pulled(0.1) > pulled(1.0) > 0
    assert pulled(1.0) < 1.0


def test_draws_have_the_spread_and_the_correlation_of_the_outputs():
    inputs, outputs = data(30)
    outputs = np.hstack([outputs, outputs[:, :1]])  # the last output is the first once more
    surface = gp.fit(inputs, outputs)
    draws = surface.directions(4000, np.random.default_rng(0))
    np.testing.assert_allclose(draws.std(axis=0), surface.amplitudes, rtol=0.1)
    np.testing.assert_allclose(draws[:, 0], draws[:, -1])


def test_believed_points_change_no_mean_and_leave_less_doubt():
    inputs, outputs = data(20)
    surface, pending = gp.fit(inputs, outputs), np.array([[0.9, -0.9, 0.9]])
    believing = surface.believing(pending)
    (mean, before), (same, after) = surface.predict(pending + 0.05), believing.predict(pending + 0.05)
    np.testing.assert_allclose(mean, same, atol=1e-9)
    assert after[0] < 0.5 * before[0]
    np.testing.assert_allclose(believing.amplitudes, surface.amplitudes)


@pytest.mark.parametrize("points", [2, 3, 5])
def test_very_little_data_is_no_error(points):
    means, deviations = gp.fit(*data(points)).predict(np.zeros((1, 3)))
    assert np.isfinite(means).all() and deviations[0] > 0


def test_constant_outputs_and_repeated_points_are_no_error():
    inputs = np.repeat(np.array([[0.0, 0.0], [1.0, 1.0]]), 3, axis=0)
    means, _ = gp.fit(inputs, np.full((6, 4), -2.0)).predict(np.array([[0.5, 0.5]]))
    np.testing.assert_allclose(means, -2.0)
