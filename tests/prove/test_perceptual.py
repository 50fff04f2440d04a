"""The perceptual hash: near for the same picture, far for another."""

import numpy as np
import pytest

from burnish.prove.perceptual import ALIKE, BITS, distances, perceptual_hash
from burnish.prove.survival import half, jpeg, sample_pictures


def test_the_same_picture_is_near_and_others_are_far():
    parts = list(sample_pictures(6, size=128))
    hashes = [perceptual_hash(part) for part in parts]
    for k, part in enumerate(parts):
        for worn in (jpeg(part, 50), half(part)):
            away = distances(perceptual_hash(worn), hashes)
            assert away.argmin() == k
            assert away[k] <= ALIKE


def test_unrelated_noise_differs_in_half_of_the_bits():
    rng = np.random.default_rng(0)
    hashes = [perceptual_hash(rng.integers(0, 256, (64, 64, 3), np.uint8)) for _ in range(40)]
    away = np.concatenate([distances(hashes[k], hashes[k + 1 :]) for k in range(39)])
    assert away.mean() == pytest.approx(BITS / 2, abs=3)
    assert away.min() > 4 * ALIKE - 10


def test_distances_count_bits():
    one = bytes(32)
    assert distances(one, [one, b"\x01" + bytes(31), b"\xff" * 32]).tolist() == [0, 1, 256]
    assert len(distances(one, [])) == 0
