"""A model whose walks begin below t = 1: chosen by what comes out, kept in the bundle, the same for every way
of asking, and exported."""

import numpy as np
import pytest

from burnish.media.image import write_png
from burnish.nets import hourglass
from burnish.prove import regenerate
from burnish.prove.exit_models import export_model
from burnish.train import diffusion, outline
from burnish.train.budget import Budget
from burnish.verbs.load import load
from burnish.verbs.make import make
from burnish.verbs.session import Session


@pytest.fixture
def trained(monkeypatch, tmp_path):
    """A function from the KID at each time, 1 first, to a tiny model of two classes trained for a moment."""
    small = hourglass.preset
    monkeypatch.setattr(
        diffusion,
        "preset",
        lambda size, **o: small(size, **{"widths": (32, 32), "depths": (1, 1), "told": 32, **o}),
    )
    for name, value in {"LEAST": 0, "CROPS": 40, "REAL": 8, "MADE": 4, "STEPS": 1}.items():
        monkeypatch.setattr(outline, name, value)
    rng = np.random.default_rng(0)
    for label, level in (("dark", 60), ("bright", 190)):
        (tmp_path / "data" / label).mkdir(parents=True)
        for k in range(8):
            picture = np.clip(rng.normal(level, 20, (40, 40, 3)), 0, 255).astype(np.uint8)
            write_png(tmp_path / "data" / label / f"{k}.png", picture)

    def train(*kids: float):
        left = iter(kids)
        monkeypatch.setattr(outline, "kid", lambda made, real: next(left))
        found = diffusion.train(tmp_path / "data", tmp_path / "model", Budget(None, 2), 0, 32)
        assert found.bundle is not None
        return load(found.bundle.path)

    return train


def test_the_time_with_the_lowest_kid_is_kept(trained) -> None:
    model = trained(4.0, 3.0, 1.0, 2.0, 2.0, 2.0)
    assert model.bundle.meta["outline"] == {"start": 0.6, "axes": len(model.outline.axes)}
    assert model.outline.start == 0.6


def test_walks_begin_at_noise_where_that_is_as_good(trained) -> None:
    assert trained(1.0, 1.0, 2.0, 2.0, 2.0, 2.0).outline is None


def test_make_and_a_session_begin_at_the_same_place(trained) -> None:
    model = trained(4.0, 3.0, 1.0, 2.0, 2.0, 2.0)
    session = Session(model, "bright", steps=3, seed=5)
    assert session.t == pytest.approx(0.6)
    *_, last = session
    made = next(make(model, "bright", n=1, steps=3, seed=5))
    assert np.abs(last.picture.astype(int) - made).max() <= 1


def test_a_class_that_is_named_sets_the_brightness_at_once(trained) -> None:
    model = trained(4.0, 3.0, 2.0, 1.0, 2.0, 2.0)
    dark, bright = (np.stack(list(make(model, said, 8, 2))).mean() for said in ("dark", "bright"))
    assert bright > dark + 20


def test_the_exported_model_begins_there_too(trained, tmp_path) -> None:
    model = trained(4.0, 3.0, 1.0, 2.0, 2.0, 2.0)
    found = export_model(model.bundle.path, tmp_path / "exit")
    assert "outline.onnx" in found["onnx"]
    assert regenerate.compare(tmp_path / "exit") == 0
