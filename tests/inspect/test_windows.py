"""Windows on parts, and examples seen through them."""

import numpy as np
import pytest
from parts_for_tests import defects, goods

from burnish.inspect.windows import (
    SIDE,
    Window,
    cases,
    pair_example,
    real_example,
    scale_for,
    window_around,
)


@pytest.mark.parametrize(
    "size,part,factor", [(5, 256, 1), (49, 256, 1), (50, 256, 2), (99, 256, 4), (250, 256, 4), (30, 40, 1)]
)
def test_the_scale_leaves_a_rim_but_no_emptiness(size: float, part: int, factor: int) -> None:
    assert scale_for(size, part) == factor


def test_laying_undoes_seeing() -> None:
    image = np.random.default_rng(0).uniform(0, 255, (96, 128, 3)).astype(np.float32)
    for window in (Window(10, 20, 1), Window(-5, 100, 1)):
        back = window.lay(window.see(image), (96, 128))
        inside = window.lay(np.ones((SIDE, SIDE), np.float32), (96, 128))[..., 0] > 0.5
        assert np.array_equal(back[inside], image[inside]) and not back[~inside].any()


def test_a_coarse_window_averages() -> None:
    image = np.full((128, 128, 3), 7, np.float32)
    image[:64] = 21
    seen = Window(0, 0, 2).see(image)
    assert seen.shape == (SIDE, SIDE, 3)
    assert np.allclose(seen[:32], 21) and np.allclose(seen[32:], 7)
    assert np.allclose(Window(0, 0, 2).lay(seen, (128, 128))[[10, 120], 64, 0], [21, 7])


def test_a_window_holds_its_mask_and_stays_on_the_part() -> None:
    mask = np.zeros((96, 128), bool)
    mask[2:8, 120:127] = True
    window = window_around(mask)
    assert window == Window(0, 64, 1)
    assert window.see(mask.astype(np.float32), 0).sum() == mask.sum()
    small = np.zeros((40, 50), bool)
    small[10:20, 10:20] = True
    assert window_around(small) == Window(-12, -7, 1)


def test_real_examples_add_up_and_are_known_outside_their_support() -> None:
    rng = np.random.default_rng(0)
    for shot in defects():
        (case,) = cases(shot)
        assert shot.mask is not None and np.array_equal(case.mask, shot.mask)
        assert not case.change[0].any() and np.array_equal(case.ground[0], shot.image[0])
        for _ in range(5):
            e = real_example(case, rng)
            assert e.support.any() and not e.change[~e.support].any()
            assert e.change[e.mask > 0.9].mean() < -20  # dark defects
            assert e.label == shot.label and e.factor == 1 and e.change.dtype == np.float32


def test_a_pair_as_an_example_gives_back_the_pair() -> None:
    good = goods(1)[0].image
    mask = np.zeros((96, 128), bool)
    mask[40:50, 60:70] = True
    image = np.where(mask[..., None], 20, good).astype(np.uint8)
    example, window = pair_example(good, image, mask, "spot")
    painted = good + window.lay(example.change, (96, 128))
    assert np.array_equal(painted.round().astype(np.uint8), image)


def test_another_defect_of_the_part_is_in_both_pictures() -> None:
    shot = defects()[0]
    assert shot.mask is not None
    image, mask = shot.image.copy(), shot.mask.copy()
    image[2:8, 2:8], mask[2:8, 2:8] = 10, True
    found = cases(type(shot)(image, mask, "spot", "two"))
    assert len(found) == 2
    (large,) = [c for c in found if not c.mask[4, 4]]
    assert np.array_equal(large.ground[2:8, 2:8], image[2:8, 2:8]) and not large.change[2:8, 2:8].any()
