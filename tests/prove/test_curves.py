"""Curve families against scipy's curve_fit and exact curves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from burnish.prove.curves import FAMILIES, family_weights, fit

N = np.round(20 * 2 ** (np.arange(10) / 2))


@given(st.floats(0, 0.2), st.floats(0.05, 2), st.floats(0.2, 1.5))
@settings(max_examples=30, deadline=None)
def test_an_exact_power_law_is_found_and_carried_on(c, a, b):
    y = c + a * N**-b
    found = fit(FAMILIES["power law"], N, y[None], 1 / y**2)
    beyond = np.array([4.0 * N[-1]])
    assert found.at(beyond)[0, 0] == pytest.approx(c + a * beyond[0] ** -b, rel=0.05, abs=2e-3)
    assert found.a[0] >= 0 and found.c[0] >= 0


@pytest.mark.parametrize(
    ("name", "function", "start"),
    [
        ("power law", lambda n, c, a, b: c + a * n**-b, (0.05, 1, 0.5)),
        ("exponential", lambda n, c, a, tau: c + a * np.exp(-n / tau), (0.05, 0.4, 100)),
        ("logistic", lambda n, c, a, m, b: c + a / (1 + (n / m) ** b), (0.05, 0.5, 50, 1.5)),
    ],
)
def test_the_fit_is_scipys(name, function, start):
    """The grid's best is at most a little worse than the continuous optimum that curve_fit finds."""
    rng, weight = np.random.default_rng(0), np.full(len(N), 1e4)
    y = function(N, *start) + rng.normal(0, 0.01, len(N))
    best, _ = curve_fit(function, N, y, p0=start, sigma=weight**-0.5, bounds=(0, np.inf), maxfev=5000)
    reference = float((weight * (y - function(N, *best)) ** 2).sum())
    found = fit(FAMILIES[name], N, y[None], weight)
    assert reference - 1e-6 <= found.loss[0] <= reference + 0.3
    assert found.at(N)[0] == pytest.approx(function(N, *best), abs=0.004)


def test_the_loss_is_that_of_the_curve_and_series_are_fitted_alone():
    rng = np.random.default_rng(1)
    y, weight = rng.uniform(0.05, 0.5, (4, len(N))), rng.uniform(1, 9, len(N))
    for family in FAMILIES.values():
        found = fit(family, N, y, weight)
        assert found.loss == pytest.approx((weight * (y - found.at(N)) ** 2).sum(1), abs=1e-9)
        one = fit(family, N, y[2:3], weight)
        assert (one.theta == found.theta[2]).all() and one.a[0] == pytest.approx(found.a[2])


def test_a_rising_curve_becomes_flat_not_negative():
    found = fit(FAMILIES["power law"], N, np.linspace(0.1, 0.2, len(N))[None], np.ones(len(N)))
    assert found.a[0] == 0 and found.c[0] == pytest.approx(0.15)
    with pytest.raises(ValueError):
        fit(FAMILIES["power law"], N[:2], np.ones((1, 2)), np.ones(2))


def test_akaike_weights_by_hand():
    weights = family_weights({"power law": 5.0, "exponential": 7.0, "logistic": 5.0}, 10)
    assert weights["exponential"] / weights["power law"] == pytest.approx(np.exp(-1))
    # AICc: one parameter more costs 2 + (40 / 5 - 24 / 6)
    assert weights["logistic"] / weights["power law"] == pytest.approx(np.exp(-(2 + 8 - 4) / 2))
    assert sum(weights.values()) == pytest.approx(1)
