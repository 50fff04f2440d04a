"""COCO and labelme annotation files as parts: polygons and boxes in pixels, labels by name."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from burnish.media.part import GOOD, Part, Problem
from burnish.media.polygon import area

Polygon = tuple[tuple[float, float], ...]
Box = tuple[float, float, float, float]

_SPLITS = {
    "train": "train",
    "test": "test",
    "spare": "spare",
    "val": "val",
    "valid": "val",
    "validation": "val",
}


# What a file of the right keys but the wrong content raises while it is taken apart.
_MALFORMED = (AttributeError, TypeError, ValueError, KeyError, IndexError)


def kind(path: Path) -> str | None:
    """Which format a JSON file has by its keys: "coco", "labelme" or None."""
    try:
        state = path.stat()
    except OSError:
        return None
    return _kind_of_file(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=1 << 16)  # every layout asks in turn, and labelme files may carry whole pictures
def _kind_of_file(path: Path, changed: int, size: int) -> str | None:
    return _kind(_load(path))


def _kind(content: Any) -> str | None:
    if not isinstance(content, dict):
        return None
    if isinstance(content.get("images"), list) and isinstance(content.get("annotations"), list):
        return "coco"
    return "labelme" if isinstance(content.get("shapes"), list) else None


def read_coco(root: Path, files: Iterable[Path], images: list[Path]) -> tuple[list[Part], list[Problem]]:
    """COCO detection files.

    A picture without annotations is good; with several categories it takes the one of the largest area, and
    the outlines of all. Polygons become polygons; an annotation that has only a box, a box. The split comes
    from the word train, test or val in the file's or a folder's name, and is train otherwise. The format:
    https://cocodataset.org/#format-data
    """
    parts: dict[Path, Part] = {}
    problems: list[Problem] = []
    by_name = _by_name(images)
    for path in files:
        if kind(path) != "coco":
            continue
        try:
            for part in _coco_parts(root, path, by_name, problems):
                parts[part.image] = _merged(parts.get(part.image), part)
        except _MALFORMED as error:
            problems.append(_malformed(path, "COCO", error))
    return list(parts.values()), problems


def read_labelme(root: Path, files: Iterable[Path], images: list[Path]) -> tuple[list[Part], list[Problem]]:
    """labelme files, one beside each annotated picture.

    A picture without one, or without a shape in it, is good, or in a folder `defect/<class>` of that class.

    Polygons, circles and lines become polygons, rectangles boxes. A flag that is set labels the whole
    picture. The split comes from the word train, test or val in a folder's name, and is train otherwise.
    """
    parts: dict[Path, Part] = {}
    problems: list[Problem] = []
    doubtful: set[Path] = set()  # a picture whose file cannot be read must not pass for good
    by_name = _by_name(images)
    for path in files:
        content = _load(path)
        if content is None:
            problems.append(Problem(path.name, "label", "is not valid JSON", "Export it again"))
            doubtful.add(path.with_suffix(""))
            continue
        if _kind(content) != "labelme":
            continue
        try:
            name = str(content.get("imagePath") or path.with_suffix(".png").name)
            image = _find(root, path, name, by_name)
            if image is None:
                problems.append(_missing(name, path))
                continue
            label, polygons, boxes = _labelme_shapes(content, name, problems)
        except _MALFORMED as error:
            problems.append(_malformed(path, "labelme", error))
            doubtful.add(path.with_suffix(""))
            continue
        label = label or _folder_label(image, root) or GOOD
        parts[image] = Part(image, label, _split(path.parent, root), polygons=polygons, boxes=boxes)
    for image in images:
        label = _folder_label(image, root)
        if image not in parts and label and image.with_suffix("") not in doubtful:
            parts[image] = Part(image, label, _split(image.parent, root))
    return list(parts.values()), problems


def _merged(known: Part | None, part: Part) -> Part:
    """One picture listed twice, such as in a file for each class: defective if either says so."""
    if known is None:
        return part
    first = part if known.is_good else known
    return replace(
        first, split=known.split, polygons=known.polygons + part.polygons, boxes=known.boxes + part.boxes
    )


def _coco_parts(
    root: Path, path: Path, by_name: dict[str, Path | None], problems: list[Problem]
) -> Iterator[Part]:
    content = _load(path)
    categories = {c.get("id"): str(c.get("name", c.get("id"))) for c in content.get("categories") or ()}
    shapes = defaultdict(list)
    for annotation in content["annotations"]:
        shapes[annotation.get("image_id")].append(annotation)
    for entry in content["images"]:
        name = str(entry.get("file_name", ""))
        image = _find(root, path, name, by_name)
        if image is None:
            problems.append(_missing(name, path))
            continue
        label, polygons, boxes = _coco_shapes(shapes[entry.get("id")], categories, name, problems)
        yield Part(image, label or GOOD, _split(path, root), polygons=polygons, boxes=boxes)


def _missing(name: str, source: Path) -> Problem:
    return Problem(
        name, "missing", f"does not exist ({source.name})", "Copy the picture beside the JSON file"
    )


def _malformed(path: Path, form: str, error: Exception) -> Problem:
    return Problem(path.name, "label", f"does not follow the {form} format ({error})", "Export it again")


def _folder_label(image: Path, root: Path) -> str | None:
    """What folders say of a picture without outline: its class below `defect`, else good; None of masks."""
    folders = [name.lower() for name in image.relative_to(root).parts[:-1]]
    if any(name in ("mask", "masks", "ground_truth") for name in folders):
        return None
    place = next((k for k, name in enumerate(folders) if name in ("defect", "defects")), None)
    if place is None:
        return GOOD
    return image.relative_to(root).parts[place + 1] if place + 1 < len(folders) else "defect"


def _coco_shapes(
    annotations: list[dict[str, Any]], categories: dict[Any, str], name: str, problems: list[Problem]
) -> tuple[str | None, tuple[Polygon, ...], tuple[Box, ...]]:
    polygons: list[Polygon] = []
    boxes: list[Box] = []
    weight: dict[str, float] = defaultdict(float)
    for annotation in annotations:
        label = categories.get(annotation.get("category_id"), "defect")
        if label.lower() == GOOD:
            continue
        segmentation, box = annotation.get("segmentation"), _coco_box(annotation.get("bbox"))
        if isinstance(segmentation, dict):
            reason = f"a run-length mask of class {label} is not read; its box is used"
            problems.append(Problem(name, "format", reason, "Export polygons"))
        outlines = [_pairs(flat) for flat in segmentation] if isinstance(segmentation, list) else []
        outlines = [outline for outline in outlines if len(outline) >= 2]
        if outlines:
            polygons += outlines
            weight[label] += sum(abs(area(outline)) for outline in outlines)
        else:
            boxes += [box] if box else []
            weight[label] += (box[2] - box[0]) * (box[3] - box[1]) if box else 0.0
    label = max(sorted(weight), key=lambda key: weight[key]) if weight else None
    return label, tuple(polygons), tuple(boxes)


def _labelme_shapes(
    content: dict[str, Any], name: str, problems: list[Problem]
) -> tuple[str | None, tuple[Polygon, ...], tuple[Box, ...]]:
    polygons: list[Polygon] = []
    boxes: list[Box] = []
    weight: dict[str, float] = defaultdict(float)
    for flag, is_set in (content.get("flags") or {}).items():
        if is_set and flag.lower() != GOOD:
            weight[flag] += 0.0
    for shape in content["shapes"]:
        label = str(shape.get("label", "defect"))
        points = _points(shape.get("points"))
        if label.lower() == GOOD:
            continue
        weight[label] += 0.0
        if not points:
            problems.append(
                Problem(name, "label", f"a shape of class {label} has no points", "Draw it again")
            )
        elif shape.get("shape_type") in ("rectangle", "mask") and len(points) >= 2:
            xs, ys = zip(*points, strict=True)
            boxes.append((min(xs), min(ys), max(xs), max(ys)))
            weight[label] += (max(xs) - min(xs)) * (max(ys) - min(ys))
        else:
            circle = shape.get("shape_type") == "circle" and len(points) == 2
            polygons.append(_circle(*points) if circle else points)
            weight[label] += abs(area(polygons[-1]))
    label = max(sorted(weight), key=lambda key: weight[key]) if weight else None
    return label, tuple(polygons), tuple(boxes)


def _circle(centre: tuple[float, float], edge: tuple[float, float]) -> Polygon:
    radius = math.dist(centre, edge)
    angles = (2 * math.pi * k / 64 for k in range(64))
    return tuple((centre[0] + radius * math.cos(a), centre[1] + radius * math.sin(a)) for a in angles)


def _coco_box(box: Any) -> Box | None:
    try:
        x, y, w, h = (float(value) for value in box)
    except (TypeError, ValueError):
        return None
    return (x, y, x + w, y + h) if w > 0 and h > 0 else None


def _pairs(flat: Any) -> Polygon:
    return _points(list(zip(flat[::2], flat[1::2], strict=False)) if isinstance(flat, list) else ())


def _points(pairs: Any) -> Polygon:
    try:
        points = tuple((float(x), float(y)) for x, y in pairs)
    except (TypeError, ValueError):
        return ()
    return points if all(math.isfinite(value) for point in points for value in point) else ()


def _split(path: Path, root: Path) -> str:
    """The split that the name of a file or folder in `root` tells, or of one around it, the innermost first;
    train when none does."""
    inside = path.relative_to(root).parts
    for name in reversed(inside):
        words = "".join(c if c.isalpha() else " " for c in name.lower()).split()
        if found := next((_SPLITS[word] for word in words if word in _SPLITS), None):
            return found
    return "train"


def _by_name(images: list[Path]) -> dict[str, Path | None]:
    """Pictures by their bare name; None where two folders hold the same name, which then tells nothing."""
    index: dict[str, Path | None] = {}
    for image in images:
        index[image.name] = None if image.name in index else image
    return index


def _find(root: Path, source: Path, name: str, by_name: dict[str, Path | None]) -> Path | None:
    """The picture that an annotation file names: beside it, from the root, or by a unique bare name."""
    inside = PurePosixPath(name.replace("\\", "/"))
    if not inside.name:
        return None
    if not inside.is_absolute() and ".." not in inside.parts:
        for base in (source.parent, root, root / "images"):
            if (base / inside).is_file():
                return base / inside
    return by_name.get(inside.name)


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return None
