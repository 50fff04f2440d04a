import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from burnish.errors import DatasetError, ImageError
from burnish.media.dataset import GOOD, Part, find_images, open_parts
from burnish.media.image import write_png


def picture(path: Path, value: int = 90, size: tuple[int, int] = (8, 10)) -> Path:
    write_png(path, np.full((*size, 3), value, np.uint8))
    return path


def mask(path: Path, size: tuple[int, int] = (8, 10), filled: bool = True) -> Path:
    array = np.zeros(size, bool)
    array[2:4, 3:6] = filled
    write_png(path, array)
    return path


def split_csv(root: Path, *rows: str, header: str = "image,label,mask,split,group") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "split.csv").write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return root


def kinds(parts) -> list[str]:
    return [problem.kind for problem in parts.problems]


def test_split_csv(tmp_path):
    picture(tmp_path / "images/good/b ä.png")
    picture(tmp_path / "images/crack/a.png")
    mask(tmp_path / "masks/a.png")
    split_csv(tmp_path, "images/good/b ä.png,good,,test,7", "images/crack/a.png,crack,masks/a.png,train,")
    parts = open_parts(tmp_path)
    assert parts.layout == "split.csv" and not parts.problems and len(parts) == 2
    crack, good = parts.parts
    assert (crack.label, crack.split, crack.annotation, crack.group) == ("crack", "train", "mask", "")
    assert good.is_good and good.group == "7" and parts.name(good) == "images/good/b ä.png"
    assert parts.goods == (good,) and parts.defects == (crack,) and parts.classes == ("crack",)
    assert parts.only(split="test").parts == (good,)
    assert parts.only(label="crack").parts == (crack,) and len(parts.only("spare")) == 0
    image, where = crack.read()
    assert image.shape == (8, 10, 3) and where is not None and where.sum() == 6
    assert not good.read()[1].any()


def test_split_csv_with_two_columns_semicolons_and_a_byte_order_mark(tmp_path):
    picture(tmp_path / "a.png")
    (tmp_path / "split.csv").write_text("image;label\na.png;Good\n", encoding="utf-8-sig")
    (part,) = open_parts(tmp_path).parts
    assert part.is_good and part.split == "train"


def test_split_csv_names_everything_it_cannot_use(tmp_path):
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    split_csv(
        tmp_path,
        "a.png,good,,train,",
        "a.png,good,,test,",
        "gone.png,good,,train,",
        ",good,,train,",
        "b.png,,,train,",
        "../secret.png,good,,train,",
        "b.png,crack,gone_mask.png,train,",
    )
    parts = open_parts(tmp_path)
    assert [parts.name(p) for p in parts] == ["a.png", "b.png"]
    assert kinds(parts) == ["label", "missing", "label", "label", "missing", "missing"]
    assert parts.parts[1].annotation == "label" and parts.parts[1].label == "crack"
    texts = [str(problem) for problem in parts.problems]
    assert "line 3" in texts[0] and texts[1].startswith("gone.png") and "outside" in texts[4]


def test_backslashes_and_decomposed_accents_are_found(tmp_path):
    picture(tmp_path / "images" / unicodedata.normalize("NFD", "prüf.png"))
    split_csv(tmp_path, "images\\prüf.png,good,,train,")
    assert len(open_parts(tmp_path)) == 1 and not open_parts(tmp_path).problems


@pytest.mark.parametrize("content", ["picture,kind\na,b\n", "", "image,label\n"])
def test_a_split_csv_of_no_use_says_why(tmp_path, content):
    (tmp_path / "split.csv").write_text(content)
    with pytest.raises(DatasetError) as caught:
        open_parts(tmp_path)
    assert "split.csv" in str(caught.value)


def test_folders(tmp_path):
    for name in ("good/2.png", "good/10.PNG", "good/.hidden.png", "Defect/crack/1.png", "Defect/stain/1.png"):
        picture(tmp_path / name)
    picture(tmp_path / "Defect/loose.png")
    mask(tmp_path / "mask/crack/1_mask.png")
    mask(tmp_path / "mask/loose.bmp.png")  # no picture has this name
    (tmp_path / "good/notes.txt").write_text("not a picture")
    (tmp_path / "good/new.heic").write_bytes(b"x")
    parts = open_parts(tmp_path)
    assert parts.layout == "folders"
    assert [(parts.name(p), p.label, p.annotation) for p in parts] == [
        ("Defect/crack/1.png", "crack", "mask"),
        ("Defect/loose.png", "defect", "label"),
        ("Defect/stain/1.png", "stain", "label"),
        ("good/10.PNG", "good", "label"),
        ("good/2.png", "good", "label"),
    ]
    assert sorted(kinds(parts)) == ["format", "mask"]
    assert {p.thing for p in parts.problems} == {"good/new.heic", "mask/loose.bmp.png"}


