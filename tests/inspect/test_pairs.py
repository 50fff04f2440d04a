"""The label from the true change."""

import cv2
import numpy as np

from burnish.inspect.pairs import grown_box, noise_level, settle


def square(value: float, noise: float = 0.0):
    rng = np.random.default_rng(0)
    good = np.clip(120 + rng.normal(0, noise, (64, 64, 3)), 0, 255).astype(np.uint8)
    inside = np.zeros((64, 64), bool)
    inside[20:36, 24:44] = True
    return good, np.where(inside[..., None], good + value, good).astype(np.float32), inside


def test_the_mask_is_what_changed_whatever_was_asked() -> None:
    good, changed, inside = square(40)
    asked = np.zeros((64, 64), bool)
    asked[10:50, 10:54] = True
    image, mask = settle(good, changed, asked)
    assert (mask & inside).sum() / (mask | inside).sum() > 0.8
    assert np.abs(image[inside].astype(int) - good[inside] - 40).max() == 0


def test_pixels_beyond_the_rim_are_the_originals_to_the_bit() -> None:
    good, changed, _ = square(40, noise=3)
    changed += np.random.default_rng(1).normal(0, 1.5, changed.shape)  # small changes all over
    image, mask = settle(good, changed, np.ones((64, 64), bool))
    rim = cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert mask.any() and not rim.all()
    assert np.array_equal(image[~rim], good[~rim])


def test_a_change_below_noise_or_outside_the_support_is_none() -> None:
    good, changed, inside = square(2.0)
    image, mask = settle(good, changed, inside)
    assert not mask.any() and np.array_equal(image, good)
    good, changed, inside = square(60)
    elsewhere = np.zeros_like(inside)
    elsewhere[:8, :8] = True
    image, mask = settle(good, changed, elsewhere)
    assert not mask.any() and np.array_equal(image, good)
    assert not settle(good, changed, np.zeros_like(inside))[1].any()


def test_noise_level_of_white_noise_is_near_its_deviation() -> None:
    noisy = np.random.default_rng(0).normal(128, 6, (200, 200, 3)).round().astype(np.uint8)
    assert abs(noise_level(noisy) - 6) < 0.6
    assert noise_level(np.full((20, 20, 3), 9, np.uint8)) == 0


def test_grown_box_stays_inside() -> None:
    mask = np.zeros((10, 20), bool)
    mask[1, 18] = True
    assert grown_box(mask, 0) == (1, 2, 18, 19)
    assert grown_box(mask, 5) == (0, 7, 13, 20)
