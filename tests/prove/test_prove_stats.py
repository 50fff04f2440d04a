"""Intervals, claims and paired tests against scipy, enumeration and numerical maximisation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from burnish.core.stats import clopper_pearson, parts_to_prove
from burnish.errors import BurnishError
from burnish.prove.stats import (
    claim_at_least,
    kolmogorov_smirnov,
    non_inferiority,
    paired_difference,
    parts_to_plan,
    population_stability,
    superiority,
    wilson,
)

counts = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, st.sampled_from([0.8, 0.9, 0.95, 0.99]))
@settings(max_examples=60, deadline=None)
def test_intervals_are_scipys_and_hold_the_estimate(given, confidence):
    count, of = given
    found = stats.binomtest(count, of)
    for method, mine in (("exact", clopper_pearson), ("wilson", wilson)):
        reference = found.proportion_ci(confidence, method)
        assert mine(count, of, confidence) == pytest.approx((reference.low, reference.high), abs=1e-9)
        assert mine(count, of, confidence)[0] <= count / of <= mine(count, of, confidence)[1]


def test_ninety_of_a_hundred():
    assert clopper_pearson(90, 100) == pytest.approx((0.8238, 0.9510), abs=5e-5)
    assert wilson(90, 100) == pytest.approx((0.8256, 0.9448), abs=5e-5)
    assert wilson(0, 0) == (0, 1)


@pytest.mark.parametrize(("count", "of", "confidence"), [(-1, 3, 0.95), (4, 3, 0.95), (1, 3, 0.0)])
def test_wilson_refuses_nonsense(count, of, confidence):
    with pytest.raises(ValueError):
        wilson(count, of, confidence)


def test_fifty_of_fifty_cannot_claim_ninety_nine_percent():
    refused = claim_at_least(50, 50, 0.99)
    assert not refused.holds and refused.needed == 299
    assert refused.bound == pytest.approx(0.05 ** (1 / 50))  # closed form of the one-sided bound
    assert "cannot be claimed" in refused.in_words() and "94.18 %" in refused.in_words()
    held = claim_at_least(299, 299, 0.99)
    assert held.holds and "holds" in held.in_words()
    assert "with at most 2 that fail" in claim_at_least(48, 50, 0.99).in_words()


@given(counts, st.floats(0.01, 0.99))
@settings(max_examples=60, deadline=None)
def test_a_claim_holds_exactly_when_there_are_as_many_as_needed(given, wanted):
    claim = claim_at_least(*given, wanted)
    assert claim.holds == (claim.of >= claim.needed)


@pytest.mark.parametrize(("count", "of", "wanted"), [(3, 2, 0.5), (1, 2, 1.0), (1, 2, 0.0)])
def test_a_claim_out_of_range_is_told(count, of, wanted):
    with pytest.raises(BurnishError):
        claim_at_least(count, of, wanted)


def test_sample_size_in_closed_form():
    assert parts_to_prove(0.003) == math.ceil(math.log(0.05) / math.log(0.997)) == 998
    # general k: Gamma(k + 1) quantile / rate is the Poisson limit
    for k in range(6):
        assert parts_to_prove(0.0005, k) == pytest.approx(stats.gamma.ppf(0.95, k + 1) / 0.0005, rel=2e-3)


@given(st.floats(0.002, 0.2), st.floats(0.0, 0.6), st.sampled_from([0.8, 0.9]))
@settings(max_examples=30, deadline=None)
def test_a_plan_is_the_smallest_that_keeps_its_word(wanted, share, power):
    parts, failures = parts_to_plan(wanted, wanted * share, power)
    assert stats.binom.cdf(failures, parts, wanted * share) >= power
    assert clopper_pearson(failures, parts, 0.95, "upper")[1] <= wanted + 1e-12
    for fewer in range(failures):
        smaller = parts_to_prove(wanted, fewer)
        assert stats.binom.cdf(fewer, smaller, wanted * share) < power


def test_a_plan_that_cannot_be():
    with pytest.raises(BurnishError):
        parts_to_plan(0.01, 0.01)
    with pytest.raises(BurnishError):
        parts_to_plan(0.01, 0.00999, limit=100_000)


def test_superiority_is_the_exact_sign_test():
    found = superiority(9, 1)
    assert found.p_value == pytest.approx(stats.binomtest(9, 10, 0.5, alternative="greater").pvalue)
    assert superiority(0, 0).p_value == 1 and superiority(4, 4).p_value > 0.5


def _by_maximisation(better, worse, pairs, difference):
    """Tango's statistic with the restricted likelihood maximised numerically."""

    def negative(p):
        plus = p + difference
        terms = ((better, plus), (worse, p), (pairs - better - worse, 1 - p - plus))
        return -sum(n * math.log(q) for n, q in terms if n)

    low, high = max(0.0, -difference), (1 - difference) / 2
    p = optimize.minimize_scalar(
        negative, (low + 1e-12, high - 1e-12), (low + 1e-12, high - 1e-12), method="bounded",
        options={"xatol": 1e-12},
    ).x  # fmt: skip
    return (better - worse - pairs * difference) / math.sqrt(pairs * (2 * p + difference * (1 - difference)))


