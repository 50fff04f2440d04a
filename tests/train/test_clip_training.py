"""`burnish train` on clips as a function: the bundle, resumption to the bit, a base, what it says."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from burnish.errors import BundleError, BurnishError
from burnish.media.clip import load_clips
from burnish.media.film import write_film
from burnish.store.bundle import read_bundle
from burnish.train import clips as training
from burnish.train.budget import Budget
from burnish.train.clip_plan import MEASURED, prepare
from burnish.train.clips import draw_sheet as clip_sheet
from burnish.train.clips import measure_copies as clip_copies
from burnish.train.clips import train
from burnish.train.outline import STARTS
from burnish.train.run import work_folder
from burnish.verbs.clips import make
from burnish.verbs.load import load

TINY = {"frames": 4, "widths": (32, 32), "depths": (1, 1), "told": 32}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Judged by few samples."""
    monkeypatch.setattr(
        training,
        "draw_sheet",
        lambda m, lesson, seed, outline=None: clip_sheet(m, lesson, seed, outline, 1, 2),
    )
    monkeypatch.setattr(
        training, "measure_copies", lambda m, lesson, seed: clip_copies(m, lesson, seed, 2, 1)
    )


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for k in range(6):
        for index in range(6):
            frame = np.clip(rng.normal(40 + 60 * (k % 2) + 10 * index, 9, (32, 32, 3)), 0, 255)
            file = tmp_path / "clips" / ("dark", "bright")[k % 2] / str(k) / f"frame_{index}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(frame.astype(np.uint8)).save(file)
    return tmp_path / "clips"


def run(folder, out, steps, **more):
    return train(folder, out, Budget(steps=steps), size=32, **{**TINY, **more})


def test_the_bundle_holds_what_the_design_asks(folder, tmp_path):
    said, seen = [], []
    done = run(
        folder,
        tmp_path / "b",
        4,
        on_plan=said.append,
        on_progress=lambda p: seen.append((work_folder(tmp_path / "b") / "samples.png").exists()) and None,
    )
    meta = read_bundle(tmp_path / "b", kind="diffusion").meta
    assert done.bundle is not None
    assert (meta["media"], meta["size"], meta["classes"]) == ("clip", 32, ["bright", "dark"])
    assert (meta["data"]["clips"], meta["data"]["frames"], meta["data"]["held_out"]) == (6, 36, 6)
    assert len(meta["process"]["correlation"]) == 4
    assert set(meta["files"]) == {"model.safetensors", "samples.png", "card.md"}
    assert any(seen)
    assert not work_folder(tmp_path / "b").exists()
    text = str(said[0])
    assert "6 clips of 36 frames" in text
    assert "2 classes (bright, dark)" in text
    assert "Warning: 15 windows are few" in text


def test_a_stopped_run_goes_on_to_the_bit(folder, tmp_path):
    out = tmp_path / "b"
    stopped = run(folder, out, 12, on_progress=lambda p: p.step >= 6)
    assert stopped.bundle is None
    with pytest.raises(BurnishError, match="unfinished run"):
        run(folder, out, 12)
    with pytest.raises(BurnishError, match="other architecture"):
        run(folder, out, 12, resume=True, told=64)
    resumed, whole = run(folder, out, 12, resume=True), run(folder, tmp_path / "whole", 12)
    assert resumed.bundle is not None
    assert whole.bundle is not None
    hashes = [done.bundle.meta["files"]["model.safetensors"] for done in (resumed, whole)]
    assert hashes[0] == hashes[1]


def test_a_base_is_gone_on_from_with_its_shape_codec_and_classes(folder, tmp_path):
    film = write_film(tmp_path / "film.gif", [np.full((32, 32, 3), 30 * k, np.uint8) for k in range(6)])
    run(folder, tmp_path / "a", 2)
    before = read_bundle(tmp_path / "a").meta
    train(film, tmp_path / "b", Budget(steps=1), size=32, base=tmp_path / "a")
    after = read_bundle(tmp_path / "b").meta
    for key in ("classes", "architecture", "codec"):
        assert after[key] == before[key]
    assert after["process"] != before["process"]
    with pytest.raises(BundleError, match="not clips of 64 px"):
        train(film, tmp_path / "c", Budget(steps=1), size=64, base=tmp_path / "a")


def test_weights_are_taken_over_and_new_classes_start_afresh(folder, tmp_path):
    done = run(folder, tmp_path / "a", 2)
    clips = load_clips(folder, 32)
    more = replace(clips, takes=(*clips.takes, replace(clips.takes[0], label="odd")), classes=("dark", "odd"))
    plan, model = prepare(more, Budget(steps=1), 5, tmp_path / "a")
    state = load_file(done.bundle.path / "model.safetensors")  # type: ignore[union-attr]
    assert plan.clips.classes == ("bright", "dark", "odd")
    mine = model.state_dict()
    name = "net.frame.encoder.label.weight"
    assert (len(state[name]), len(mine[name])) == (3, 4)
    assert torch.equal(mine[name][:3], state[name])
    assert all(torch.equal(mine[key], value) for key, value in state.items() if key not in (name, *MEASURED))


def test_sizes_that_do_not_fit_and_films_without_hold_out(folder, tmp_path):
    with pytest.raises(BurnishError, match="multiple of 32"):
        train(folder, tmp_path / "b", Budget(steps=1), size=50)
    film = write_film(tmp_path / "film.gif", [np.full((32, 32, 3), 40 * k, np.uint8) for k in range(5)])
    said = []
    done = train(film, tmp_path / "b", Budget(steps=1), size=32, on_plan=said.append, **TINY)
    assert done.bundle is not None
    assert "nothing can say when to stop" in str(said[0])
    assert done.bundle.meta["codec"]["mean"][0] > 0


def test_walks_begin_at_the_time_with_the_lowest_kid_where_no_frame_is_known(folder, tmp_path, monkeypatch):
    for name, value in {"LEAST": 0, "WINDOWS": 12, "MADE": 4, "BATCH": 3}.items():
        monkeypatch.setattr(training, name, value)
    monkeypatch.setattr(training, "Features", lambda: lambda images: images)
    asked = []

    def kid(made, real):
        asked.append(made.shape)
        return abs(len(asked) - 12)  # the last one of 8 steps; of 24 then the first

    monkeypatch.setattr(training, "kid", kid)
    run(folder, tmp_path / "b", 2)
    assert set(asked) == {(4, 32, 32, 3), (2, 32, 32, 3)}
    model = load(tmp_path / "b")
    assert model.bundle.meta["outline"]["starts"] == [1.0, STARTS[-1], STARTS[-1]]
    nothing, first = torch.zeros(4, dtype=torch.bool), torch.arange(4) == 0
    assert float(model.times(8, nothing)[0]) == pytest.approx(STARTS[-1])
    assert float(model.times(8, first)[0]) == 1
    dark, bright = (next(make(model, said, steps=2)).astype(float) for said in ("dark", "bright"))
    assert bright.mean() > dark.mean() + 20
    assert dark[-1].mean() > dark[0].mean() + 10  # films of the set grow brighter
    given = np.full((32, 32, 3), 90, np.uint8)
    assert np.array_equal(next(make(model, steps=2, given={0: given}))[0], given)
