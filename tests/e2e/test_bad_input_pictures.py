"""Bad pictures, prompts, masks and bundles through `train`, `make` and `refine`: a clear message, the right
exit code, never a traceback, and what is good is done."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_bad_input import Said, burnish, giant_png

from burnish.media.image import read_image
from burnish.nets import hourglass
from burnish.store.bundle import DESCRIPTION
from burnish.train import diffusion

RNG = np.random.default_rng(0)


def noise(height: int = 32, width: int = 32) -> Image.Image:
    return Image.fromarray(RNG.integers(0, 255, (height, width, 3), dtype=np.uint8))


def write_every_kind(folder: Path) -> tuple[int, set[str]]:
    """Pictures of every kind and every damage; answers how many can be used, and the names of the rest."""
    folder.mkdir(parents=True)
    noise().save(folder / "plain.png")
    noise().convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(RNG.integers(0, 65536, (32, 32), dtype=np.uint16)).save(folder / "deep.png")
    noise().save(folder / "moving.gif", save_all=True, append_images=[noise(), noise()])
    noise().convert("RGBA").save(folder / "clear.png")
    noise().convert("P").save(folder / "palette.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    noise(32, 48).save(folder / "turned.jpg", exif=turned)
    noise(1, 1).save(folder / "pixel.png")
    noise(64, 64).save(folder / "whole.jpg", quality=95)
    whole = (folder / "whole.jpg").read_bytes()
    (folder / "whole.jpg").unlink()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "text.png").write_text("this is a text")
    (folder / "empty.png").write_bytes(b"")
    (folder / "giant.png").write_bytes(giant_png(20_000, 20_000))
    return 8, {"cut.jpg", "text.png", "empty.png", "giant.png"}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("mixed") / "in"
    write_every_kind(folder)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory, mixed) -> tuple[Path, Said]:
    """A bundle of a small network, trained on the mixed folder by the command itself."""

    def preset(size, **changes):
        return hourglass.preset(size, **{"widths": (32, 32), "depths": (1, 1), "told": 32, **changes})

    out = tmp_path_factory.mktemp("bundle") / "b"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diffusion, "preset", preset)
        said = burnish("train", mixed, "--out", out, "--steps", 1, "--size", 32)
    return out, said


def clear(said: Said, code: int, *words: str) -> bool:
    """Whether a command ended with a code and the words, and without a traceback."""
    missing = [word for word in words if word not in said.text]
    assert said.code == code, said.text
    assert not missing, (missing, said.text)
    assert "Traceback" not in said.text
    return True


def test_training_takes_every_kind_and_names_what_is_broken(trained):
    bundle, said = trained
    assert clear(said, 0, "Found 8 pictures", "cut.jpg", "text.png", "empty.png", "giant.png")
    assert (bundle / DESCRIPTION).is_file()


def test_refine_does_every_kind_and_names_what_is_broken(trained, mixed, tmp_path):
    said = burnish("refine", trained[0], mixed, "--steps", 1, "--out", tmp_path / "out")
    assert clear(said, 1, "8 refined, 4 left out", "cut.jpg", "text.png", "empty.png", "giant.png")
    assert clear(said, 1, "cmyk.jpg: CMYK became RGB")
    made = {file.stem for file in (tmp_path / "out").iterdir()}
    assert made == {"plain", "cmyk", "deep", "moving", "clear", "palette", "turned", "pixel", "sheet"}
    assert read_image(tmp_path / "out" / "turned.png").shape == (48, 32, 3)
    assert read_image(tmp_path / "out" / "pixel.png").shape == (1, 1, 3)
    with Image.open(tmp_path / "out" / "deep.png") as deep:
        assert deep.mode.startswith("I;16")


def test_folders_and_captions_without_pictures_are_refused(trained, tmp_path):
    (tmp_path / "empty").mkdir()
    for command in (("train", tmp_path / "empty"), ("refine", trained[0], tmp_path / "empty")):
        assert clear(burnish(*command, "--out", tmp_path / "x"), 2, "empty", "picture")
    assert clear(burnish("train", tmp_path / "none", "--out", tmp_path / "x"), 2, "none", "not exist")
    assert clear(burnish("refine", trained[0], tmp_path / "no.png", "--out", tmp_path / "x"), 2, "no.png")
    (tmp_path / "captions.csv").write_text("file,name\nmissing.png,a red key\n")
    said = burnish("train", tmp_path, "--medium", "image", "--out", tmp_path / "x")
    assert clear(said, 2, "no usable picture")
    assert clear(burnish("train", tmp_path, "--out", tmp_path / "x"), 2, "captions.csv", "pictures")
    assert not (tmp_path / "x").exists()


def test_captions_that_name_missing_files_are_said_and_the_rest_is_learned(tmp_path, monkeypatch):
    def preset(size, **changes):
        return hourglass.preset(size, **{"widths": (32, 32), "depths": (1, 1), "told": 32, **changes})

    monkeypatch.setattr(diffusion, "preset", preset)
    for k in range(4):
        noise().save(tmp_path / f"{k}.png")
    lines = ["file,name", *(f"{k}.png,key {k}" for k in range(4)), "gone.png,a lock"]
    (tmp_path / "captions.csv").write_text("\n".join(lines))
    said = burnish("train", tmp_path, "--out", tmp_path / "b", "--steps", 1, "--size", 32)
    assert clear(said, 0, "Found 4 pictures", "gone.png")
    long, words = "a red key " * 1000, "description of 10000 characters: is over"
    assert clear(burnish("make", tmp_path / "b", long, "--out", tmp_path / "x"), 2, words)
    wish = ("--describe", long, "--out", tmp_path / "x")
    assert clear(burnish("refine", tmp_path / "b", tmp_path / "0.png", *wish), 2, words)
    assert not (tmp_path / "x").exists()


def test_masks_that_do_not_fit_are_named(trained, tmp_path):
    noise(40, 32).save(tmp_path / "a.png")
    Image.new("L", (31, 40), 255).save(tmp_path / "narrow.png")
    Image.new("L", (32, 40), 0).save(tmp_path / "black.png")
    (tmp_path / "text.png").write_text("no mask")
    for mask, words in (
        ("narrow.png", "the mask is 31 x 40 but its picture is 32 x 40"),
        ("black.png", "marks no pixel"),
        ("text.png", "text.png is not a picture"),
        ("none.png", "none.png cannot be read"),
    ):
        said = burnish(
            "refine", trained[0], tmp_path / "a.png", "--mask", tmp_path / mask, "--out", tmp_path / "out"
        )
        assert clear(said, 2, words, "0 refined, 1 left out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("how", ["newer", "damaged", "none", "other"])
def test_bundles_that_cannot_be_used_are_refused(trained, tmp_path, how):
    bundle = tmp_path / "b"
    if how != "none":
        shutil.copytree(trained[0], bundle)
        meta = json.loads((bundle / DESCRIPTION).read_text())
        changed = {"newer": {"format": 99}, "other": {"kind": "inspector"}}.get(how, {})
        (bundle / DESCRIPTION).write_text(json.dumps(meta | changed))
    if how == "damaged":
        (bundle / "model.safetensors").write_bytes(b"12")
    word = {
        "newer": "format 99, newer than",
        "damaged": "missing or damaged",
        "none": "is not a bundle",
        "other": "kind 'inspector', not 'diffusion'",
    }[how]
    noise().save(tmp_path / "a.png")
    assert clear(burnish("make", bundle, "--out", tmp_path / "x"), 2, word)
    assert clear(burnish("refine", bundle, tmp_path / "a.png", "--out", tmp_path / "x"), 2, word)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--to", "3x"), "is not 2x or 4x"),
        (("--strength", "0"), "must be above 0"),
        (("--outpaint", "1,2"), "LEFT,TOP,RIGHT,BOTTOM"),
        (("--outpaint", "0,0,-4,0"), ">= 0"),
        (("--answer", "best"), "sample, mean"),
        (("--noise", "10", "--to", "2x"), "cannot go with"),
        (("--describe", "zebra"), "trained without it"),
        (("--rounds", "0"), "at least 1"),
    ],
)
def test_wrong_wishes_are_named_before_anything_is_done(trained, tmp_path, options, words):
    noise().save(tmp_path / "a.png")
    said = burnish("refine", trained[0], tmp_path / "a.png", "--out", tmp_path / "out", *options)
    assert clear(said, 2, words)
    assert not (tmp_path / "out").exists()


def test_sources_are_not_overwritten(trained, tmp_path):
    noise().save(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    assert clear(burnish("refine", trained[0], tmp_path, "--out", tmp_path), 2, "would be overwritten")
    assert (tmp_path / "a.png").read_bytes() == before


def test_a_pretrained_name_that_is_not_there_is_refused(tmp_path):
    noise().save(tmp_path / "a.png")
    said = burnish("refine", "hub:nobody/none", tmp_path / "a.png", "--out", tmp_path / "x")
    assert clear(said, 2, "hub:nobody/none", "--download")
    assert not (tmp_path / "x").exists()
