"""Guessed masks."""

import numpy as np
from parts_for_tests import defects, goods

from burnish.inspect.pairs import Shot
from burnish.inspect.weak import weak_mask, with_masks


def smooth_parts(n: int, seed: int) -> list[Shot]:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:96, :96]
    base = 120 + 40 * np.sin(x / 15) * np.cos(y / 20)
    images = [
        np.repeat((base + rng.normal(0, 2, base.shape))[..., None], 3, 2).astype(np.uint8) for _ in range(n)
    ]
    return [Shot(i, np.zeros(base.shape, bool), "good", str(k)) for k, i in enumerate(images)]


def test_a_planted_defect_is_found_without_its_mask() -> None:
    parts = smooth_parts(6, 0)
    image = parts[0].image.copy()
    image[40:54, 60:70] //= 3
    (shot,) = with_masks(parts[1:], [Shot(image, None, "bad", "b")])
    true = np.zeros((96, 96), bool)
    true[40:54, 60:70] = True
    assert shot.weak and shot.mask is not None
    assert (shot.mask & true).sum() > 0.6 * true.sum() and (shot.mask & ~true).sum() < 0.8 * true.sum()


def test_a_heat_map_is_believed() -> None:
    heat = np.zeros((96, 96), np.float32)
    heat[10:20, 10:20] = 1
    mask = weak_mask(smooth_parts(1, 0)[0].image, [], lambda image: heat)
    assert mask[12:18, 12:18].all() and not mask[30:].any()


def test_drawn_masks_stay_and_what_shows_nothing_is_dropped() -> None:
    drawn = defects()
    assert with_masks(goods(), drawn) == drawn
    assert with_masks([], [Shot(drawn[0].image, None, "bad", "b")]) == []
