import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from burnish.media.polygon import area, rasterise, rasterise_boxes


def test_a_rectangle_fills_exactly_its_pixels():
    mask = rasterise([[(2, 1), (7, 1), (7, 4), (2, 4)]], (6, 10))
    expected = np.zeros((6, 10), bool)
    expected[1:4, 2:7] = True
    assert np.array_equal(mask, expected)
    assert np.array_equal(rasterise_boxes([(2, 1, 7, 4)], (6, 10)), expected)


@settings(deadline=None)
@given(
    angles=st.lists(st.floats(0, 2 * math.pi), min_size=3, max_size=9, unique=True),
    radius=st.floats(10, 60),
    x=st.floats(65, 95),
    y=st.floats(65, 95),
)
def test_filled_pixels_match_the_shoelace_area(angles, radius, x, y):
    points = [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in sorted(angles)]
    perimeter = sum(math.dist(p, q) for p, q in zip(points, points[1:] + points[:1], strict=True))
    filled = rasterise([points], (160, 160)).sum()
    # Only pixels that the outline crosses can differ, and it crosses fewer than 2 perimeter + 4.
    assert abs(filled - abs(area(points))) <= 2 * perimeter + 4


def test_circle_area():
    points = [(50 + 30 * math.cos(t), 50 + 30 * math.sin(t)) for t in np.linspace(0, 2 * np.pi, 400)]
    assert rasterise([points], (100, 100)).sum() == pytest.approx(math.pi * 900, rel=0.01)


def test_the_union_of_overlapping_polygons_has_no_hole():
    square = [(0, 0), (6, 0), (6, 6), (0, 6)]
    assert rasterise([square, square], (6, 6)).all()


def test_polygons_over_the_edge_are_cut():
    assert rasterise([[(-5, -5), (20, -5), (20, 20), (-5, 20)]], (8, 9)).all()
    assert not rasterise([[(100, 100), (120, 100), (110, 130)]], (8, 9)).any()


@given(x=st.floats(0, 30), y=st.floats(0, 20), dx=st.floats(-20, 20), dy=st.floats(-15, 15))
def test_a_line_between_pixel_centres_is_not_lost(x, y, dx, dy):
    mask = rasterise([[(x, y), (x + dx, y + dy)]], (40, 60))
    assert mask[min(int(y), 39), min(int(x), 59)]


def test_points_that_are_no_numbers_are_left_out():
    assert not rasterise([[(0, 0), (math.nan, 3), (4, 4)], []], (5, 5)).any()


def test_area_has_the_sign_of_the_turn():
    square = [(0, 0), (3, 0), (3, 2), (0, 2)]
    assert area(square) == 6 and area(square[::-1]) == -6
