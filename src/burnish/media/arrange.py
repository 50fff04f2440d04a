"""From a public archive, as its authors packed it, to `split.csv` with the few-image split of the benches.

A split list (`splits/<name>.txt`) has sections `[split label]`, then a picture a line by its stem, with a
group where pictures show one part. Pictures are copied to the byte; only masks are written anew, 255 where
defective.
"""

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import numpy as np

from burnish.errors import DatasetError
from burnish.media.image import read_image, read_mask, write_png
from burnish.media.layouts import find_images
from burnish.media.part import GOOD
from burnish.media.polygon import rasterise

Mask = Callable[[Path], np.ndarray]


def beside(image: Path) -> np.ndarray:
    """The mask that lies beside a .jpg under the same name as .png (Magnetic-tile-defect-datasets)."""
    return read_mask(image.with_suffix(".png"), _size(image))


def ground_truth(image: Path) -> np.ndarray:
    """The black-on-white mask in the folder beside the pictures, which PIPED spells in two ways."""
    name = image.name.replace("_D_", "_GT_")
    places = [image.parent / folder / name for folder in ("GroundTruth", "GroundThruth")]
    return ~read_mask(next((path for path in places if path.is_file()), places[0]), _size(image))


def labelme(image: Path) -> np.ndarray:
    """The polygons in label/<stem>.json, in a folder above the picture's (BSData)."""
    above = [folder / "label" / f"{image.stem}.json" for folder in image.parents]
    source = next((path for path in above if path.is_file()), above[1])
    try:
        shapes = json.loads(source.read_text(encoding="utf-8"))["shapes"]
        return rasterise([shape["points"] for shape in shapes], _size(image))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(source, f"cannot be read as labelme annotations ({error})") from error


MASKS: dict[str, Mask] = {"beside": beside, "ground_truth": ground_truth, "labelme": labelme}


def arrange(name: str, raw: Path, out: Path, mask: str | None) -> int:
    """Copies what the split list of `name` names from an unpacked archive into a new folder with `split.csv`.

    Args:
        name: A set that has a split list.
        raw: The unpacked archive.
        out: A new or empty folder.
        mask: A key of `MASKS`, or None for a set with image labels only.

    Returns:
        The number of pictures.

    Raises:
        DatasetError: Pictures of the list are not in the archive; the first is named.
    """
    pictures: dict[str, Path] = {}
    for path in find_images(raw):
        for key in _keys(path, mask):
            pictures.setdefault(key, path)
    rows = list(read_split(name))
    if missing := [stem for _, _, stem, _ in rows if stem not in pictures]:
        raise DatasetError(
            raw,
            f"lacks {len(missing)} of {len(rows)} pictures of {name}, the first {missing[0]}",
            "Get the set again",
        )
    out.mkdir(parents=True, exist_ok=True)
    with (out / "split.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(("image", "label", "mask", "split", "group"))
        for split, label, stem, group in rows:
            source = pictures[stem]
            image = f"images/{label}/{source.name}"
            (out / image).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, out / image)
            place = f"masks/{label}/{source.stem}.png" if mask and label != GOOD else ""
            if mask and place:
                write_png(out / place, MASKS[mask](source))
            table.writerow((image, label, place, split, group))
    return len(rows)


def read_split(name: str) -> Iterator[tuple[str, str, str, str]]:
    """The (split, label, stem, group) rows of a split list; a group is the stem where none is given."""
    text = (resources.files("burnish.media") / "splits" / f"{name}.txt").read_text(encoding="utf-8")
    split = label = ""
    for line in text.splitlines():
        if line.startswith("["):
            split, label = line.strip("[]").split(" ", 1)
        elif line:
            stem, _, group = line.partition(" ")
            yield split, label, stem, group or _group(stem)


def _group(stem: str) -> str:
    """BSData names pictures 01_<time>_<position>: one position over time is one group. Others stand alone."""
    head, _, rest = stem.partition("_")
    return rest.partition("_")[2] if head == "01" else stem.rpartition("/")[2]


def _keys(path: Path, mask: str | None) -> tuple[str, ...]:
    if mask == "beside" and path.suffix.lower() == ".png":
        return ()
    return path.stem, f"{path.parent.name}/{path.stem}"


def _size(image: Path) -> tuple[int, int]:
    height, width = read_image(image).shape[:2]
    return height, width
