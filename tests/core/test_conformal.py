"""Thresholds against closed forms, and their calibration on simulated tails (seeded; margins stated)."""

import numpy as np
import pytest
from scipy import stats

from burnish.core.conformal import goods_needed, p_value, threshold
from burnish.errors import BurnishError


def test_p_value_counts_by_hand():
    assert p_value([5.0, 2.0, 0.0], [1.0, 2.0, 3.0]) == pytest.approx([1 / 4, 3 / 4, 1.0])


@pytest.mark.parametrize(
    ("n", "wanted", "rank"), [(99, 0.01, 1), (199, 0.01, 2), (100, 0.05, 5), (9, 0.1, 1), (3, 0.5, 2)]
)
def test_conformal_rank(n, wanted, rank):
    found = threshold(np.random.default_rng(0).permutation(n).astype(float), wanted)
    assert found.value == n - rank
    assert found.promised == pytest.approx(rank / (n + 1))
    assert found.promised <= wanted and not found.extrapolated and found.extrapolation is None
    assert found.expected == found.promised


def test_threshold_and_p_value_agree():
    scores = np.random.default_rng(1).normal(size=150)
    found = threshold(scores, 0.03)
    new = np.linspace(-4, 4, 4001)
    rejected = new > found.value
    assert np.array_equal(
        rejected, p_value(new, scores) <= 4 / 151 * (1 + 1e-12)
    )  # rank 4: fewer than 4 at or above


def test_expected_rate_of_uniform_scores_is_the_promise():
    rng = np.random.default_rng(2)
    values = [threshold(rng.random(49), 0.04).value for _ in range(4000)]
    # 1 - value is Beta(2, 48), mean 0.04; its standard error here is 0.0004
    assert 1 - np.mean(values) == pytest.approx(0.04, abs=0.002)


def test_too_few_says_what_it_can_promise():
    scores = np.linspace(0, 1, 20)
    found = threshold(scores, 0.01)
    assert found.extrapolated and found.promised == pytest.approx(1 / 21)
    assert found.conformal == 1.0 and found.value == found.extrapolation and found.value > 1.0
    assert "4.8 %" in found.in_words() and "no promise" in found.in_words()
    plain = threshold(scores, 0.01, extrapolate=False)
    assert plain.value == plain.conformal == 1.0 and not plain.extrapolated
    assert plain.extrapolation == found.value and plain.expected == plain.promised


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_handful_is_not_extrapolated(n):
    found = threshold(np.arange(n, dtype=float), 0.01)
    assert found.value == n - 1 and not found.extrapolated and found.extrapolation is None
    assert found.promised == pytest.approx(1 / (n + 1))


def test_extrapolation_by_hand_and_its_cap():
    scores = np.array([0.0] * 12 + [1.0, 2.0, 3.0, 4.0])  # n 16, k 4, u 0, S 10
    found = threshold(scores, 0.05)
    assert found.value == pytest.approx(10 * ((5 / (0.05 * 17)) ** 0.25 - 1))
    assert found.expected == 0.05
    capped = threshold(scores, 0.001)
    assert capped.value == 8.0 and "capped" in capped.method
    assert capped.expected == pytest.approx(5 / 17 * 1.8**-4) and capped.expected > 0.001


def test_equal_scores_and_bounded_scores():
    assert threshold(np.ones(20), 0.01).value == 1.0
    near_one = 1 - np.geomspace(1e-4, 0.5, 30)
    assert threshold(near_one, 0.005).value > 1.0  # why `bounded` exists: nothing would ever be rejected
    bounded = threshold(near_one, 0.005, bounded=True)
    assert near_one.max() < bounded.value < 1.0


@pytest.mark.parametrize(
    ("law", "lowest", "highest"),
    [
        (stats.expon(), 0.007, 0.012),
        (stats.norm(), 0.003, 0.013),
        (stats.gumbel_r(), 0.006, 0.013),
        (stats.lognorm(0.5), 0.007, 0.014),
        (stats.t(3), 0.009, 0.017),
        (stats.lognorm(1.0), 0.009, 0.022),
    ],
    ids=["exponential", "normal", "gumbel", "lognormal 0.5", "t3", "lognormal 1"],
)
@pytest.mark.parametrize("n", [20, 50, 90])
def test_extrapolated_false_rejects_are_near_what_was_asked(law, lowest, highest, n):
    """Mean true false-reject rate at 1 % wanted; 1,500 repeats, standard error about 0.0005."""
    draws = law.rvs((1500, n), random_state=np.random.default_rng(n))
    found = [threshold(row, 0.01) for row in draws]
    extrapolated = float(np.mean(law.sf([f.value for f in found])))
    at_highest = float(np.mean(law.sf([f.conformal for f in found])))
    assert lowest <= extrapolated <= highest
    assert abs(extrapolated - 0.01) < abs(at_highest - 0.01) or n == 90


@pytest.mark.parametrize("law", [stats.norm(), stats.expon(), stats.lognorm(0.5), stats.t(3)])
def test_extrapolated_misses_do_not_explode(law):
    """Defects placed so that the true 1 % quantile misses 11 %; n = 20, 1,500 repeats."""
    middle, quantile = law.ppf(0.5), law.ppf(0.99)
    defects = stats.norm(middle + 2 * (quantile - middle), 0.8 * (quantile - middle))
    draws = law.rvs((1500, 20), random_state=np.random.default_rng(7))
    assert defects.cdf(quantile) == pytest.approx(0.106, abs=0.001)
    assert 0.15 < np.mean(defects.cdf([threshold(row, 0.01).value for row in draws])) < 0.28


@pytest.mark.parametrize(("wanted", "needed"), [(0.01, 99), (0.05, 19), (0.001, 999), (0.5, 1), (0.03, 33)])
def test_goods_needed(wanted, needed):
    assert goods_needed(wanted) == needed
    assert not threshold(np.arange(needed, dtype=float), wanted).extrapolated
    assert threshold(np.arange(needed, dtype=float), wanted).promised <= wanted
    if needed > 1:
        assert threshold(np.arange(needed - 1, dtype=float), wanted).promised > wanted


@pytest.mark.parametrize(
    ("scores", "wanted"), [([], 0.01), ([1.0, np.nan], 0.01), ([1.0], 0.0), ([1.0], 1.0)]
)
def test_bad_input_is_told(scores, wanted):
    with pytest.raises(BurnishError):
        threshold(scores, wanted)
