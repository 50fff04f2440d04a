"""Cut-paste pairs."""

import cv2
import numpy as np
import pytest
from parts_for_tests import defects, goods

from burnish.errors import DatasetError
from burnish.inspect.cutpaste import LARGE, SMALL, CutPaste, blend
from burnish.inspect.pairs import Shot
from burnish.inspect.shapes import warp


@pytest.fixture(scope="module")
def paste() -> CutPaste:
    return CutPaste(goods(), defects())


def test_a_pair_differs_from_its_good_part_only_around_its_mask(paste: CutPaste) -> None:
    by_name = {g.name: g.image for g in paste.goods}
    rng = np.random.default_rng(0)
    for _ in range(60):
        pair = paste.draw(rng)
        good = by_name[str(pair.provenance["good"])]
        reach = 2 * (3 + int(0.06 * np.sqrt(pair.mask.sum()))) + 1
        near = cv2.dilate(pair.mask.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
        assert np.array_equal(pair.image[~near], good[~near])
        assert pair.image.dtype == np.uint8 and pair.mask.shape == good.shape[:2]
        assert pair.mask.sum() >= 4
        changed = np.abs(pair.image.astype(int) - good).max(axis=2)
        assert changed[pair.mask].mean() > 3


def test_a_seed_says_everything(paste: CutPaste) -> None:
    first = paste.draw(np.random.default_rng(5))
    again = paste.make(int(str(first.provenance["seed"])))
    assert np.array_equal(first.image, again.image) and np.array_equal(first.mask, again.mask)
    assert first.provenance == again.provenance
    assert {"method", "good", "defect", "mode", "gain", "scale", "angle", "weak_mask"} <= set(
        first.provenance
    )


def test_classes_are_drawn_evenly_or_as_asked(paste: CutPaste) -> None:
    rng = np.random.default_rng(0)
    labels = [paste.draw(rng).label for _ in range(120)]
    assert 35 < labels.count("spot") < 85  # binomial(120, 1/2): outside once in 10^5 runs
    assert {paste.draw(rng, "scratch").label for _ in range(5)} == {"scratch"}


@pytest.mark.parametrize("mode", sorted({*SMALL, *LARGE}))
def test_each_blend_makes_a_dark_defect_dark(paste: CutPaste, mode: str) -> None:
    good = goods(1, seed=9)[0].image
    rng = np.random.default_rng(2)
    laid = warp(paste.by_class["spot"][0], (96, 128), (50.0, 60.0), 5, rng)
    changed, support, gain = blend(good, laid, mode, False, rng)
    inside = np.zeros((96, 128), bool)
    h, w = laid.mask.shape
    inside[laid.top : laid.top + h, laid.left : laid.left + w] = laid.mask > 0.9
    assert changed[inside].mean() < good[inside].mean() - 15
    assert np.array_equal(changed[~support], good[~support])
    assert 0.6 < gain < 1.5


def test_what_cannot_be_pasted_is_said() -> None:
    with pytest.raises(DatasetError, match="no good part"):
        CutPaste([], defects())
    unmasked = [Shot(d.image, None, d.label, d.name) for d in defects()]
    with pytest.raises(DatasetError, match="no defect has a mask"):
        CutPaste(goods(), unmasked)


def test_a_part_smaller_than_the_defect_still_gets_one() -> None:
    mask = np.zeros((96, 128), bool)
    mask[5:90, 5:120] = True
    shot = defects()[0]
    small = CutPaste(
        goods(1, shape=(32, 32)),
        [Shot(np.where(mask[..., None], 30, shot.image).astype(np.uint8), mask, "big", "b")],
    )
    assert small.draw(np.random.default_rng(0)).mask.any()


def test_crumbs_and_defects_that_hardly_show_still_get_a_label() -> None:
    mask = np.zeros((96, 128), bool)
    mask[40, 50] = True
    image = goods(1)[0].image.copy()
    image[40, 50] = 0
    crumb = CutPaste(goods(), [Shot(image, mask, "crumb", "c")])
    assert all(crumb.draw(np.random.default_rng(k)).mask.any() for k in range(20))
    mask[30:50, 40:60] = True
    flat = [Shot(np.full((96, 128, 3), 90, np.uint8), m, "x", "x") for m in (np.zeros((96, 128), bool), mask)]
    unseen = CutPaste(flat[:1], flat[1:])
    pair = unseen.draw(np.random.default_rng(0))
    assert pair.mask.any() and pair.provenance["hardly_visible"]
    assert unseen.rejected["little change"] == unseen.tries
