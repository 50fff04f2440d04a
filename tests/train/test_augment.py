"""Views are the eight symmetries of a square; crops lie along the longer side."""

import numpy as np

from burnish.train.augment import VIEWS, draw_view, square, turn


def test_eight_different_views_and_zero_changes_nothing():
    image = np.arange(27).reshape(3, 3, 3)
    views = [turn(image, view) for view in range(VIEWS)]
    assert (views[0] == image).all()
    assert len({view.tobytes() for view in views}) == 8


def test_the_plain_view_has_its_share():
    """4,000 draws at 0.4: within 4.5 standard errors (false alarm under 1e-5)."""
    rng = np.random.default_rng(0)
    drawn = np.bincount([draw_view(rng) for _ in range(4000)], minlength=VIEWS) / 4000
    assert abs(drawn[0] - 0.4) < 4.5 * (0.4 * 0.6 / 4000) ** 0.5
    assert drawn[1:].min() > 0.05


def test_squares_move_along_the_longer_side_alone():
    image = np.arange(8 * 20 * 1).reshape(8, 20, 1)
    rng = np.random.default_rng(0)
    lefts = {int(square(image, 8, rng)[0, 0, 0]) for _ in range(200)}
    assert lefts == set(range(13))
    assert int(square(image, 8)[0, 0, 0]) == 6
