"""Fields against their closed forms: distances, blur, sampling, frames."""

import numpy as np
import pytest

from burnish.samples.field import blur, box, cloud, cover, disc, lookup, make_frame, ramp, resize


def test_distances() -> None:
    u = np.array([0.0, 0.5, 1.0, 2.0], np.float32)
    v = np.array([0.0, 0.0, 0.0, 2.0], np.float32)
    np.testing.assert_allclose(disc(u, v, (0, 0), 1), [1, 0.5, 0, 1 - 8**0.5], atol=1e-6)
    np.testing.assert_allclose(box(u, v, (1, 1), 0.0), [1, 0.5, 0, -(2**0.5)], atol=1e-6)
    np.testing.assert_allclose(box(u, v, (1, 1), 1.0), disc(u, v, (0, 0), 1), atol=1e-6)


@pytest.mark.parametrize(("sigma", "wave"), [(0.8, 8), (2.0, 20), (5.5, 40), (9.0, 60)])
def test_blur_damps_a_wave_as_a_gaussian_does(sigma: float, wave: int) -> None:
    """A wave of wavelength w keeps exp(-(2 pi sigma / w)^2 / 2) of its height."""
    line = np.sin(np.arange(240) * 2 * np.pi / wave).astype(np.float32)
    damped = blur(np.repeat(line[None], 240, 0), sigma)[60:180, 60:180]
    kept = damped.std() / line[60:180].std()
    assert kept == pytest.approx(np.exp(-((2 * np.pi * sigma / wave) ** 2) / 2), rel=0.05)
    assert damped.mean() == pytest.approx(0, abs=0.01)


def test_blur_leaves_a_constant_alone() -> None:
    flat = np.full((40, 40, 3), 0.3, np.float32)
    np.testing.assert_allclose(blur(flat, 2.0), flat, rtol=1e-5)
    np.testing.assert_allclose(blur(flat[..., 0], 12.0), flat[..., 0], rtol=1e-3)


def test_lookup_is_bilinear_and_repeats() -> None:
    texture = np.array([[0, 1], [2, 3]], np.float32)
    row, column = np.array([0.5, 0.0, 2.0, -1.0], np.float32), np.array([0.5, 0.25, 0.0, 1.0], np.float32)
    np.testing.assert_allclose(lookup(texture, row, column), [1.5, 0.25, 0, 3])


def test_a_frame_turns_and_scales_about_the_part() -> None:
    frame = make_frame(100, (0.2, -0.1), np.pi / 2, 2.0)
    row, column = round((-0.1 + 1) * 50), round((0.2 + 1) * 50)
    assert abs(frame.u[row, column]) < 0.02 and abs(frame.v[row, column]) < 0.02
    assert frame.pixel == pytest.approx(0.01)
    # a quarter turn clockwise: the part's x axis points down the screen
    assert frame.u[row + 20, column] - frame.u[row, column] == pytest.approx(0.2, abs=1e-5)
    np.testing.assert_allclose([d[0, 0] for d in frame.to_image(1.0, 0.0)], [0, 1], atol=1e-6)


def test_ramps_and_coverage() -> None:
    np.testing.assert_allclose(ramp(np.array([-1.0, 0.5, 2.0]), 0, 1), [0, 0.5, 1])
    np.testing.assert_allclose(cover(np.array([-1.0, 0.0, 1.0]), 0.1), [0, 0.5, 1])


def test_clouds_have_their_spread() -> None:
    spread = np.mean([cloud(np.random.default_rng(k), (96, 96), 6, 3).std() for k in range(20)])
    assert spread == pytest.approx(1.2, abs=0.1)


def test_resize_keeps_what_fits() -> None:
    field = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert resize(field, (3, 4)) is field
    assert resize(field, (6, 8)).shape == (6, 8)
