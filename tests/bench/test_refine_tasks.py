"""The refine bench spoils pictures as it says, and judges by closed forms."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

import refine_tasks as tasks

RNG = np.random.default_rng(0)
TRUE = RNG.integers(40, 200, (64, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("index", range(5))
def test_holes_have_the_share_asked_for_and_lie_in_the_crop(index):
    small = tasks.with_hole(tasks.SMALL, 32, TRUE, index)
    assert small.hole is not None
    assert tasks.SMALL[0] <= small.hole.mean() <= tasks.SMALL[1]
    assert small.hole[small.crop].sum() == small.hole.sum()
    assert small.hole[small.crop].shape == (32, 32)
    assert (small.given[~small.hole] == TRUE[~small.hole]).all()
    assert (small.given[small.hole] == 128).all()
    large = tasks.with_hole(tasks.LARGE, None, TRUE, index)
    assert large.hole is not None
    assert tasks.LARGE[0] <= large.hole.mean() <= tasks.LARGE[1]


def test_noise_has_its_deviation_and_is_gray_on_gray():
    flat = np.full((64, 64, 3), 128, np.uint8)
    given = tasks.with_noise(flat, 0).given.astype(float)
    assert given.std() == pytest.approx(tasks.NOISE, rel=0.05)
    assert (given == given[..., :1]).all()
    assert (tasks.with_noise(flat, 1).given != given).any()
    colour = tasks.with_noise(TRUE, 0).given.astype(float) - TRUE
    assert abs(np.corrcoef(colour[..., 0].ravel(), colour[..., 1].ravel())[0, 1]) < 0.1


def test_smaller_pictures_are_block_means():
    case = tasks.smaller(4, TRUE, 0)
    assert case.given.shape == (16, 16, 3)
    assert np.abs(case.given[0, 0] - TRUE[:4, :4].mean((0, 1))).max() <= 0.5


def test_psnr_is_of_what_was_to_be_mended():
    case = tasks.with_hole(tasks.LARGE, None, TRUE, 0)
    assert case.hole is not None
    off = TRUE.astype(int)
    off[case.hole] += 5
    assert tasks.psnr(case, off) == pytest.approx(20 * np.log10(255 / 5))
    assert tasks.psnr(tasks.Case(TRUE, TRUE), TRUE.astype(int) + 2) == pytest.approx(20 * np.log10(255 / 2))
    assert tasks.ssim(case, TRUE) == pytest.approx(1)


def test_every_filter_answers_with_a_picture_that_is_nearer_than_nothing():
    smooth = np.repeat((40 + 2 * np.add.outer(np.arange(64), np.arange(32).repeat(2)))[..., None], 3, 2)
    smooth = np.clip(smooth, 0, 255).astype(np.uint8)
    for task in tasks.TASKS:
        case = task.spoil(smooth, 3)
        for name, method in task.filters.items():
            made = method(case)
            assert made.shape == smooth.shape, name
            assert made.dtype == np.uint8, name
            if case.given.shape == smooth.shape:
                assert tasks.psnr(case, made) > tasks.psnr(case, case.given), name