def test_folders_in_train_and_test_with_flat_masks(tmp_path):
    for name in ("train/good/a.png", "train/defect/dent/b.png", "test/good/c.png", "test/defect/dent/d.png"):
        picture(tmp_path / name)
    mask(tmp_path / "test/masks/d.png")
    parts = open_parts(tmp_path)
    assert {parts.name(p): (p.split, p.label, p.annotation) for p in parts} == {
        "train/good/a.png": ("train", "good", "label"),
        "train/defect/dent/b.png": ("train", "dent", "label"),
        "test/good/c.png": ("test", "good", "label"),
        "test/defect/dent/d.png": ("test", "dent", "mask"),
    }


def test_class_folders_outside_defect_are_named(tmp_path):
    for name in ("good/1.png", "crack/1.png", "notes/.x.png"):
        picture(tmp_path / name)
    parts = open_parts(tmp_path)
    assert len(parts) == 1 and [(p.thing, p.kind) for p in parts.problems] == [("crack", "layout")]
    assert "1 pictures" in parts.problems[0].reason and "defect/" in parts.problems[0].cure


def test_mvtec(tmp_path):
    for name in ("train/good/000.png", "test/good/000.png", "test/hole/000.png", "test/hole/001.png"):
        picture(tmp_path / name)
    mask(tmp_path / "ground_truth/hole/000_mask.png")
    parts = open_parts(tmp_path)
    assert parts.layout == "mvtec"
    assert [(p.split, p.label, p.annotation) for p in parts] == [
        ("test", GOOD, "label"),
        ("test", "hole", "mask"),
        ("test", "hole", "label"),
        ("train", GOOD, "label"),
    ]
    assert [p.thing for p in parts.problems] == ["test/hole/001.png"]


def test_no_layout_no_folder_nothing_inside(tmp_path):
    with pytest.raises(DatasetError, match="does not exist"):
        open_parts(tmp_path / "none")
    with pytest.raises(DatasetError, match="is not a folder"):
        open_parts(picture(tmp_path / "a.png"))
    with pytest.raises(DatasetError, match="no layout") as caught:
        open_parts(tmp_path)
    assert "split.csv" in caught.value.cure
    (tmp_path / "good").mkdir()
    with pytest.raises(DatasetError, match="no usable part"):
        open_parts(tmp_path)


def test_read_loses_no_part_without_a_word(tmp_path):
    for name in "abcde":
        picture(tmp_path / f"{name}.png")
    (tmp_path / "e.png").write_text("not a picture")
    mask(tmp_path / "ma.png")
    mask(tmp_path / "mb.png", size=(9, 10))
    mask(tmp_path / "mc.png", filled=False)
    rows = ("a.png,dent,ma.png", "b.png,dent,mb.png", "c.png,dent,mc.png", "d.png,dent,", "e.png,good,")
    parts = open_parts(split_csv(tmp_path, *rows, header="image,label,mask"))
    problems: list = []
    read = {parts.name(part): where for part, _, where in parts.read(problems)}
    assert list(read) == ["a.png", "b.png", "c.png", "d.png"]
    assert read["a.png"].sum() == 6 and all(read[name] is None for name in ("b.png", "c.png", "d.png"))
    assert [(p.thing, p.kind) for p in problems] == [
        ("mb.png", "mask"),
        ("mc.png", "mask"),
        ("e.png", "broken"),
    ]
    with pytest.raises(ImageError):
        parts.parts[1].read()


def test_boxes_fill_only_when_asked(tmp_path):
    part = Part(picture(tmp_path / "a.png"), "dent", boxes=((1, 2, 4, 6),))
    assert part.annotation == "box" and part.read()[1] is None
    filled = part.read(box_masks=True)[1]
    assert filled is not None and filled.sum() == 12 and filled[2:6, 1:4].all()


def test_hash_follows_content_not_place(tmp_path):
    for root in (tmp_path / "one", tmp_path / "two"):
        picture(root / "good/a.png")
        picture(root / "good/b.png", 120)
    one, two = open_parts(tmp_path / "one"), open_parts(tmp_path / "two")
    assert one.hash() == two.hash()
    assert one.only(split="test").hash() != one.hash()
    picture(tmp_path / "two/good/b.png", 121)
    assert open_parts(tmp_path / "two").hash() != one.hash()


def test_find_images_is_sorted_and_ignores_hidden_and_other_files(tmp_path):
    for name in ("b.JPG.png", "a/z.png", "a/.cache/t.png", "__MACOSX/x.png"):
        picture(tmp_path / name)
    (tmp_path / "c.txt").write_text("")
    assert [p.relative_to(tmp_path).as_posix() for p in find_images(tmp_path)] == ["a/z.png", "b.JPG.png"]
    assert [p.name for p in find_images(tmp_path, recursive=False)] == ["b.JPG.png"]


def test_real_sets_open_without_a_problem():
    base = os.environ.get("BURNISH_DATA")
    if not base or not (Path(base) / "inspection").is_dir():
        pytest.skip("BURNISH_DATA names no folder with inspection sets")
    parts = open_parts(Path(base) / "inspection/magnetic_tile")
    assert (
        not parts.problems
        and len(parts.only("train").goods) == 100
        and len(parts.only("train").defects) == 10
    )
    assert parts.splits == ("train", "test", "spare")
