"""Procedural faults."""

import cv2
import numpy as np
import pytest
from parts_for_tests import goods

from burnish.errors import DatasetError
from burnish.inspect.perlin import LOOKS, SHAPES, Perlin


def test_pairs_change_the_good_part_only_around_their_mask() -> None:
    perlin, rng = Perlin(goods()), np.random.default_rng(0)
    by_name = {g.name: g.image for g in perlin.goods}
    seen = set()
    for _ in range(60):
        pair = perlin.draw(rng)
        good = by_name[str(pair.provenance["good"])]
        reach = 2 * (3 + int(0.06 * np.sqrt(pair.mask.sum()))) + 1
        near = cv2.dilate(pair.mask.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
        assert np.array_equal(pair.image[~near], good[~near])
        assert 0 < pair.mask.mean() < 0.5
        seen |= {pair.provenance["shape"], pair.provenance["look"]}
    assert seen == {*SHAPES, *LOOKS}


def test_a_seed_says_everything() -> None:
    perlin = Perlin(goods(), label="odd")
    first = perlin.draw(np.random.default_rng(3))
    again = perlin.make(int(str(first.provenance["seed"])))
    assert np.array_equal(first.image, again.image) and first.label == again.label == "odd"


def test_one_good_part_is_enough_and_none_is_not() -> None:
    assert Perlin(goods(1)).draw(np.random.default_rng(0)).mask.any()
    with pytest.raises(DatasetError, match="no good part"):
        Perlin([])
