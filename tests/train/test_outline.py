"""A model whose walks begin below t = 1: chosen by what comes out, kept in the bundle, the same for every way
of asking, and exported."""

import json
from collections.abc import Sequence

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

AT_1, AT_05, AT_02 = (
    tuple(1.0 if start == best else 2.0 for start in outline.STARTS) for best in (1.0, 0.5, 0.2)
)
"""KIDs, lowest at one time."""


@pytest.fixture
def trained(monkeypatch, tmp_path):
    """A function from the KIDs of walks of 2, 8 and 24 steps at each time, 1 first, to a tiny model of two
    classes trained for a moment."""
    small = hourglass.preset
    monkeypatch.setattr(
        diffusion,
        "preset",
        lambda size, **o: small(size, **{"widths": (32, 32), "depths": (1, 1), "told": 32, **o}),
    )
    for name, value in {"LEAST": 0, "CROPS": 40, "REAL": 8, "MADE": 4}.items():
        monkeypatch.setattr(outline, name, value)
    rng = np.random.default_rng(0)
    for label, level in (("dark", 60), ("bright", 190)):
        (tmp_path / "data" / label).mkdir(parents=True)
        for k in range(8):
            picture = np.clip(rng.normal(level, 20, (40, 40, 3)), 0, 255).astype(np.uint8)
            write_png(tmp_path / "data" / label / f"{k}.png", picture)

    def train(*kids: Sequence[float]):
        left = iter([kid for of_steps in kids for kid in of_steps])
        monkeypatch.setattr(outline, "kid", lambda made, real: next(left))
        found = diffusion.train(tmp_path / "data", tmp_path / "model", Budget(None, 2), 0, 32)
        assert found.bundle is not None and not list(left)
        return load(found.bundle.path)

    return train


def test_the_time_with_the_lowest_kid_is_kept_for_each_number_of_steps(trained) -> None:
    model = trained(AT_02, AT_05, (1.0, 3.0, 2.0))
    assert model.bundle.meta["outline"] == {"starts": [1.0, 0.5, 0.2], "axes": len(model.outline.axes)}
    assert [model.start(steps) for steps in (24, 12, 8, 4, 3, 2, 1)] == [1, 1, 0.5, 0.5, 0.2, 0.2, 0.2]


def test_long_walks_begin_at_noise_or_where_shorter_ones_do(trained) -> None:
    assert trained(AT_02, AT_05, (3.0, 1.0, 2.0)).outline.starts == (0.5, 0.5, 0.2)
    assert trained(AT_05, AT_05, (3.0, 1.0)).outline.starts == (0.5, 0.5, 0.5)


def test_walks_begin_at_noise_where_that_is_as_good(trained) -> None:
    assert trained(AT_1, AT_1, (1.0,)).outline is None


def test_a_bundle_with_one_time_for_all_is_read(trained, tmp_path) -> None:
    model = trained(AT_02, AT_05, (1.0, 3.0, 2.0))
    file = model.bundle.path / "bundle.json"
    meta = json.loads(file.read_text(encoding="utf-8"))
    meta["outline"] = {"start": 0.4, "axes": meta["outline"]["axes"]}
    file.write_text(json.dumps(meta), encoding="utf-8")
    assert load(model.bundle.path).outline.starts == (0.4, 0.4, 0.4)


def test_make_and_a_session_begin_at_the_same_place(trained) -> None:
    model = trained(AT_02, AT_05, (1.0, 3.0, 2.0))
    for steps, start in ((12, 1.0), (5, 0.5), (3, 0.2)):
        session = Session(model, "bright", steps=steps, seed=5)
        assert session.t == pytest.approx(start)
        *_, last = session
        made = next(make(model, "bright", n=1, steps=steps, seed=5))
        assert np.abs(last.picture.astype(int) - made).max() <= 1


def test_a_class_that_is_named_sets_the_brightness_at_once(trained) -> None:
    model = trained(AT_05, AT_05, (2.0, 1.0))
    dark, bright = (np.stack(list(make(model, said, 8, 2))).mean() for said in ("dark", "bright"))
    assert bright > dark + 20


def test_the_exported_model_begins_there_too(trained, tmp_path) -> None:
    model = trained(AT_02, AT_05, (1.0, 3.0, 2.0))
    found = export_model(model.bundle.path, tmp_path / "exit")
    assert "outline.onnx" in found["onnx"]
    assert regenerate.compare(tmp_path / "exit") == 0
