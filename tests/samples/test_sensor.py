"""The sensor against its closed forms: the sRGB curve and the photon's square root."""

import numpy as np
import pytest

from burnish.samples.field import Field
from burnish.samples.sensor import Drift, Noise, develop, respond


def test_the_response_is_srgb_below_its_shoulder() -> None:
    light = np.array([0.0, 0.002, 0.05, 0.2, 0.5], np.float32)
    want = np.where(light < 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(respond(light), want, atol=1e-5)


def test_the_response_rises_and_never_leaves_its_range() -> None:
    answer = respond(np.linspace(-1, 50, 2000, dtype=np.float32))
    assert answer.min() >= 0 and answer.max() <= 1 + 1e-5 and (np.diff(answer) >= -1e-6).all()


def _spread(level: float) -> float:
    """Standard deviation of the picture, in linear light, of a flat grey field."""
    flat: Field = np.full((128, 128, 3), level, np.float32)
    picture = Noise.draw(128, np.random.default_rng(0)).expose(flat) / 255
    linear = np.where(picture < 0.04045, picture / 12.92, ((picture + 0.055) / 1.055) ** 2.4)
    return float(linear.std())


def test_shot_noise_grows_with_the_root_of_light() -> None:
    """Four times the light is twice the noise, where read noise is small beside it."""
    assert _spread(0.48) / _spread(0.12) == pytest.approx(2, rel=0.12)
    assert _spread(0.48) == pytest.approx((0.48 / 9000) ** 0.5, rel=0.35)


def test_exposure_is_exact_in_linear_light() -> None:
    flat: Field = np.full((32, 32, 3), 0.2, np.float32)
    a, b = (develop(flat, Drift(exposure=e), np.random.default_rng(3)) for e in (0.0, -2.0))
    np.testing.assert_allclose(b, a / 4, rtol=1e-5)
