"""An adapter: learns, resumes to the bit, is saved as safetensors and changes what its base makes."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_pipelines import write_pipeline

from burnish.adapt.diffusers import open_pipeline
from burnish.adapt.lora import FILE, train
from burnish.errors import BundleError, BurnishError
from burnish.store.bundle import is_pretrained, read_bundle
from burnish.train.budget import Budget

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> str:
    return f"hub:{write_pipeline(tmp_path_factory.mktemp('base') / 'tiny')}"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for kind, level in (("dark", 40), ("light", 220)):
        (folder / kind).mkdir()
        for k in range(5):
            picture = np.clip(RNG.normal(level, 6, (32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(picture).save(folder / kind / f"{k}.png")
    return folder


def test_an_adapter_learns_and_changes_its_base(base, data, tmp_path):
    plans = []
    done = train(data, tmp_path / "a", Budget(None, 20), base=base, on_plan=plans.append, rate=1e-2)
    assert done.bundle is not None
    assert "10 pictures" in str(plans[0])
    assert "'dark', 'light'" in str(plans[0])
    losses = [row["loss"] for row in done.fitted.curve]
    assert min(losses) < losses[0]
    bundle = read_bundle(tmp_path / "a", "adapter")
    assert bundle.meta["base"] == base
    assert {FILE, "samples.png", "card.md"} <= set(bundle.meta["files"])
    assert is_pretrained(str(tmp_path / "a"))
    plain, adapted = open_pipeline(base), open_pipeline(str(tmp_path / "a"))
    assert adapted.hash != plain.hash
    pictures = [next(pipe.make("dark", 1, steps=1, seed=1)) for pipe in (plain, adapted)]
    assert (pictures[0] != pictures[1]).any()
    further = train(data, tmp_path / "b", Budget(None, 3), base=f"hub:{tmp_path / 'a'}")
    assert further.bundle is not None
    assert further.bundle.meta["base"] == base
    made = next(open_pipeline(str(tmp_path / "b")).make("dark", 1, steps=1, seed=1))
    assert (made != pictures[0]).any()
    files = [bundle.path / FILE, further.bundle.path / FILE]
    assert files[0].read_bytes() != files[1].read_bytes()


def test_an_interrupted_run_goes_on_to_the_bit(base, data, tmp_path):
    whole = train(data, tmp_path / "whole", Budget(None, 6), base=base, seed=3)
    stopped = train(
        data, tmp_path / "b", Budget(None, 6), base=base, seed=3, on_progress=lambda p: p.step >= 3
    )
    assert stopped.bundle is None
    with pytest.raises(BurnishError, match="unfinished run"):
        train(data, tmp_path / "b", Budget(None, 6), base=base, seed=3)
    with pytest.raises(BurnishError, match="begun with other rank"):
        train(data, tmp_path / "b", Budget(None, 6), base=base, seed=3, rank=2, resume=True)
    resumed = train(data, tmp_path / "b", Budget(None, 6), base=base, seed=3, resume=True)
    assert whole.bundle is not None
    assert resumed.bundle is not None
    files = [b.path / FILE for b in (whole.bundle, resumed.bundle)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_what_cannot_be_trained_is_refused(base, data, tmp_path):
    with pytest.raises(BurnishError, match="no multiple of"):
        train(data, tmp_path / "c", Budget(None, 1), base=base, size=33)
    with pytest.raises(BurnishError, match="rank 0"):
        train(data, tmp_path / "c", Budget(None, 1), base=base, rank=0)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    with pytest.raises(BundleError, match="not a bundle"):
        train(data, tmp_path / "taken", Budget(None, 1), base=base)
    folder = tmp_path / "damaged"
    train(data, folder, Budget(None, 1), base=base)
    (folder / FILE).write_bytes(b"")
    with pytest.raises(BundleError, match="missing or damaged"):
        open_pipeline(str(folder))
    meta = json.loads((folder / "bundle.json").read_text())
    assert meta["kind"] == "adapter"
    assert torch.tensor(meta["training"]["best_loss"]).isfinite()
