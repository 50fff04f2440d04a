"""Holes to learn filling in from: of every size, never nothing to fill, the same for the same seed."""

import torch

from burnish.core.process import seeded
from burnish.train.known import draw_known


def test_every_mask_leaves_something_to_fill_and_most_know_something():
    known = draw_known(2000, 32, 48, seeded(0))
    assert known.shape == (2000, 1, 32, 48)
    assert known.dtype == torch.bool
    unknown = (~known).flatten(1).float().mean(1)
    assert float(unknown.min()) > 0
    assert 0.2 < float((unknown < 0.05).float().mean()) < 0.6
    assert float((unknown == 1).float().mean()) < 0.05
    assert float((unknown > 0.5).float().mean()) > 0.1


def test_holes_lie_everywhere_and_inverted_ones_are_the_share_asked_for():
    holes = ~draw_known(4000, 16, 16, seeded(1), inverted=0.0)
    places = holes.float().mean((0, 1))
    assert float(places.min()) > 0.25 * float(places.max())
    some = ~draw_known(4000, 16, 16, seeded(1), inverted=0.25)
    turned_over = (some != holes).flatten(1).any(1).float().mean()
    assert 0.2 < float(turned_over) < 0.3
    inverted = ~draw_known(4000, 16, 16, seeded(1), inverted=1.0)
    whole = holes.flatten(1).all(1)
    assert torch.equal(inverted[~whole], ~holes[~whole])
    assert bool(inverted[whole].all())


def test_a_mask_is_a_function_of_its_generator():
    a, b, c = (draw_known(4, 16, 16, seeded(s)) for s in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
