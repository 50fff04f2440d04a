"""A bundle made by `train` answers as the model it was made from."""

import numpy as np
import torch
from PIL import Image

from burnish.nets import hourglass
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
