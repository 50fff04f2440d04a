"""Rivals of a model of pictures: the Gaussian has the data's moments, the seam is where it should be, and on
pictures that truly are Gaussian an untrained model is advised against."""

import numpy as np
import pytest

from burnish.errors import BurnishError, DatasetError
from burnish.media.image import write_png
from burnish.prove.baseline import advise
from burnish.prove.baselines.pictures import compare_pictures, fit_cutpaste, fit_pca
from burnish.store.bundle import WEIGHTS, read_bundle, write_bundle
from burnish.train.pictures import load_pictures
from tiny_bundles import generator


def fields(n, seed=0, size=32):
    """Smooth Gaussian random fields around a slope: PCA is the right model of them."""
    rng = np.random.default_rng(seed)
    axes = np.stack([np.cos(np.pi * k * (np.arange(size) + 0.5) / size) for k in range(4)])
    waves = np.einsum("nab,ax,by->nxy", rng.normal(0, 18, (n, 4, 4)), axes, axes)
    image = np.clip(128 + waves, 0, 255)
    return [np.repeat(one[..., None], 3, 2).astype(np.uint8) for one in image]


def test_the_gaussian_has_the_moments_of_the_data():
    """The mean of 400 draws errs by at most 5 standard errors in 3,072 places (2 in 1,000 runs)."""
    images = fields(300)
    draw = fit_pca(images, [""] * 300)
    rng = np.random.default_rng(0)
    drawn = np.stack([draw("", rng) for _ in range(400)]).astype(float)
    real = np.stack(images).astype(float)
    error = np.abs(drawn.mean(0) - real.mean(0)) / (real.std(0) * np.sqrt(1 / 400) + 0.3)
    assert error.max() < 5
    assert drawn.var(0).mean() == pytest.approx(real.var(0).mean(), rel=0.1)


def test_a_class_has_its_own_mean():
    dark = [np.full((8, 8, 3), 40 + k, np.uint8) for k in range(4)]
    bright = [np.full((8, 8, 3), 200 + k, np.uint8) for k in range(4)]
    draw = fit_pca(dark + bright, ["dark"] * 4 + ["bright"] * 4)
    rng = np.random.default_rng(0)
    assert draw("dark", rng).mean() < 60 < 180 < draw("bright", rng).mean()
    assert 60 < draw("unknown", rng).mean() < 180


def test_the_seam_joins_two_pictures():
    images = [np.full((8, 64, 3), value, np.uint8) for value in (0, 200)]
    made = fit_cutpaste(images, ["", ""])("", np.random.default_rng(0))
    left, right = int(made[0, 0, 0]), int(made[0, -1, 0])
    assert {left, right} == {0, 200}
    assert (made[:, :27] == left).all() and (made[:, 37:] == right).all()


@pytest.fixture
def data(tmp_path):
    for k, image in enumerate(fields(48)):
        write_png(tmp_path / "data" / f"{k:03}.png", image)
    return tmp_path / "data"


def trained(path, data, **changes):
    """An untrained model that says it was trained on the data."""
    made = generator(path / "raw")
    pictures = load_pictures(data, 32)
    meta = {key: value for key, value in made.meta.items() if key not in ("files", "format")}
    meta |= {
        "data": {"hash": pictures.hash, "pictures": 48, "held_out": 24, "licence": "CC0"} | changes,
        "training": {"seed": 0, "best_loss": 1.0},
    }
    copy = (made.path / WEIGHTS).read_bytes()
    return write_bundle(path / "model", meta, lambda folder: (folder / WEIGHTS).write_bytes(copy) and None)


def test_on_gaussian_pictures_the_gaussian_is_recommended(data, tmp_path, record_property):
    bundle = trained(tmp_path, data)
    found, facts = compare_pictures(bundle.path, data, n=24, steps=1)
    advice, first = advise(found)
    assert advice == "against" and first.startswith("DO NOT USE DIFFUSION HERE")
    assert facts == {
        "data_hash": bundle.meta["data"]["hash"],
        "model_hash": bundle.hash,
        "train": 24,
        "held_out": 24,
        "left_out": (),
    }
    pca = next(c for c in found if c.rival == "PCA")
    assert pca.theirs < pca.ours and pca.difference.high < 0
    record_property("measured", f"pictures: {first[:100]}...")


def test_other_data_and_too_few_are_refused(data, tmp_path):
    with pytest.raises(DatasetError, match="its own data"):
        compare_pictures(trained(tmp_path / "a", data, hash="other").path, data, n=8)
    with pytest.raises(DatasetError, match="held out"):
        compare_pictures(trained(tmp_path / "b", data, held_out=0).path, data, n=8)
    with pytest.raises(BurnishError, match="too few"):
        compare_pictures(trained(tmp_path / "c", data).path, data, n=4)
    assert read_bundle(tmp_path / "c" / "model").kind == "diffusion"
