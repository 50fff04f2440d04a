"""Classic filters: what is spoiled and how, PSNR by hand, and an untrained model that they beat."""

import numpy as np
import pytest
from test_baselines_pictures import data, trained  # noqa: F401

from burnish.errors import BurnishError
from burnish.prove.baseline import advise
from burnish.prove.baselines.refining import (
    NOISE,
    WAYS,
    compare_refining,
    halved,
    psnr,
    with_hole,
    with_noise,
)
from burnish.prove.compare import compare


def picture(size=32):
    x = np.linspace(0, 6, size)
    image = 128 + 60 * np.sin(x)[None] * np.cos(x)[:, None]
    return np.repeat(np.rint(image)[..., None], 3, 2).astype(np.uint8)


def test_psnr_by_hand():
    true = np.full((4, 4, 3), 100, np.uint8)
    assert psnr(true + 10, true) == pytest.approx(20 * np.log10(25.5))
    assert psnr(true, true) == 60
    hole = np.zeros((4, 4), bool)
    hole[0, 0] = True
    given = true.copy()
    given[0, 0] = 110
    assert psnr(given, true, hole) == pytest.approx(20 * np.log10(25.5))


def test_pictures_are_spoiled_as_told():
    image, rng = picture(256), np.random.default_rng(0)
    noisy = with_noise(image, rng).given.astype(float)
    assert (noisy - image).std() == pytest.approx(NOISE, rel=0.02)
    assert (noisy == noisy[..., :1]).all()
    spoilt = with_hole(image, rng)
    assert spoilt.hole is not None and spoilt.hole.sum() == 64 * 64
    assert (spoilt.given[spoilt.hole] == 128).all()
    assert (spoilt.given[~spoilt.hole] == image[~spoilt.hole]).all()
    small = halved(image, rng).given
    assert small.shape == (128, 128, 3)
    assert small[3, 5, 0] == np.rint(image[6:8, 10:12, 0].mean())


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.rival.name)
def test_each_filter_mends(way):
    image = picture(64)
    spoilt = way.spoil(image, np.random.default_rng(1))
    mended = way.filter(spoilt)
    assert mended.shape == image.shape and mended.dtype == np.uint8
    if spoilt.given.shape == image.shape:
        assert psnr(mended, image, spoilt.hole) > psnr(spoilt.given, image, spoilt.hole) + 3
    else:
        assert psnr(mended, image) > 30


def test_an_untrained_model_is_advised_against(data, tmp_path, record_property):  # noqa: F811
    bundle = trained(tmp_path, data)
    found, facts = compare(bundle.path, data, "refine", n=8, steps=1)
    advice, first = advise(found)
    assert advice == "against" and first.startswith("DO NOT USE DIFFUSION HERE (refine image: ")
    assert [c.n for c in found] == [8, 8, 8] and facts["held_out"] == 24
    record_property("measured", f"refiner: {first[:80]}...")


def test_too_few_and_unknown_verbs_are_refused(data, tmp_path):  # noqa: F811
    bundle = trained(tmp_path, data)
    with pytest.raises(BurnishError, match="At least 8"):
        compare_refining(bundle.path, data, n=4)
    with pytest.raises(BurnishError, match="no baseline for 'dance image'"):
        compare(bundle.path, data, "dance")
