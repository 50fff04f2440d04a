"""One picture refined: what is known stays to the bit, seeds decide, wishes that clash are refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from burnish.core.gaussian import Preconditioned
from burnish.errors import BurnishError, ImageError
from burnish.media.codec import Pixels
from burnish.media.original import Original
from burnish.nets.hourglass import Hourglass
from burnish.nets.latents import Latents
from burnish.nets.tae import TinyAutoencoder
from burnish.verbs.fill import smooth
from burnish.verbs.load import load
from burnish.verbs.natural import code_mask
from burnish.verbs.refine import refine
from tiny_bundles import generator

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(60, 180, (40, 52, 3), dtype=np.uint8)
HOLE = np.zeros((40, 52), bool)
HOLE[5:15, 30:45] = True


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("refine") / "b"
    generator(path, classes=2)
    return load(path)


@pytest.fixture(scope="module")
def white(model):
    """The exact denoiser of white noise of unit variance: a network that answers zero, as before training."""
    codec = Pixels((120.0,) * 3, (40.0,) * 3)
    return replace(model, denoiser=Preconditioned(Hourglass(model.config)).eval(), codec=codec)


def one(*arguments, **wishes) -> np.ndarray:
    return next(refine(*arguments, **wishes)).picture.pixels


@pytest.mark.parametrize(
    "wish", [{}, {"strength": 0.4}, {"answer": "mean", "draws": 2}, {"whole": True}, {"rounds": 3}]
)
def test_outside_the_mask_nothing_changes(model, wish):
    out = one(model, PICTURE, HOLE, steps=2, **wish)
    assert (out[~HOLE] == PICTURE[~HOLE]).all()
    assert (out[HOLE] != PICTURE[HOLE]).any()


def test_a_picture_keeps_its_own_form(model):
    deep = RNG.integers(0, 65536, (40, 52), dtype=np.uint16)
    alpha = RNG.integers(0, 256, (40, 52), dtype=np.uint8)
    for original in (Original(deep, full=65535), Original(PICTURE, alpha), Original(PICTURE[..., 0])):
        made = next(refine(model, original, HOLE, steps=1)).picture
        assert made.pixels.dtype == original.pixels.dtype
        assert (made.pixels[~HOLE] == original.pixels[~HOLE]).all()
        assert made.alpha is original.alpha


def test_the_same_seed_gives_the_same_and_variations_differ(model):
    first, second = [list(refine(model, PICTURE, variations=3, steps=2, seed=4)) for _ in range(2)]
    assert all((a.picture.pixels == b.picture.pixels).all() for a, b in zip(first, second, strict=True))
    assert (first[0].picture.pixels != first[1].picture.pixels).any()
    alone = one(model, PICTURE, variations=1, strength=0.6, steps=2, seed=4)
    assert (alone == first[0].picture.pixels).all()
    assert (one(model, PICTURE, strength=0.6, steps=2, seed=5) != alone).any()


def test_a_small_strength_changes_little(white):
    change = [
        np.abs(one(white, PICTURE, strength=t).astype(float) - PICTURE).mean() for t in (0.001, 0.1, 0.6)
    ]
    assert change[0] <= 1
    assert change[0] < change[1] < change[2]


def test_a_border_is_added_around_the_untouched_picture(model):
    result = next(refine(model, PICTURE, outpaint=(3, 0, 8, 5), steps=2))
    assert result.picture.size == (45, 63)
    assert (result.picture.pixels[:40, 3:55] == PICTURE).all()
    assert (result.picture.pixels[:, :3] != result.before.pixels[:, :3]).any()


@pytest.mark.parametrize("to", [2, 4])
def test_an_enlarged_picture_shrinks_to_the_one_given(white, to):
    small = RNG.integers(110, 140, (11, 17, 3), dtype=np.uint8)
    white = replace(white, codec=Pixels((125.0,) * 3, (15.0,) * 3))  # so that no level is clipped
    for answer in ("sample", "mean"):
        out = one(white, small, to=to, steps=3, answer=answer, draws=2)
        assert out.shape == (11 * to, 17 * to, 3)
        back = out.reshape(11, to, 17, to, 3).astype(float).mean((1, 3))
        assert np.abs(back - small).max() <= 0.6  # rounded to whole levels


def test_noise_is_taken_out_by_the_closed_form(white):
    """Of white data, deviation d, under noise s the posterior mean is d^2 / (d^2 + s^2) of the picture."""
    out = one(white, PICTURE, noise=30, answer="mean")
    expected = 120 + (PICTURE - 120.0) * 40**2 / (40**2 + 30**2)
    assert np.abs(out - expected).max() <= 0.51
    assert (one(white, PICTURE, noise=30, answer="mean", seed=9) == out).all()


def test_rounds_keep_the_least_odd(model):
    result = next(refine(model, PICTURE, rounds=4, steps=2, strength=0.5))
    assert 2 <= len(result.scores) <= 5
    assert result.kept == int(np.argmin(result.scores))
    if result.kept == 0:
        assert (result.picture.pixels == PICTURE).all()
    fresh = next(refine(model, PICTURE, HOLE, rounds=2, steps=2))
    assert fresh.scores[0] == float("inf")
    assert fresh.kept >= 1


def test_a_hole_is_filled_whatever_lies_in_it_unless_a_strength_says_otherwise(model):
    other = PICTURE.copy()
    other[HOLE] = 7
    for wish, same in (
        ({}, True),
        ({"answer": "mean"}, True),
        ({"strength": 1}, True),
        ({"strength": 0.3}, False),
    ):
        fills = [one(model, picture, HOLE, steps=2, **wish)[HOLE] for picture in (PICTURE, other)]
        assert (fills[0] == fills[1]).all() == same, wish


def test_a_smooth_fill_continues_a_slope_and_keeps_the_rest():
    slope = np.repeat(np.add.outer(2 * np.arange(40), np.arange(52))[..., None], 3, 2).astype(np.float32)
    given = slope.copy()
    given[HOLE] = 255
    filled = smooth(given, HOLE)
    assert (filled[~HOLE] == slope[~HOLE]).all()
    assert np.abs(filled - slope)[HOLE].mean() < 5
    assert (smooth(given, np.ones_like(HOLE)) == 128).all()


def test_a_class_and_a_callback_are_heard(model):
    cat, dog = (one(model, PICTURE, describe=name, strength=0.9, steps=2) for name in ("cat", "dog"))
    assert (cat != dog).any()
    seen = []
    one(model, PICTURE, steps=3, callback=lambda step: seen.append(step.index) or step.index == 2)
    assert seen == [1, 2]


def test_codes_of_an_autoencoder_fill_holes_too(model):
    """An untrained autoencoder rebuilds nothing, so what must stay is judged: the file around the hole."""
    torch.manual_seed(0)
    codec = Latents(TinyAutoencoder(8, 3), [0.0] * 3, [1.0] * 3)
    coded = replace(model, codec=codec, size=32 * codec.factor)
    out = one(coded, PICTURE, HOLE, steps=2)
    assert (out[~HOLE] == PICTURE[~HOLE]).all()
    assert (out[HOLE] != PICTURE[HOLE]).any()
    assert code_mask(HOLE, coded).sum() == 2 * 3  # rows 5 to 15 and columns 30 to 45, in cells of 8
    with pytest.raises(BurnishError, match="model of pixels"):
        refine(coded, PICTURE, to=2)


def test_files_are_read_and_wrong_input_is_refused(model, tmp_path):
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    assert (one(model, tmp_path / "a.png", steps=1) == one(model, PICTURE, steps=1)).all()
    with pytest.raises(ImageError, match="cannot be read"):
        refine(model, tmp_path / "b.png")
    with pytest.raises(BurnishError, match="is 40 x 52 but its picture is 52 x 40"):
        refine(model, PICTURE, HOLE.T)
    with pytest.raises(BurnishError, match="marks no pixel"):
        refine(model, PICTURE, HOLE & False)
    with pytest.raises(BurnishError, match="upscaling"):
        refine(model, PICTURE, HOLE, to=2)
    with pytest.raises(BurnishError, match="Its classes are"):
        refine(model, PICTURE, describe="horse")
    with pytest.raises(BurnishError, match="gray"):
        refine(replace(model, codec=Pixels((9.0,), (9.0,))), PICTURE)
    with pytest.raises(BurnishError, match="no picture"):
        refine(model, PICTURE.astype(float))


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"strength": 0}, "above 0"),
        ({"strength": 1.2}, "above 0"),
        ({"to": 3}, "2x or 4x"),
        ({"guidance": -1}, "guidance"),
        ({"rounds": 0}, "rounds 0"),
        ({"variations": 0}, "variations 0"),
        ({"outpaint": (1, 2, 3)}, "four numbers"),
        ({"outpaint": (1, 2, 3, -1)}, "four numbers"),
        ({"answer": "best"}, "sample, mean"),
        ({"noise": 300}, "below 255"),
        ({"noise": 3, "strength": 0.2}, "cannot go with"),
        ({"to": 2, "outpaint": (1, 1, 1, 1)}, "cannot go with"),
    ],
)
def test_wishes_out_of_range_are_refused(model, wish, message):
    with pytest.raises(BurnishError, match=message):
        refine(model, PICTURE, **wish)
