"""What passes for a real defect."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from parts_for_tests import defects

from burnish.inspect.plausible import Plausible, crop, describe
from burnish.inspect.windows import cases, real_example


@pytest.fixture(scope="module")
def real():
    return [case for shot in defects() for case in cases(shot)]


def test_contrast_is_the_change_over_the_brightness(real) -> None:
    e = real_example(real[0], np.random.default_rng(0))
    inside = e.mask > 0.5
    flat = replace(
        e, ground=np.full_like(e.ground, 80), change=-50.0 * inside[..., None] * np.ones(3, np.float32)
    )
    assert np.exp(
        describe(flat.__class__(**flat.__dict__ | {"change": flat.change.astype(np.float32)}))[0]
    ) == pytest.approx(50.5 / 100)


def test_real_views_pass_and_spoilt_ones_are_named(real) -> None:
    plausible, rng = Plausible(real), np.random.default_rng(5)
    views = [real_example(c, rng) for c in real for _ in range(10)]
    assert np.mean([plausible.check(e) is None for e in views]) > 0.9
    faint = [plausible.check(replace(e, change=e.change * np.float32(0.1))) for e in views]
    assert set(faint) == {"contrast too low"}
    spots = [e for e in views if e.label == "spot"]
    blurred = [replace(e, change=cv2.GaussianBlur(e.change, (0, 0), 6) * np.float32(3)) for e in spots]
    assert np.mean([plausible.check(e) is not None for e in blurred]) > 0.7


def test_features_reject_what_is_far_from_every_real_one(real) -> None:
    def colour(crops):
        return np.stack([c.astype(np.float64).mean(axis=(0, 1)) for c in crops])

    plausible, rng = Plausible(real, features=colour, slack=100), np.random.default_rng(5)
    e = real_example(real[0], rng)
    odd = replace(e, ground=e.ground * np.array([0.2, 1.5, 0.2], np.float32))
    assert crop(e).dtype == np.uint8
    assert plausible.check(odd) == "unlike the real ones"
    views = [real_example(c, rng) for c in real for _ in range(10)]
    assert np.mean([plausible.check(v) is None for v in views]) > 0.8


def test_a_class_without_examples_is_not_judged(real) -> None:
    e = real_example(real[0], np.random.default_rng(0))
    assert Plausible(real).check(replace(e, label="other")) is None
