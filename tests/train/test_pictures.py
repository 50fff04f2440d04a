"""Folders of every kind as training data."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from burnish.errors import DatasetError
from burnish.train.pictures import load_pictures


def put(path: Path, size=(40, 40), value=100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), value, np.uint8)).save(path)


def test_plain_folder(tmp_path):
    for k in range(3):
        put(tmp_path / f"é {k}.png", value=k)
    pictures = load_pictures(tmp_path, 32)
    assert (pictures.layout, len(pictures), pictures.classes) == ("plain", 3, ())
    assert all(image.shape == (32, 32, 3) for image in pictures.images)


def test_folders_are_classes(tmp_path):
    put(tmp_path / "cats" / "1.png")
    put(tmp_path / "dogs" / "deep" / "1.png")
    put(tmp_path / "stray.png")
    pictures = load_pictures(tmp_path, 32)
    assert pictures.layout == "classes"
    assert pictures.classes == ("cats", "dogs")
    assert sorted(entry.label for entry in pictures.entries) == ["", "cats", "dogs"]


def test_captions(tmp_path):
    put(tmp_path / "a.png")
    (tmp_path / "captions.csv").write_text("file,name,more\na.png,a red dot,x\ngone.png,nothing,y\n")
    pictures = load_pictures(tmp_path, 32)
    assert [entry.caption for entry in pictures.entries] == ["a red dot"]
    assert pictures.described
    assert "gone.png" in str(pictures.problems[0])


def test_of_an_inspection_set_only_train_rows_are_read(tmp_path):
    for name in ("a", "b", "c"):
        put(tmp_path / f"{name}.png")
    (tmp_path / "split.csv").write_text(
        "image,label,mask,split,group\na.png,good,,train,1\nb.png,crack,,train,2\nc.png,good,,test,3\n"
    )
    pictures = load_pictures(tmp_path, 32)
    assert [entry.file.name for entry in pictures.entries] == ["a.png", "b.png"]
    assert pictures.classes == ("crack", "good")


def test_broken_files_are_left_out_by_name(tmp_path):
    put(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("not a picture")
    pictures = load_pictures(tmp_path, 32)
    assert len(pictures) == 1
    assert [problem.thing for problem in pictures.problems] == ["b.png"]


def test_shapes(tmp_path):
    put(tmp_path / "nearly.png", (100, 104))
    put(tmp_path / "tall.png", (90, 30))
    pictures = load_pictures(tmp_path, 32)
    assert [image.shape[:2] for image in pictures.images] == [(32, 32), (96, 32)]
    assert pictures.elongated


def test_hash_depends_on_contents_and_words(tmp_path):
    put(tmp_path / "a.png")
    first = load_pictures(tmp_path, 32).hash
    assert load_pictures(tmp_path, 32).hash == first
    put(tmp_path / "a.png", value=101)
    second = load_pictures(tmp_path, 32).hash
    (tmp_path / "captions.csv").write_text("file,name\na.png,dot\n")
    assert len({first, second, load_pictures(tmp_path, 32).hash}) == 3


def test_hold_out_is_a_tenth_and_keeps_groups_together(tmp_path):
    rows = ["image,label,mask,split,group"]
    for k in range(40):
        put(tmp_path / f"{k}.png", value=k)
        rows.append(f"{k}.png,good,,train,{k // 2}")
    (tmp_path / "split.csv").write_text("\n".join(rows))
    pictures = load_pictures(tmp_path, 32)
    train, held = pictures.holdout(seed=3)
    assert len(held) == 4
    assert sorted(train + held) == list(range(40))
    groups = [entry.group for entry in pictures.entries]
    assert not {groups[k] for k in held} & {groups[k] for k in train}
    assert pictures.holdout(seed=3) == (train, held)
    assert pictures.holdout(seed=4)[1] != held


@pytest.mark.parametrize("count", [1, 3])
def test_of_very_few_nothing_is_held_out(tmp_path, count):
    for k in range(count):
        put(tmp_path / f"{k}.png")
    assert load_pictures(tmp_path, 32).holdout() == (list(range(count)), [])


def test_nothing_to_read_is_told(tmp_path):
    with pytest.raises(DatasetError, match="is not a folder"):
        load_pictures(tmp_path / "gone", 32)
    with pytest.raises(DatasetError, match="holds no picture"):
        load_pictures(tmp_path, 32)
    (tmp_path / "a.png").write_text("x")
    with pytest.raises(DatasetError, match="1 were left out"):
        load_pictures(tmp_path, 32)
    (tmp_path / "captions.csv").write_text("image,text\na.png,b\n")
    with pytest.raises(DatasetError, match="no columns file and name"):
        load_pictures(tmp_path, 32)


@pytest.mark.skipif("BURNISH_DATA" not in os.environ, reason="real data: set BURNISH_DATA to its folder")
def test_real_tiles_are_gray_elongated_and_kept_in_groups():
    pictures = load_pictures(Path(os.environ["BURNISH_DATA"]) / "inspection" / "magnetic_tile", 32)
    assert len(pictures) == 110
    assert "good" in pictures.classes
    assert pictures.elongated
    assert not pictures.problems
    train, held = pictures.holdout()
    groups = [entry.group for entry in pictures.entries]
    assert held
    assert not {groups[k] for k in held if groups[k]} & {groups[k] for k in train}
