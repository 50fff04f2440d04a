import json
import math
from pathlib import Path

import numpy as np
import pytest

from burnish.media.dataset import open_parts
from burnish.media.image import write_png


def picture(path: Path) -> None:
    write_png(path, np.full((40, 50, 3), 90, np.uint8))


def coco(path: Path, images: dict[int, str], annotations: list[dict]) -> None:
    content = {
        "images": [{"id": key, "file_name": name} for key, name in images.items()],
        "categories": [{"id": 1, "name": "crack"}, {"id": 2, "name": "stain"}],
        "annotations": annotations,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def test_coco_polygons_boxes_goods_and_missing(tmp_path):
    for name in ("images/1.png", "images/2.png", "images/3.png"):
        picture(tmp_path / name)
    square = [10, 5, 20, 5, 20, 15, 10, 15]
    annotations = [
        {"image_id": 1, "category_id": 1, "segmentation": [square], "bbox": [10, 5, 10, 10]},
        {"image_id": 1, "category_id": 2, "segmentation": [[30, 30, 31, 30, 31, 31, 30, 31]]},
        {
            "image_id": 2,
            "category_id": 2,
            "segmentation": {"counts": "x", "size": [40, 50]},
            "bbox": [1, 2, 3, 4],
        },
    ]
    coco(tmp_path / "annotations.json", {1: "1.png", 2: "2.png", 3: "3.png", 4: "4.png"}, annotations)
    parts = open_parts(tmp_path)
    assert parts.layout == "coco"
    assert [(p.label, p.annotation) for p in parts] == [
        ("crack", "polygon"),
        ("stain", "box"),
        ("good", "label"),
    ]
    mask = parts.parts[0].read()[1]
    assert mask[5:15, 10:20].all() and mask[30, 30] and mask.sum() == 101
    assert parts.parts[1].boxes == ((1.0, 2.0, 4.0, 6.0),)
    assert [(p.thing, p.kind) for p in parts.problems] == [("2.png", "format"), ("4.png", "missing")]


def test_coco_splits_by_file_and_folder_names(tmp_path):
    for name in ("train2017/a.png", "val2017/b.png", "test/c.png"):
        picture(tmp_path / name)
    coco(tmp_path / "annotations/instances_train2017.json", {1: "a.png"}, [])
    coco(tmp_path / "annotations/instances_val2017.json", {1: "b.png"}, [])
    coco(tmp_path / "test/_annotations.coco.json", {1: "c.png"}, [])
    assert {p.image.name: p.split for p in open_parts(tmp_path)} == {
        "a.png": "train",
        "b.png": "val",
        "c.png": "test",
    }


def labelme(path: Path, image: str, shapes: list[dict], flags: dict | None = None) -> None:
    path.write_text(
        json.dumps({"imagePath": image, "shapes": shapes, "flags": flags or {}, "imageData": None})
    )


def test_labelme_shapes(tmp_path):
    for name in "abcd":
        picture(tmp_path / f"{name}.png")
    labelme(
        tmp_path / "a.json",
        "a.png",
        [
            {"label": "crack", "shape_type": "polygon", "points": [[0, 0], [10, 0], [10, 10], [0, 10]]},
            {"label": "crack", "shape_type": "circle", "points": [[30, 20], [38, 20]]},
            {"label": "crack", "shape_type": "linestrip", "points": [[2, 35.5], [48, 35.5]]},
        ],
    )
    labelme(
        tmp_path / "b.json",
        "b.png",
        [{"label": "dent", "shape_type": "rectangle", "points": [[9, 8], [3, 4]]}],
    )
    labelme(tmp_path / "c.json", "c.png", [], {"stain": True, "blurred": False})
    labelme(tmp_path / "e.json", "e.png", [])
    (tmp_path / "f.json").write_text("{broken")
    parts = open_parts(tmp_path)
    assert [(p.image.name, p.label, p.annotation) for p in parts] == [
        ("a.png", "crack", "polygon"),
        ("b.png", "dent", "box"),
        ("c.png", "stain", "label"),
        ("d.png", "good", "label"),
    ]
    mask = parts.parts[0].read()[1]
    assert mask[:10, :10].sum() == 100 and mask[35, 2:48].all()
    assert mask[12:28, 22:38].sum() == pytest.approx(math.pi * 64, abs=8)
    assert parts.parts[1].boxes == ((3, 4, 9, 8),)
    assert [(p.thing, p.kind) for p in parts.problems] == [("e.png", "missing"), ("f.json", "label")]


def test_an_outline_outside_the_picture_counts_as_a_label(tmp_path):
    picture(tmp_path / "a.png")
    points = [[100, 100], [120, 100], [120, 120]]
    labelme(tmp_path / "a.json", "a.png", [{"label": "dent", "shape_type": "polygon", "points": points}])
    problems: list = []
    ((_, _, mask),) = open_parts(tmp_path).read(problems)
    assert mask is None and problems[0].kind == "mask"


def test_labelme_folders_label_what_has_no_outline(tmp_path):
    for name in ("good/a.png", "defect/dent/b.png", "defect/c.png", "mask/dent/b.png", "defect/dent/d.png"):
        picture(tmp_path / name)
    labelme(tmp_path / "defect/dent/d.json", "d.png", [])
    labels = {p.image.relative_to(tmp_path).as_posix(): p.label for p in open_parts(tmp_path)}
    assert labels == {
        "good/a.png": "good",
        "defect/dent/b.png": "dent",
        "defect/c.png": "defect",
        "defect/dent/d.png": "dent",
    }


@pytest.mark.parametrize(
    "content",
    [
        {"images": [3], "annotations": []},
        {"images": [{"id": 1, "file_name": "a.png"}], "annotations": ["x"]},
        {"images": [{"id": 1, "file_name": "a.png"}], "annotations": [{"image_id": []}]},
        {"shapes": [7], "imagePath": "a.png"},
        {"shapes": [], "flags": ["x"], "imagePath": "a.png"},
    ],
)
def test_malformed_annotations_are_named_and_hide_nothing_else(tmp_path, content):
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    (tmp_path / "a.json").write_text(json.dumps(content))
    if "images" in content:
        coco(tmp_path / "ok.json", {1: "b.png"}, [])
    parts = open_parts(tmp_path)
    assert [p.image.name for p in parts] == ["b.png"]  # never the doubtful one as good
    assert [(p.thing, p.kind) for p in parts.problems] == [("a.json", "label")]


@pytest.mark.parametrize("points", [[[1]], "abc", None, [[1, 2, 3]], [["a", "b"]], [[1, math.inf]]])
def test_a_shape_without_usable_points_is_named_and_keeps_its_label(tmp_path, points):
    picture(tmp_path / "a.png")
    labelme(tmp_path / "a.json", "a.png", [{"label": "dent", "shape_type": "polygon", "points": points}])
    parts = open_parts(tmp_path)
    assert parts.parts[0].label == "dent" and parts.parts[0].annotation == "label"
    assert [p.kind for p in parts.problems] == ["label"]


def test_a_picture_listed_in_a_file_for_each_class_is_bad_if_any_says_so(tmp_path):
    picture(tmp_path / "images/1.png")
    coco(tmp_path / "dent.json", {1: "1.png"}, [])
    square = [[10, 5, 20, 5, 20, 15, 10, 15]]
    coco(tmp_path / "scratch.json", {7: "1.png"}, [{"image_id": 7, "category_id": 1, "segmentation": square}])
    (part,) = open_parts(tmp_path)
    mask = part.read()[1]
    assert part.label == "crack" and mask is not None and mask.sum() == 100


def test_outlines_beside_a_box_are_no_mask_of_the_whole_picture(tmp_path):
    picture(tmp_path / "images/1.png")
    annotations = [
        {"image_id": 1, "category_id": 1, "segmentation": [[10, 5, 20, 5, 20, 15, 10, 15]]},
        {"image_id": 1, "category_id": 1, "bbox": [30, 20, 10, 10]},
    ]
    coco(tmp_path / "a.json", {1: "1.png"}, annotations)
    (part,) = open_parts(tmp_path)
    assert part.annotation == "box" and part.read()[1] is None
    filled = part.read(box_masks=True)[1]
    assert filled is not None and filled[5:15, 10:20].all() and filled[20:30, 30:40].all()


def test_labelme_takes_its_split_from_folders_and_its_label_from_the_largest_shape(tmp_path):
    picture(tmp_path / "Test part 1.png")
    box = {"label": "crack", "shape_type": "rectangle", "points": [[2, 2], [42, 2], [42, 32], [2, 32]]}
    dust = {"label": "dust", "shape_type": "polygon", "points": [[1, 1], [3, 1], [3, 3]]}
    labelme(tmp_path / "Test part 1.json", "Test part 1.png", [dust, box])
    (part,) = open_parts(tmp_path)
    assert (part.split, part.label, part.boxes) == ("train", "crack", ((2.0, 2.0, 42.0, 32.0),))
