"""Crops keep picture and mask together."""

import numpy as np
import pytest

from burnish.inspect.crops import cut, relight


@pytest.mark.parametrize("size", [(40, 200), (96, 96), (300, 64)])
def test_mask_and_picture_stay_together_and_the_defect_is_in_sight(size: tuple[int, int]) -> None:
    mask = np.zeros(size, bool)
    mask[10:22, 30:44] = True
    image = np.where(mask[..., None], np.uint8(255), np.uint8(0)).repeat(3, axis=2)
    for seed in range(20):
        seen, true = cut(image, mask, 64, np.random.default_rng(seed))
        assert seen.shape == (64, 64, 3) and true.shape == (64, 64) and true.any()
        assert ((seen[..., 0] > 127) == true).mean() > 0.97


def test_same_generator_same_crop() -> None:
    image = np.random.default_rng(0).integers(0, 255, (80, 90, 3), np.uint8)
    a, b = (cut(image, np.zeros((80, 90), bool), 48, np.random.default_rng(3))[0] for _ in range(2))
    assert np.array_equal(a, b)


def test_light_varies_within_bounds_and_keeps_order() -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8)[None, :, None], (4, 1, 3))
    for seed in range(30):
        seen = relight(ramp, np.random.default_rng(seed))
        assert seen.dtype == np.float32 and seen.min() >= 0 and seen.max() <= 1
        assert seen[:, :64].mean() < seen[:, -64:].mean()
