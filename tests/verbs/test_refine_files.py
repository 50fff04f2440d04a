"""Files and folders refined: named alike, bad ones left out, each with its origin, nothing overwritten."""

import numpy as np
import pytest
from PIL import Image

from burnish.errors import BurnishError
from burnish.media.image import read_image
from burnish.store.recording import Unrecorded
from burnish.verbs.load import load
from burnish.verbs.refine_files import refine_files
from burnish.verbs.wish import Wish, read_factor, read_sides
from tiny_bundles import generator

RNG = np.random.default_rng(0)
QUICK = Wish(steps=1)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "b"
    generator(path, classes=2)
    return load(path)


def save(path, height=33, width=40):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = RNG.integers(0, 255, (height, width, 3), dtype=np.uint8)
    Image.fromarray(picture).save(path)
    return picture


def test_a_folder_is_done_and_what_is_bad_is_named(model, tmp_path):
    save(tmp_path / "in" / "a.png")
    save(tmp_path / "in" / "deep" / "a.png")
    save(tmp_path / "in" / "b.png")
    save(tmp_path / "in" / "b.bmp")
    (tmp_path / "in" / "bad.png").write_text("no picture")
    said = []
    images = [tmp_path / "in", tmp_path / "missing.png"]
    outcome = refine_files(model, images, tmp_path / "out", QUICK, on_picture=said.append)
    names = sorted(f.relative_to(tmp_path / "out").as_posix() for f in outcome.files)
    assert names == ["a.png", "b.bmp.png", "b.png.png", "deep/a.png"]
    assert all(file.is_file() for file in outcome.files)
    assert [p.thing.rpartition("/")[2] for p in outcome.problems] == ["bad.png", "missing.png"]
    assert outcome.exit_code == 1
    assert "4 refined, 2 left out" in str(outcome)
    assert len(said) == 6
    assert (tmp_path / "out" / "sheet.png").is_file()


def test_nothing_done_is_told_from_something_left_out(model, tmp_path):
    (tmp_path / "empty").mkdir()
    outcome = refine_files(model, [tmp_path / "empty"], tmp_path / "out", QUICK)
    assert outcome.exit_code == 2
    assert "holds no picture" in str(outcome)
    save(tmp_path / "a.png")
    assert refine_files(model, [tmp_path / "a.png"], tmp_path / "out", QUICK).exit_code == 0


def test_files_carry_their_origin(model, tmp_path):
    save(tmp_path / "a.jpg")
    wish = Wish(steps=1, strength=0.2, describe="cat", variations=2, seed=5)
    files = refine_files(model, [tmp_path / "a.jpg"], tmp_path / "out", wish).files
    assert [f.name for f in files] == ["a-00.png", "a-01.png"]
    with Image.open(files[1]) as picture:
        first, rest = picture.text["parameters"].split("\n")  # type: ignore[attr-defined]
    facts = dict(pair.split(": ") for pair in rest.split(", "))
    assert first == "cat"
    assert facts["Seed"] == "5"
    assert facts["Index"] == "1"
    assert facts["Denoising strength"] == "0.2"
    assert facts["Size"] == "40x33"
    assert facts["Model hash"] == model.bundle.hash


def test_masks_are_one_for_all_or_one_for_each_name(model, tmp_path):
    pictures = {name: save(tmp_path / "in" / f"{name}.png") for name in "ab"}
    mask = np.zeros((33, 40), np.uint8)
    mask[:10] = 255
    (tmp_path / "masks").mkdir()
    Image.fromarray(mask).save(tmp_path / "masks" / "a.png")
    one = refine_files(model, [tmp_path / "in"], tmp_path / "o", QUICK, tmp_path / "masks" / "a.png")
    assert len(one.files) == 2
    for file, name in zip(one.files, "ab", strict=True):
        assert (read_image(file)[10:] == pictures[name][10:]).all()
        assert (read_image(file)[:10] != pictures[name][:10]).any()
    each = refine_files(model, [tmp_path / "in"], tmp_path / "p", QUICK, tmp_path / "masks")
    assert [f.name for f in each.files] == ["a.png"]
    assert "holds no mask named b" in str(each)
    save(tmp_path / "small.png", 12, 12)
    wrong = refine_files(model, [tmp_path / "small.png"], tmp_path / "q", QUICK, tmp_path / "masks" / "a.png")
    assert "the mask is 40 x 33 but its picture is 12 x 12" in str(wrong)
    assert wrong.exit_code == 2


def test_rounds_and_conversions_are_told(model, tmp_path):
    Image.fromarray(save(tmp_path / "a.png")).convert("CMYK").save(tmp_path / "c.tif")
    outcome = refine_files(model, [tmp_path / "c.tif"], tmp_path / "out", Wish(steps=1, rounds=2))
    assert "CMYK became RGB" in outcome.notes[0]
    assert "round 1" in outcome.notes[1]
    assert "kept" in outcome.notes[1]


def test_sources_are_never_overwritten_and_clashes_are_refused_at_once(model, tmp_path):
    before = save(tmp_path / "a.png")
    with pytest.raises(BurnishError, match="would be overwritten"):
        refine_files(model, [tmp_path], tmp_path, QUICK)
    assert (read_image(tmp_path / "a.png") == before).all()
    with pytest.raises(BurnishError, match="upscaling"):
        refine_files(model, [tmp_path], tmp_path / "out", Wish(to=2), tmp_path / "a.png")
    with pytest.raises(BurnishError, match="Its classes are"):
        refine_files(model, [tmp_path], tmp_path / "out", Wish(describe="horse"))


def test_every_result_has_its_row_before_it_is_computed(model, tmp_path):
    class Rows(Unrecorded):
        def __init__(self):
            super().__init__()
            self.told = []

        def begin(self, verb, **facts):
            number = super().begin(verb)
            self.told.append(("begin", facts["index"], facts["settings"]["seed"], (tmp_path / "o").exists()))
            return number

        def finish(self, number, output="", *, inputs=None):
            self.told.append(("done", output.name))

    save(tmp_path / "a.png")
    rows = Rows()
    refine_files(
        model, [tmp_path / "a.png"], tmp_path / "o", Wish(steps=1, variations=2, seed=3), recorder=rows
    )
    assert rows.told == [
        ("begin", 0, 3, False), ("done", "a-00.png"), ("begin", 1, 3, True), ("done", "a-01.png"),
    ]  # fmt: skip


def test_options_are_read_from_words():
    assert [read_factor(text) for text in ("1x", "2x", "4X", "2")] == [1, 2, 4, 2]
    assert read_sides("1, 2,3,4") == (1, 2, 3, 4)
    for text in ("3x", "two", ""):
        with pytest.raises(BurnishError, match="2x or 4x"):
            read_factor(text)
    for text in ("1,2,3", "a,b,c,d", ""):
        with pytest.raises(BurnishError, match="LEFT,TOP,RIGHT,BOTTOM"):
            read_sides(text)
