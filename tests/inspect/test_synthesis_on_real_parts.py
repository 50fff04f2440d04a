"""Synthesis on real parts; needs the public sets that BURNISH_DATA names."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from burnish.inspect.cutpaste import CutPaste
from burnish.inspect.pairs import Shot
from burnish.inspect.weak import with_masks
from burnish.media.dataset import PartSet, open_parts
from burnish.media.image import fit, fit_mask

DATA = os.environ.get("BURNISH_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="BURNISH_DATA does not name the folder of public sets")


def read(name: str, goods: int, side: int = 192) -> tuple[list[Shot], list[Shot]]:
    parts: PartSet = open_parts(Path(str(DATA)) / "inspection" / name).only(split="train")
    shots = []
    for part in [*parts.goods[:goods], *parts.defects]:
        image, mask = part.read()
        small = None if mask is None else fit_mask(mask, side)
        shots.append(Shot(fit(image, side), small, part.label, parts.name(part)))
    return [s for s in shots if s.label == "good"], [s for s in shots if s.label != "good"]


@pytest.mark.parametrize("name", ["magnetic_tile", "ball_screw"])
def test_pairs_of_every_class_keep_the_part_and_the_defects_size(name: str) -> None:
    goods, defects = read(name, 8)
    paste, rng = CutPaste(goods, defects), np.random.default_rng(0)
    by_name = {g.name: g.image for g in goods}
    for label, templates in paste.by_class.items():
        shares = [paste.draw(rng, label) for _ in range(12)]
        for pair in shares:
            good = by_name[str(pair.provenance["good"])]
            reach = 2 * (3 + int(0.06 * np.sqrt(pair.mask.sum()))) + 1
            near = cv2.dilate(pair.mask.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
            assert np.array_equal(pair.image[~near], good[~near])
        largest = max(t.share for t in templates)
        assert 0 < np.median([p.mask.mean() for p in shares]) < 3 * largest + 0.02


def test_missing_heads_are_found_from_labels_alone() -> None:
    """At least five of the six labelled parts get a guess, each of at most a fifth of the picture."""
    goods, defects = read("aliens", 20)
    guessed = with_masks(goods, defects)
    assert len(guessed) >= 5 and all(s.weak for s in guessed)
    assert all(0 < s.mask.mean() < 0.2 for s in guessed if s.mask is not None)
