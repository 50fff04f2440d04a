"""Run lengths against published tables, closed forms and simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from burnish.errors import BurnishError
from burnish.prove.charts import (
    BernoulliCusum,
    Ewma,
    NormalCusum,
    bernoulli_cusum,
    ewma,
    first_alarm,
    normal_cusum,
)

SHIFTS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0)


@pytest.mark.parametrize(
    ("weight", "width", "published"),
    [  # Lucas and Saccucci, Technometrics 32, 1990; every row has an in-control ARL of 500
        (0.40, 3.054, (224, 71.2, 28.4, 14.3, 5.9, 3.5, 2.5, 2.0)),
        (0.25, 2.998, (170, 48.2, 20.1, 11.1, 5.5, 3.6, 2.7, 2.3)),
        (0.20, 2.962, (150, 41.8, 18.2, 10.5, 5.5, 3.7, 2.9, 2.4)),
        (0.10, 2.814, (106, 31.3, 15.9, 10.3, 6.1, 4.4, 3.4, 2.9)),
        (0.05, 2.615, (84.1, 28.8, 16.4, 11.4, 7.1, 5.2, 4.2, 3.5)),
    ],
)
def test_ewma_matches_the_published_table(weight, width, published):
    chart = Ewma(width, weight)
    assert chart.run_length() == pytest.approx(500, rel=2e-3)
    for shift, length in zip(SHIFTS, published, strict=True):
        assert chart.run_length(shift) == pytest.approx(
            length, abs=0.5 if length > 100 else 0.05 + 0.002 * length
        )
    assert ewma(500, weight).width == pytest.approx(width, abs=1e-3)


def test_ewma_of_weight_one_is_a_shewhart_chart():
    assert Ewma(3.0, 1.0).run_length() == pytest.approx(370.398, rel=1e-5)  # 1 / (2 (1 - Phi(3)))


@pytest.mark.parametrize(
    ("limit", "shift", "published"),
    [(4, 0, 335.4), (4, 1, 8.38), (5, 0, 930.9), (5, 1, 10.4), (4, 2, 3.34), (5, 2, 4.01)],
)  # twice the two-sided 168 and 465 of Montgomery, Introduction to Statistical Quality Control, table 9.3
def test_normal_cusum_matches_the_published_table(limit, shift, published):
    assert NormalCusum(limit).run_length(shift) == pytest.approx(published, rel=3e-3)


@given(st.floats(10, 50_000))
@settings(max_examples=15, deadline=None)
def test_charts_get_the_run_length_that_was_asked(length):
    assert normal_cusum(length).run_length() == pytest.approx(length, rel=1e-6)
    assert ewma(length).run_length() == pytest.approx(length, rel=1e-6)


@pytest.mark.parametrize("p", [0.01, 0.05, 0.3])
@pytest.mark.parametrize("m", [5, 40])
def test_bernoulli_cusum_in_closed_form(p, m):
    first = BernoulliCusum(p, 0.5, m - 1, 1, m - 1)
    assert first.run_length(p) == pytest.approx(1 / p)  # the first event alarms
    two = BernoulliCusum(p, 0.5, m - 1, 1, m)
    # two events less than m - 1 apart; an event farther off begins anew
    assert two.run_length(p) == pytest.approx(1 / p + 1 / (p * (1 - (1 - p) ** (m - 1))))
    assert two.run_length(0) == np.inf and two.run_length(1) == 2


@given(st.floats(0.002, 0.3), st.floats(1.5, 3), st.floats(5, 200))
@settings(max_examples=25, deadline=None)
def test_the_declared_run_length_is_kept_and_not_wasted(p0, ratio, events):
    p1 = min(p0 * ratio, 0.9)
    chart = bernoulli_cusum(p0, p1, events / p0)
    assert chart.run_length(p0) >= events / p0
    tighter = BernoulliCusum(p0, p1, chart.up, chart.down, chart.limit - 1)
    assert tighter.run_length(p0) < events / p0
    assert chart.run_length(p1) < chart.run_length(p0)


def test_run_lengths_are_those_of_simulated_streams():
    """4,000 streams each; the mean's standard error is at most 1.6 %, the band 5 %."""
    rng = np.random.default_rng(0)
    chart = bernoulli_cusum(0.05, 0.15, 150)
    found = [first_alarm(chart.walk(rng.random(4000) < 0.05)) or 4000 for _ in range(4000)]
    assert np.mean(found) == pytest.approx(chart.run_length(0.05), rel=0.05)
    for normal in (normal_cusum(60), ewma(60)):
        found = [first_alarm(normal.walk(rng.normal(size=800))) or 800 for _ in range(2000)]
        assert np.mean(found) == pytest.approx(60, rel=0.07)


def test_a_walk_by_hand_and_anew_after_an_alarm():
    chart = BernoulliCusum(0.1, 0.3, 4, 1, 6)
    assert list(chart.walk([True, False, True, False, True])) == [
        (4, False), (3, False), (7, True), (0, False), (4, False),
    ]  # fmt: skip
    assert first_alarm(chart.walk([True, True])) == 2 and first_alarm(chart.walk([True])) is None
    levels, alarms = zip(*NormalCusum(1.0).walk([0.2, 1.0, 1.2, 0.6]), strict=True)
    assert levels == pytest.approx((0.0, 0.5, 1.2, 0.1)) and alarms == (False, False, True, False)
    levels = [level for level, _ in Ewma(3, 0.5).walk([1.0, -1.0])]
    assert levels == pytest.approx([0.5, -0.25])


@pytest.mark.parametrize(("p0", "p1"), [(0, 0.1), (0.2, 0.1), (0.5, 1)])
def test_rates_out_of_range_are_told(p0, p1):
    with pytest.raises(BurnishError):
        bernoulli_cusum(p0, p1, 100)
    with pytest.raises(BurnishError):
        ewma(1.5)
    with pytest.raises(BurnishError):
        bernoulli_cusum(1e-5, 1.001e-5, 1e9)
