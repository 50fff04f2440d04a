"""Cutting defects out, and what was under them."""

import numpy as np
import pytest
from parts_for_tests import defects, goods

from burnish.inspect.pairs import Shot
from burnish.inspect.templates import calm, cut_templates, fill, grain, textured_ground


@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_fill_of_a_ramp_is_the_ramp(slope: float) -> None:
    ramp = np.repeat((100 + slope * np.arange(48, dtype=np.float32))[None, :, None], 40, axis=0).repeat(3, 2)
    hole = np.zeros((40, 48), bool)
    hole[15:22, 20:27] = True
    filled = fill(np.where(hole[..., None], 0, ramp).astype(np.float32), hole)
    assert np.abs(filled - ramp)[~hole].max() < 1e-3
    assert np.abs(filled - ramp)[hole].max() < 0.5 + 3 * slope


def test_fill_without_anything_known_is_the_mean() -> None:
    image = np.random.default_rng(0).uniform(0, 255, (9, 7, 3)).astype(np.float32)
    assert np.allclose(fill(image, np.ones((9, 7), bool)), image.mean(axis=(0, 1)))


def test_stripes_under_a_defect_come_back() -> None:
    stripes = np.repeat(np.where(np.arange(80) % 4 < 2, 80, 160)[None, :, None], 70, axis=0).repeat(3, 2)
    hole = np.zeros((70, 80), bool)
    hole[30:44, 33:45] = True
    broken = np.where(hole[..., None], 0, stripes).astype(np.float32)
    ground = textured_ground(broken, hole, (30, 44, 33, 45))
    assert np.abs(ground - stripes).max() < 1


def test_templates_know_their_place() -> None:
    shot = defects()[0]
    (template,) = cut_templates(shot)
    assert shot.mask is not None
    assert np.array_equal(template.on_part(shot.mask.shape), shot.mask)
    assert template.sides == (False, False, False, False) and template.label == "spot"
    y0, y1, x0, x1 = template.box
    assert template.mask[y0:y1, x0:x1].sum() == shot.mask.sum()


def test_a_defect_at_the_border_is_known_as_such() -> None:
    mask = np.zeros((60, 60), bool)
    mask[50:, 10:20] = True
    (template,) = cut_templates(Shot(goods(1, shape=(60, 60))[0].image, mask, "chip", "c"))
    assert template.sides == (False, True, False, False)
    assert np.array_equal(template.on_part((60, 60)), mask)


def test_near_pieces_are_one_template_and_far_ones_two() -> None:
    mask = np.zeros((60, 60), bool)
    mask[10:14, 10:14] = mask[10:14, 17:20] = mask[40:44, 40:44] = True
    image = goods(1, shape=(60, 60))[0].image
    assert len(cut_templates(Shot(image, mask, "spot", "s"))) == 2
    assert cut_templates(Shot(image, None, "spot", "s")) == []


def test_calm_takes_grain_and_leaves_the_defect() -> None:
    rng = np.random.default_rng(0)
    hole = np.zeros((48, 48), bool)
    hole[10:38, 10:38] = True
    clean = np.zeros((48, 48, 3), np.float32)
    clean[14:34, 14:34] = -60
    noise = rng.normal(0, 3, (48, 48, 1)).astype(np.float32)
    size = grain(100 + np.broadcast_to(noise, (48, 48, 3)), np.zeros((48, 48), bool))
    calmed = calm((clean + noise) * hole[..., None], hole, size)
    flat = (slice(18, 30), slice(18, 30))
    assert np.abs(calmed - clean)[flat].mean() < 0.6 * np.abs(noise[flat]).mean()
    assert calmed[14:34, 14:34].mean() < -57 and abs(calmed[10:13].mean()) < 3
    assert not calmed[~hole].any()


def test_the_texture_under_a_speck_is_looked_for_at_a_few_hundred_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image = np.random.default_rng(0).uniform(0, 255, (300, 420, 3)).astype(np.float32)
    hole = np.zeros((300, 420), bool)
    hole[100:103, 200:203] = True
    looked, plain = [], np.ndarray.any

    class Counting(np.ndarray):
        def any(self, *args, **kwargs):
            looked.append(1)
            return plain(np.asarray(self), *args, **kwargs)

    textured_ground(image, hole.view(Counting), (100, 103, 200, 203))
    assert 100 < len(looked) < 600
