"""Going on from a bundle: its weights, codec and classes stay; what is new comes after."""

import numpy as np
import pytest
import torch
from PIL import Image

from burnish.errors import BundleError
from burnish.nets import hourglass
from burnish.nets.latents import Latents
from burnish.nets.tae import TinyAutoencoder
from burnish.store.bundle import read_bundle
from burnish.train import diffusion
from burnish.train.base import open_base
from burnish.train.budget import Budget
from burnish.train.diffusion import train
from burnish.verbs.load import load
from burnish.verbs.make import make


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    def preset(size, **changes):
        return hourglass.preset(size, **{"widths": (32, 32), "depths": (1, 1), "told": 32, **changes})

    monkeypatch.setattr(diffusion, "preset", preset)
    monkeypatch.setattr(diffusion, "BUCKETS", 64)


def draw(folder, *classes, level=100):
    rng = np.random.default_rng(level)
    for k, name in enumerate(classes * 3):
        (folder / name).mkdir(parents=True, exist_ok=True)
        image = np.clip(rng.normal(level, 30, (32, 32, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(image).save(folder / name / f"{k}.png")
    return folder


def test_a_run_from_a_base_begins_where_that_ended(tmp_path):
    train(draw(tmp_path / "one", "b", "d"), tmp_path / "base", Budget(steps=3), size=32)
    before = load(tmp_path / "base")
    more = draw(tmp_path / "two", "a", "b", level=180)
    done = train(more, tmp_path / "next", Budget(steps=1), size=32, base=tmp_path / "base")
    assert done.bundle is not None
    after = load(tmp_path / "next")
    assert after.classes == ("b", "d", "a")
    assert after.codec == before.codec
    assert after.bundle.meta["base"] == before.bundle.hash
    old, new = before.denoiser.state_dict(), after.denoiser.state_dict()
    assert new["net.encoder.label.weight"].shape[0] == old["net.encoder.label.weight"].shape[0] + 1
    # One step of warm-up moves the weights by little; from other random ones they would be far.
    weight = "net.stem.weight"
    assert (new[weight] - old[weight]).abs().max() < 0.01 < old[weight].abs().max()


def test_a_base_of_another_kind_or_size_is_refused(tmp_path):
    folder = draw(tmp_path / "one", "b", "d")
    train(folder, tmp_path / "base", Budget(steps=1), size=32)
    with pytest.raises(BundleError, match="images of 32 px; these are pictures of 64 px"):
        open_base(tmp_path / "base", 64)
    with pytest.raises(BundleError, match="not a bundle"):
        train(folder, tmp_path / "x", Budget(steps=1), size=32, base=folder)


def test_codes_of_an_autoencoder_from_training_to_a_picture_and_on(tmp_path, monkeypatch):
    torch.manual_seed(0)
    net = TinyAutoencoder(width=8, latent=4)
    monkeypatch.setattr(diffusion, "load_autoencoder", lambda place: net)
    monkeypatch.setattr(
        diffusion,
        "preset_latent",
        lambda side, **told: hourglass.preset_latent(side, **{**told, "widths": (32,), "depths": (1,)}),
    )
    folder = draw(tmp_path / "one", "b", "d")
    changes = {"size": 32, "layout": 2, "places": 4, "told": 16}
    train(folder, tmp_path / "base", Budget(steps=2), autoencoder="tiny", **changes)
    model = load(tmp_path / "base")
    assert isinstance(model.codec, Latents)
    assert model.shape == (4, 4, 4)
    assert model.config.views == 0
    picture = next(make(model, "b", 1, 2, guidance=2))
    assert picture.shape == (32, 32, 3)
    assert "autoencoder.safetensors" in read_bundle(tmp_path / "base").meta["files"]
    done = train(folder, tmp_path / "on", Budget(steps=1), size=32, base=tmp_path / "base")
    assert done.bundle is not None
    assert isinstance(load(tmp_path / "on").codec, Latents)


def test_names_learned_by_heart_are_made_after_no_training_at_all(tmp_path):
    """Twelve flat colours with made-up names: the word mean alone tells them, through the whole round."""
    rng = np.random.default_rng(1)
    (tmp_path / "p").mkdir()
    rows = ["file,name"]
    colours = rng.integers(30, 220, (12, 3))
    for k, colour in enumerate(colours):
        noise = rng.normal(0, 2, (32, 32, 3))
        image = np.clip(colour + noise, 0, 255).astype(np.uint8)
        Image.fromarray(image).save(tmp_path / "p" / f"{k}.png")
        rows.append(f"{k}.png,{'abcdefghijkl'[k] * 4} tone")
    (tmp_path / "p" / "captions.csv").write_text("\n".join(rows))
    changes = {"size": 32, "hold": 0, "buckets": 512}
    done = train(tmp_path / "p", tmp_path / "b", Budget(steps=1), word_mean=12, **changes)
    assert done.bundle is not None
    model = load(tmp_path / "b")
    assert (model.config.extra, model.config.views, model.config.buckets) == (3, 0, 512)
    for k in (0, 7):
        made = next(make(model, f"{'abcdefghijkl'[k] * 4} tone", 1, 4))
        assert np.abs(made.mean((0, 1)) - colours[k]).max() < 12
    done = train(tmp_path / "p", tmp_path / "on", Budget(steps=1), size=32, hold=0, base=tmp_path / "b")
    assert done.bundle is not None
    on = load(tmp_path / "on")
    assert torch.equal(on.denoiser.mean.words, model.denoiser.mean.words)  # type: ignore[union-attr]
    assert on.process.deviation == model.process.deviation
