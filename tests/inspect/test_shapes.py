"""Bent and varied shapes."""

import numpy as np
import pytest
from parts_for_tests import defects, goods

from burnish.inspect.pairs import Shot, grown_box
from burnish.inspect.shapes import smooth_noise, varied, wandering_line, warp
from burnish.inspect.templates import Template, cut_templates


def on_part(template: Template, shape: tuple[int, int], seed: int) -> np.ndarray:
    return warp(template, shape, (40.0, 50.0), 20, np.random.default_rng(seed)).on_part(shape)


def test_a_warp_stays_inside_with_about_its_area() -> None:
    (template,) = cut_templates(defects()[1])
    areas = [on_part(template, (96, 128), seed).sum() / template.mask.sum() for seed in range(40)]
    assert min(areas) > 0.2 and max(areas) < 4.5
    assert 0.65 < np.exp(np.mean(np.log(areas))) < 1.4  # log-uniform scale 0.6 to 1.6: a mean near 1


@pytest.mark.parametrize(
    "rows,columns,axis", [(slice(80, 96), slice(20, 40), 0), (slice(30, 50), slice(0, 9), 1)]
)
def test_a_defect_of_the_border_stays_at_a_border(rows: slice, columns: slice, axis: int) -> None:
    mask = np.zeros((96, 128), bool)
    mask[rows, columns] = True
    (template,) = cut_templates(Shot(goods(1)[0].image, mask, "chip", "c"))
    for seed in range(10):
        moved = on_part(template, (80, 120), seed)
        ends = (moved[0], moved[-1]) if axis == 0 else (moved[:, 0], moved[:, -1])
        assert ends[0].any() or ends[1].any()


def test_a_defect_that_spans_its_part_spans_the_next() -> None:
    mask = np.zeros((96, 128), bool)
    mask[:30] = True
    (template,) = cut_templates(Shot(goods(1)[0].image, mask, "band", "b"))
    moved = on_part(template, (64, 200), 3)
    assert moved.any(axis=0).mean() > 0.97


def test_varied_shapes_differ_and_keep_their_size() -> None:
    for shot in defects():
        (template,) = cut_templates(shot)
        laid = warp(template, (96, 128), (48.0, 64.0), 20, np.random.default_rng(0))
        real = (laid.mask > 0.5).sum()
        found = [varied(laid, (96, 128), False, np.random.default_rng(seed)) for seed in range(12)]
        assert all(0.2 * real < m.sum() < 5 * real for m in found)
        assert len({m.tobytes() for m in found}) >= 10


def test_a_straight_line_has_its_length_and_heading() -> None:
    line = wandering_line((64, 64), (32, 32), 40, 0.0, 0.0, np.random.default_rng(0))
    y0, y1, x0, x1 = grown_box(line > 0, 0)
    assert (
        y1 - y0 == 1 and abs(x1 - x0 - 36) <= 6
    )  # the path runs between the centres of its first and last piece


def test_smooth_noise_is_smooth_and_of_unit_size() -> None:
    field = smooth_noise((200, 200), 10, np.random.default_rng(0))[0]
    assert 0.7 < field.std() < 1.3
    assert np.abs(np.diff(field, axis=0)).mean() < 0.3
