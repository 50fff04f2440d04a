"""The test of a reviewer: closed form, exact chances, and a thousand simulated reviewers."""

import math

import numpy as np
import pytest
from scipy import integrate

from burnish.prove.vigilance import chance_flagged, log_evidence, watch


@pytest.mark.parametrize(("wrong", "of"), [(0, 0), (2, 2), (1, 10), (7, 30)])
def test_evidence_is_the_average_likelihood_ratio(wrong, of):
    def ratio(p):
        return (p / 0.05) ** wrong * ((1 - p) / 0.95) ** (of - wrong)

    area, _ = integrate.quad(ratio, 0.05, 1)
    assert math.exp(log_evidence(wrong, of)) == pytest.approx(area / 0.95)


def test_evidence_is_fair_under_the_tolerated_rate():
    """E M_{n+1} given M_n equals M_n at the tolerated rate, for every state up to 12 controls."""
    for n in range(12):
        for k in range(n + 1):
            after = 0.05 * math.exp(log_evidence(k + 1, n + 1)) + 0.95 * math.exp(log_evidence(k, n + 1))
            assert after == pytest.approx(math.exp(log_evidence(k, n)))


def test_who_accepts_everything_is_flagged_at_the_second_known_bad_control():
    found = watch([(True, True)] * 10)
    assert found.flagged_at == 2 and found.missed == 10 and "FLAGGED" in found.in_words()
    mixed = watch([(False, True), (True, True)] * 10)
    assert mixed.flagged_at == 4
    refuses = watch([(False, False)] * 3)
    assert refuses.flagged and refuses.refused == 3
    assert not watch([(True, False), (False, True)] * 50).flagged


@pytest.mark.parametrize("controls", [50, 400])
def test_exact_chance_of_a_wrong_flag(controls):
    assert chance_flagged(0.05, controls) <= 0.025
    assert chance_flagged(0.02, controls) < chance_flagged(0.05, controls)
    assert chance_flagged(1.0, 2) == pytest.approx(1) and chance_flagged(1.0, 1) == 0


def test_a_sleepy_reviewer_is_found_in_time():
    assert chance_flagged(0.5, 10) > 0.8 and chance_flagged(0.3, 40) > 0.9


def test_exact_chance_is_that_of_simulated_reviewers():
    rng = np.random.default_rng(0)
    flagged = np.mean([watch((True, a) for a in rng.random(30) < 0.2).flagged for _ in range(2000)])
    assert flagged == pytest.approx(chance_flagged(0.2, 30), abs=0.034)  # three standard errors
