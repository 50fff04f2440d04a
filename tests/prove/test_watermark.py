"""The watermark: found after wear, not where there is none, and as quiet as declared."""

import math

import numpy as np
import pytest

from burnish.errors import BurnishError
from burnish.prove.survival import WEARS, sample_pictures
from burnish.prove.watermark import LARGEST, SpreadSpectrum, psnr

MARK = SpreadSpectrum(b"a key for tests")


@pytest.fixture(scope="module")
def parts():
    return list(sample_pictures(3, size=192, seed=5))


@pytest.mark.parametrize("number", [0, 1, 255, 256, 65_537, LARGEST])
def test_the_number_comes_back(parts, number):
    found = MARK.find(MARK.embed(parts[0], number))
    assert found is not None
    assert found.number == number
    assert found.score >= found.threshold


@pytest.mark.parametrize("wear", WEARS)
def test_it_survives(parts, wear):
    rng = np.random.default_rng(0)
    for number, part in enumerate(parts, start=1000):
        found = MARK.find(WEARS[wear](MARK.embed(part, number), rng))
        assert found is not None
        assert found.number == number


def test_a_crop_is_told(parts):
    height, width = parts[0].shape[:2]
    marked = MARK.embed(parts[0], 5)
    found = MARK.find(marked[round(0.03 * height) :, : round(0.98 * width)])
    assert found is not None
    assert found.kept == pytest.approx((0.03, 0.0, 0.0, 0.02), abs=0.011)


def test_it_is_as_quiet_as_declared(parts):
    for part in parts:
        assert psnr(part, MARK.embed(part, 1)) > MARK.quiet - 0.2
    loud, quiet = SpreadSpectrum(b"k", quiet=30.0), SpreadSpectrum(b"k", quiet=50.0)
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    assert psnr(noise, quiet.embed(noise, 1)) > psnr(noise, loud.embed(noise, 1))


def test_without_a_mark_or_with_another_key_nothing_is_found(parts):
    assert MARK.find(parts[0]) is None
    assert SpreadSpectrum(b"another key").find(MARK.embed(parts[0], 7)) is None
    assert MARK.find(np.full((64, 64, 3), 128, np.uint8)) is None


def test_scores_of_unmarked_pictures_stay_below_hoeffdings_bound():
    """Sixty keys on one picture: by the bound z of a fixed number passes 3.2 in 0.6 % of them or fewer."""
    part = next(sample_pictures(1, size=64, seed=1))
    scores = [SpreadSpectrum(bytes([k])).score(part, 12) for k in range(60)]
    assert sum(z > 3.2 for z in scores) <= 2  # expected at most 0.36; more than 2 has probability 0.006
    assert abs(float(np.mean(scores))) < 0.5
    assert 0.7 < float(np.std(scores)) < 1.3


def test_the_threshold_is_the_declared_bound():
    """28 pairs of crops an axis, 2^24 numbers: z with A exp(-z^2 / 2) = rate."""
    for declared in (1e-3, 1e-6):
        z = SpreadSpectrum(b"k", false_positives=declared).threshold
        assert 28**2 * 2**24 * math.exp(-z * z / 2) == pytest.approx(declared)


def test_psnr_of_a_known_difference():
    a = np.zeros((8, 8, 3), np.uint8)
    assert psnr(a, a) == math.inf
    assert psnr(a, a + 1) == pytest.approx(20 * math.log10(255))


def test_what_cannot_be_marked_is_refused(parts):
    with pytest.raises(BurnishError, match="24 bits"):
        MARK.embed(parts[0], LARGEST + 1)
    with pytest.raises(BurnishError, match="too small"):
        MARK.embed(np.zeros((16, 64, 3), np.uint8), 1)
