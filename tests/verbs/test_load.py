"""A bundle made by `train` answers as the model it was made from."""

import numpy as np
import pytest
import torch
from PIL import Image

from burnish.errors import BundleError
from burnish.nets import hourglass
from burnish.store.bundle import SHIPPED, read_bundle
from burnish.train import diffusion
from burnish.train.budget import Budget
from burnish.verbs.load import load
from burnish.verbs.make import make


def test_train_then_load_then_make(tmp_path, monkeypatch):
    def preset(size, **changes):
        return hourglass.preset(size, **{"widths": (32, 32), "depths": (1, 1), "told": 32, **changes})

    monkeypatch.setattr(diffusion, "preset", preset)
    rng = np.random.default_rng(0)
    (tmp_path / "p").mkdir()
    for k in range(5):
        gray = np.repeat(rng.integers(90, 110, (32, 32, 1), dtype=np.uint8), 3, 2)
        Image.fromarray(gray).save(tmp_path / "p" / f"{k}.png")
    diffusion.train(tmp_path / "p", tmp_path / "b", Budget(steps=3), size=32)
    model = load(tmp_path / "b")
    assert model.codec.channels == 1
    assert not model.denoiser.training
    x = torch.randn(1, 1, 32, 32)
    assert torch.equal(model.denoiser(x, torch.zeros(1)).mean, x)
    picture = next(make(model, n=1, steps=2))
    assert picture.shape == (32, 32, 3)
    assert 80 < picture.mean() < 120


def test_the_starter_comes_along_and_knows_its_names():
    """As small as promised, without its encoder, and two names make different pictures at once."""
    place = SHIPPED["starter"]
    assert sum(file.stat().st_size for file in place.iterdir()) <= 10_000_000
    model = load("starter")
    red, green = (next(make(model, name, 1, 2)).astype(float) for name in ("red apple", "green apple"))
    middle = np.s_[24:48, 24:40]
    assert red[middle][..., 0].mean() > red[middle][..., 1].mean() + 40
    assert green[middle][..., 1].mean() > green[middle][..., 0].mean() + 20
    assert not model.codec.reads


def test_a_folder_of_the_same_name_goes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_bundle("starter").path == SHIPPED["starter"]
    (tmp_path / "starter").mkdir()
    with pytest.raises(BundleError, match="not a bundle"):
        read_bundle("starter")
