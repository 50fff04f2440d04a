"""Where defects may go."""

import numpy as np
from parts_for_tests import defects, goods

from burnish.inspect.pairs import Shot
from burnish.inspect.placement import Placement, foreground, registered
from burnish.inspect.templates import cut_templates


def disc_part(shift: int = 0, level: int = 40) -> np.ndarray:
    y, x = np.mgrid[:96, :96]
    image = np.full((96, 96, 3), 200, np.uint8)
    image[(y - 48) ** 2 + (x - 48 - shift) ** 2 < 25**2] = level
    return image


def test_a_part_before_a_plain_background_is_found() -> None:
    y, x = np.mgrid[:96, :96]
    true = (y - 48) ** 2 + (x - 48) ** 2 < 25**2
    found = foreground(disc_part())
    assert (found & true).sum() / (found | true).sum() > 0.8
    assert foreground(goods(1)[0].image).all()


def test_defects_are_placed_on_the_part() -> None:
    shots = [Shot(disc_part(s), np.zeros((96, 96), bool), "good", str(s)) for s in (0, 3, -3)]
    placement, rng = Placement(shots), np.random.default_rng(0)
    for _ in range(50):
        y, x = placement.draw(1, None, rng)
        assert (y - 48) ** 2 + (x - 51) ** 2 < 30**2


def test_registered_parts_are_told_from_others() -> None:
    assert registered([disc_part(s) for s in (0, 1, 0, -1)])
    rng = np.random.default_rng(0)
    assert not registered([rng.integers(0, 255, (64, 64, 3), dtype=np.uint8) for _ in range(5)])
    assert not registered([disc_part()])


def test_on_registered_parts_a_defects_own_place_is_preferred() -> None:
    shots = [Shot(disc_part(), np.zeros((96, 96), bool), "good", str(k)) for k in range(4)]
    mask = np.zeros((96, 96), bool)
    mask[60:66, 46:52] = True
    (template,) = cut_templates(Shot(disc_part(), mask, "spot", "s"))
    placement, rng = Placement(shots), np.random.default_rng(0)
    near = np.mean([abs(placement.draw(0, template, rng)[0] - 63) < 12 for _ in range(200)])
    anywhere = np.mean([abs(placement.draw(0, None, rng)[0] - 63) < 12 for _ in range(200)])
    assert near > anywhere + 0.1


def test_surroundings_like_the_defects_own_are_preferred() -> None:
    half = np.full((96, 128, 3), 60, np.uint8)
    half[:, 64:] = 200
    placement = Placement([Shot(half, np.zeros((96, 128), bool), "good", "g")])
    bright = np.full((96, 128, 3), 200, np.uint8)
    mask = np.zeros((96, 128), bool)
    mask[40:46, 20:26] = True
    (template,) = cut_templates(Shot(bright, mask, "spot", "s"))
    rng = np.random.default_rng(0)
    assert np.mean([placement.draw(0, template, rng)[1] >= 64 for _ in range(200)]) > 0.7
    assert len(cut_templates(defects()[0])) == 1
