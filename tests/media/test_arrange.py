import json
from pathlib import Path

import numpy as np
import pytest

from burnish.errors import DatasetError
from burnish.media.arrange import arrange, read_split
from burnish.media.dataset import open_parts
from burnish.media.image import write_png
from burnish.media.sets import SETS

LISTED = [entry for entry in SETS if entry.place.startswith("inspection/")]


def picture(path: Path, value: int) -> None:
    write_png(path, np.full((20, 30, 3), value, np.uint8))


def split_list(monkeypatch, tmp_path, text: str) -> None:
    (tmp_path / "package/splits").mkdir(parents=True)
    (tmp_path / "package/splits/toy.txt").write_text(text)
    monkeypatch.setattr("burnish.media.arrange.resources.files", lambda package: tmp_path / "package")


def test_pictures_are_copied_to_the_byte_and_rows_written(tmp_path, monkeypatch):
    split_list(monkeypatch, tmp_path, "[train good]\nnormal/1 7\n[test odd]\nbad/1\n")
    picture(tmp_path / "raw/normal/1.png", 10)
    picture(tmp_path / "raw/bad/1.png", 20)
    picture(tmp_path / "raw/bad/unlisted.png", 30)
    assert arrange("toy", tmp_path / "raw", tmp_path / "out", None) == 2
    parts = open_parts(tmp_path / "out")
    assert [(parts.name(p), p.label, p.split, p.group, p.annotation) for p in parts] == [
        ("images/good/1.png", "good", "train", "7", "label"),
        ("images/odd/1.png", "odd", "test", "1", "label"),
    ]
    assert (tmp_path / "out/images/odd/1.png").read_bytes() == (tmp_path / "raw/bad/1.png").read_bytes()


def box(inverted: bool = False) -> np.ndarray:
    mask = np.zeros((20, 30), bool)
    mask[5:10, 10:20] = True
    return ~mask if inverted else mask


@pytest.mark.parametrize("kind", ["beside", "ground_truth", "labelme"])
def test_masks_of_each_kind(tmp_path, monkeypatch, kind):
    raw = tmp_path / "raw"
    if kind == "beside":
        name = "d1"
        picture(raw / "Imgs/d1.png", 9)
        (raw / "Imgs/d1.png").rename(raw / "Imgs/d1.jpg")
        write_png(raw / "Imgs/d1.png", box())
    elif kind == "ground_truth":
        name = "P_D_1"
        picture(raw / "Defects/P_D_1.png", 9)
        write_png(raw / "Defects/GroundThruth/P_GT_1.png", box(inverted=True))
    else:
        name = "s1"
        picture(raw / "data/s1.png", 9)
        (raw / "label").mkdir()
        points = [[10, 5], [20, 5], [20, 10], [10, 10]]
        (raw / "label/s1.json").write_text(json.dumps({"shapes": [{"points": points}]}))
    split_list(monkeypatch, tmp_path, f"[train dent]\n{name}\n")
    arrange("toy", raw, tmp_path / "out", kind)
    (part,) = open_parts(tmp_path / "out").parts
    assert part.annotation == "mask" and np.array_equal(part.read()[1], box())


def test_missing_pictures_are_counted_and_the_first_named(tmp_path, monkeypatch):
    split_list(monkeypatch, tmp_path, "[train good]\na\nb\nc\n")
    picture(tmp_path / "raw/b.png", 1)
    with pytest.raises(DatasetError, match="lacks 2 of 3 pictures of toy, the first a"):
        arrange("toy", tmp_path / "raw", tmp_path / "out", None)
    assert not (tmp_path / "out").exists()


def test_missing_annotations_are_named(tmp_path, monkeypatch):
    split_list(monkeypatch, tmp_path, "[train dent]\na\n")
    picture(tmp_path / "raw/data/a.png", 1)
    with pytest.raises(DatasetError, match="labelme"):
        arrange("toy", tmp_path / "raw", tmp_path / "out", "labelme")


@pytest.mark.parametrize("entry", LISTED, ids=lambda entry: entry.name)
def test_split_lists_hold_both_splits_and_no_group_straddles(entry):
    rows = list(read_split(entry.name))
    assert {split for split, *_ in rows} == {"train", "test"}
    assert sum(1 for split, label, *_ in rows if split == "train" and label == "good") >= 20
    stems = [stem for *_, stem, _ in rows]
    assert len(set(stems)) == len(stems)
    groups = [
        {(label if entry.masks is None else "", g) for s, label, _, g in rows if s == split}
        for split in ("train", "test")
    ]
    assert not groups[0] & groups[1]
