"""`burnish train` as a function: the bundle, resumption, what it says and refuses."""

import numpy as np
import pytest
from PIL import Image

from burnish.errors import BurnishError
from burnish.nets import hourglass
from burnish.store.bundle import read_bundle
from burnish.train import diffusion
from burnish.train.budget import Budget
from burnish.train.diffusion import draw_sheet as diffusion_sheet
from burnish.train.diffusion import measure_copies as diffusion_copies
from burnish.train.diffusion import train
from burnish.train.run import work_folder


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """A network that trains in a second, judged by few samples."""

    def preset(size, **changes):
        return hourglass.preset(size, **{"widths": (32, 32), "depths": (1, 1), "told": 32, **changes})

    def draw_sheet(model, lesson, seed, outline=None):
        return diffusion_sheet(model, lesson, seed, count=2, steps=2)

    def measure_copies(model, lesson, seed):
        return diffusion_copies(model, lesson, seed, count=2, steps=2)

    monkeypatch.setattr(diffusion, "preset", preset)
    monkeypatch.setattr(diffusion, "draw_sheet", draw_sheet)
    monkeypatch.setattr(diffusion, "measure_copies", measure_copies)
    monkeypatch.setattr(diffusion, "BUCKETS", 64)


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for k in range(12):
        image = np.clip(rng.normal(60 + 100 * (k % 2), 20, (32, 32, 3)), 0, 255).astype(np.uint8)
        place = tmp_path / "pictures" / ("dark", "bright")[k % 2] / f"{k}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place)
    return tmp_path / "pictures"


def test_the_bundle_holds_what_the_design_asks(folder, tmp_path):
    said, seen = [], []
    done = train(
        folder,
        tmp_path / "b",
        Budget(steps=6),
        size=32,
        few_steps=0.25,
        on_plan=said.append,
        on_progress=lambda p: seen.append((work_folder(tmp_path / "b") / "samples.png").exists()) and None,
    )
    assert done.bundle is not None
    bundle = read_bundle(tmp_path / "b", kind="diffusion")
    meta = bundle.meta
    assert meta["classes"] == ["bright", "dark"]
    assert (meta["data"]["pictures"], meta["data"]["held_out"], meta["size"]) == (12, 1, 32)
    assert len(meta["data"]["hash"]) == 16
    assert meta["training"]["curve"][-1]["step"] == 4
    assert meta["few_steps"]["updates"] == 2
    assert meta["architecture"]["paces"] == 3
    assert {"architecture", "codec", "process", "cost", "versions"} <= set(meta)
    assert meta["cost"]["seconds"] > 0
    assert set(meta["files"]) == {"model.safetensors", "samples.png", "card.md"}
    assert any(seen)
    assert not work_folder(tmp_path / "b").exists()
    text = str(said[0])
    assert "12 pictures" in text
    assert "2 classes (bright, dark)" in text
    assert "Warning: 12 pictures are few" in text
    assert str(done).startswith("4 updates")


def test_the_same_seed_gives_the_same_model(folder, tmp_path):
    hashes = [
        train(folder, tmp_path / name, Budget(steps=2), seed=seed, size=32).bundle.meta["files"][
            "model.safetensors"
        ]  # type: ignore[union-attr]
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_stopped_run_writes_no_bundle_and_goes_on(folder, tmp_path):
    out = tmp_path / "b"
    stopped = train(folder, out, Budget(steps=20), size=32, on_progress=lambda p: p.step >= 10)
    assert stopped.bundle is None
    assert "--resume" in str(stopped)
    assert not out.exists()
    with pytest.raises(BurnishError, match="unfinished run"):
        train(folder, out, Budget(steps=20), size=32)
    with pytest.raises(BurnishError, match="other seed"):
        train(folder, out, Budget(steps=20), seed=1, size=32, resume=True)
    resumed = train(folder, out, Budget(steps=20), size=32, resume=True)
    whole = train(folder, tmp_path / "whole", Budget(steps=20), size=32)
    assert resumed.bundle is not None
    assert whole.bundle is not None
    assert (
        resumed.bundle.meta["files"]["model.safetensors"] == whole.bundle.meta["files"]["model.safetensors"]
    )


def test_sizes_that_do_not_fit_are_refused(folder, tmp_path):
    with pytest.raises(BurnishError, match="multiple of 32"):
        train(folder, tmp_path / "b", Budget(steps=1), size=50)


def test_a_place_that_is_not_a_bundle_is_refused_before_training(folder, tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.txt").write_text("mine")
    with pytest.raises(BurnishError, match="not a bundle"):
        train(
            folder, tmp_path / "b", Budget(steps=1), size=32, on_progress=lambda p: pytest.fail("it trained")
        )
