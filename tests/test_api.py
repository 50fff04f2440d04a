"""`import burnish`: light, and the few verbs are there."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import burnish
from burnish.errors import BurnishError
from burnish.nets import hourglass
from burnish.train import diffusion


def test_the_import_alone_loads_nothing_heavy():
    code = (
        "import sys, burnish; heavy = {'torch', 'numpy', 'onnxruntime', 'PIL'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert callable(burnish.train) and callable(burnish.inspect)\n"
        "heavy = {'torch', 'onnxruntime'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'polish'"):
        _ = burnish.polish  # type: ignore[attr-defined]


def test_train_load_make_refine_session(tmp_path, monkeypatch):
    def preset(size, **changes):
        return hourglass.preset(size, **{"widths": (32, 32), "depths": (1, 1), "told": 32, **changes})

    monkeypatch.setattr(diffusion, "preset", preset)
    rng = np.random.default_rng(0)
    (tmp_path / "p").mkdir()
    for k in range(5):
        Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(tmp_path / "p" / f"{k}.png")
    done = burnish.train(tmp_path / "p", tmp_path / "b", steps=2, size=32)
    assert done.bundle is not None
    model = burnish.load(tmp_path / "b")
    (made,) = burnish.make(model, n=1, steps=2)
    assert made.shape == (32, 32, 3)
    (refined,) = burnish.refine(model, made, strength=0.3, steps=2)
    assert refined.picture.levels().shape == (32, 32, 3)
    assert burnish.Session(model, steps=2).step().index == 1
    with pytest.raises(BurnishError, match="cannot be trained"):
        burnish.train(tmp_path / "p", tmp_path / "c", medium="sound")