@pytest.mark.parametrize(("better", "worse", "pairs"), [(3, 8, 100), (12, 5, 60), (1, 1, 30), (40, 20, 90)])
@pytest.mark.parametrize("margin", [0.02, 0.1, 0.3])
def test_non_inferiority_is_the_score_test(better, worse, pairs, margin):
    found = non_inferiority(better, worse, pairs, margin)
    assert found.statistic == pytest.approx(_by_maximisation(better, worse, pairs, -margin), rel=1e-4)
    assert found.p_value == pytest.approx(stats.norm.sf(found.statistic))


def test_paired_difference_ends_where_the_score_test_does():
    z = stats.norm.ppf(0.975)
    value, low, high = paired_difference(12, 5, 60)
    assert value == pytest.approx(7 / 60) and low < value < high
    assert _by_maximisation(12, 5, 60, low) == pytest.approx(z, rel=1e-4)
    assert _by_maximisation(12, 5, 60, high) == pytest.approx(-z, rel=1e-4)
    # nothing differs: the closed form z^2 / (n + z^2), either way
    assert paired_difference(0, 0, 100) == pytest.approx((0, -z * z / (100 + z * z), z * z / (100 + z * z)))
    swapped = paired_difference(5, 12, 60)
    assert (swapped[1], swapped[2]) == pytest.approx((-high, -low), abs=1e-9)
    assert paired_difference(10, 0, 10)[2] == 1


@pytest.mark.parametrize("margin", [0.05, 0.1])
@pytest.mark.parametrize("changing", [0.15, 0.3])
def test_non_inferiority_keeps_its_level(margin, changing):
    """Exact size by enumeration at the edge of H0, n = 60: within 0.01 of nominal 0.05."""
    n, minus = 60, (changing + margin) / 2
    plus = minus - margin
    size = 0.0
    for b in range(n + 1):
        for c in range(n + 1 - b):
            if non_inferiority(b, c, n, margin).p_value <= 0.05:
                size += stats.multinomial.pmf([b, c, n - b - c], n, [plus, minus, 1 - plus - minus])
    assert size <= 0.06


def test_non_inferiority_refuses_nonsense():
    with pytest.raises(ValueError):
        non_inferiority(8, 8, 10, 0.1)
    with pytest.raises(BurnishError):
        non_inferiority(1, 1, 10, 0)


def test_kolmogorov_smirnov_is_the_largest_gap_of_the_distribution_functions():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=40), rng.normal(0.6, 1, size=30)
    grid = np.concatenate([a, b])
    gap = max(abs((a <= x).mean() - (b <= x).mean()) for x in grid)
    found = kolmogorov_smirnov(a, b)
    assert found.statistic == pytest.approx(gap) and 0 < found.p_value < 0.2


def test_population_stability_is_the_jeffreys_divergence():
    old = np.repeat(np.arange(10.0), 1000)
    share = np.array([0.2, 0.05, 0.05, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    new = np.repeat(np.arange(10.0), (share * 10_000).astype(int))
    found = population_stability(old, new)
    even = np.full(10, 0.1)
    assert found.statistic == pytest.approx(stats.entropy(share, even) + stats.entropy(even, share), rel=2e-3)
    assert found.p_value < 1e-6
    with pytest.raises(ValueError):
        population_stability(old, new[:40])


def test_population_stability_rejects_as_often_as_it_says():
    """2,000 in-control pairs: 5 % nominal, standard error 0.5 %, band of 3."""
    rng = np.random.default_rng(1)
    p = [population_stability(*rng.normal(size=(2, 400))).p_value for _ in range(2000)]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.015)
