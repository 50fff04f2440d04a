"""The layouts that `open_parts` knows: how each is recognised and read. No picture is opened here."""

import csv
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from burnish.media import annotations
from burnish.media.image import SUFFIXES
from burnish.media.part import GOOD, Part, Problem

# Pictures that people will expect to be read, so that leaving them out must be said.
_UNREAD = frozenset(
    "." + s
    for s in ("heic", "heif", "avif", "raw", "dng", "cr2", "cr3", "nef", "arw", "psd", "svg", "exr", "jxl")
)
_GOOD_NAMES, _DEFECT_NAMES, _MASK_NAMES = ("good",), ("defect", "defects"), ("mask", "masks", "ground_truth")
_SPLIT_NAMES = ("train", "test", "spare", "val")

Read = tuple[list[Part], list[Problem]]


def find_images(root: str | Path, recursive: bool = True) -> list[Path]:
    """The pictures under a folder by their names, sorted; hidden files and folders are left out."""
    root = Path(root)
    found = (p for p in _files(root, recursive) if p.suffix.lower() in SUFFIXES)
    return sorted(found, key=lambda path: path.as_posix())


def relative(path: Path, root: Path) -> str:
    """`path` as seen from `root` with forward slashes; unchanged when it lies elsewhere."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def read_split_csv(root: Path) -> Read:
    """`split.csv`: columns image and label, where present mask, split, group; paths relative to it."""
    parts: dict[str, Part] = {}
    problems: list[Problem] = []
    try:
        text = (root / "split.csv").read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return [], [Problem("split.csv", "layout", f"cannot be read ({error})", "Save it as UTF-8 text")]
    rows = _table(text)
    if missing := {"image", "label"}.difference(rows.fieldnames or ()):
        reason = f"has no column {' or '.join(sorted(missing))}"
        return [], [
            Problem("split.csv", "layout", reason, "Its first line must read image,label,mask,split,group")
        ]
    for number, row in enumerate(rows, start=2):
        part = _row_part(root, _stripped(row), number, problems)
        if part is None:
            continue
        name = relative(part.image, root)
        if name in parts:
            same = parts[name] == part
            reason = (
                "is listed twice" if same else "is listed twice with differing columns; the first row counts"
            )
            problems.append(Problem(f"split.csv line {number}", "label", f"{name} {reason}", "Keep one row"))
        parts.setdefault(name, part)
    return list(parts.values()), problems


def read_folders(root: Path) -> Read:
    """`good/`, `defect/<class>/` (or pictures right in `defect/`) and `mask/`; the split is train.

    The same folders may also lie in `train/`, `test/` and `spare/`. A mask has its picture's name, with any
    picture suffix and with or without `_mask`, in `mask/<class>/` or in `mask/`.
    """
    parts: list[Part] = []
    problems: list[Problem] = []
    for split, base in _bases(root):
        goods, defects, masks = (_child(base, names) for names in (_GOOD_NAMES, _DEFECT_NAMES, _MASK_NAMES))
        find_mask = _mask_finder(masks)
        for image in _images(goods, root, problems):
            parts.append(Part(image, GOOD, split))
        for image in _images(defects, root, problems):
            assert defects is not None
            inside = image.relative_to(defects).parts
            label = inside[0] if len(inside) > 1 else "defect"
            parts.append(Part(image, label, split, mask=find_mask(label, image.stem)))
        problems += _orphans(masks, [p for p in parts if p.mask], root)
        problems += _strangers(base, root)
    return parts, problems


def read_mvtec(root: Path) -> Read:
    """MVTec AD: `train/good`, `test/good`, `test/<class>`, `ground_truth/<class>/<name>_mask.png`."""
    parts: list[Part] = []
    problems: list[Problem] = []
    find_mask = _mask_finder(_child(root, ("ground_truth",)))
    for split, names in (("train", ("train",)), ("test", ("test",)), ("val", ("validation", "val"))):
        base = _child(root, names)
        for folder in _folders(base):
            good = folder.name.lower() in _GOOD_NAMES
            label = GOOD if good else folder.name
            for image in _images(folder, root, problems):
                mask = None if good else find_mask(label, image.stem)
                if mask is None and not good and _child(root, ("ground_truth",)):
                    reason = "has no mask in ground_truth; it counts by its label only"
                    problems.append(Problem(relative(image, root), "mask", reason))
                parts.append(Part(image, label, split, mask=mask))
    return parts, problems


def read_coco(root: Path) -> Read:
    """COCO JSON files anywhere in the folder; see `annotations.read_coco`."""
    return annotations.read_coco(root, _json_files(root), find_images(root))


def read_labelme(root: Path) -> Read:
    """labelme JSON files beside their pictures; see `annotations.read_labelme`."""
    return annotations.read_labelme(root, _json_files(root), find_images(root))


def _is_mvtec(root: Path) -> bool:
    """`train/good` is there, and no split has classes inside a folder `defect`, as the plain layout has."""
    train = _child(root, ("train",))
    nested = (_folders(_child(base, _DEFECT_NAMES)) for _, base in _bases(root))
    return train is not None and _child(train, _GOOD_NAMES) is not None and not any(nested)


def _is_folders(root: Path) -> bool:
    return any(_child(base, _GOOD_NAMES + _DEFECT_NAMES) for _, base in _bases(root))


def _is_coco(root: Path) -> bool:
    return any(annotations.kind(path) == "coco" for path in _json_files(root))


def _is_labelme(root: Path) -> bool:
    return any(annotations.kind(path) == "labelme" for path in _json_files(root))


# Tried in this order; annotation files say more than folders do, so they go before plain good/ + defect/.
LAYOUTS: tuple[tuple[str, Callable[[Path], bool], Callable[[Path], Read]], ...] = (
    ("split.csv", lambda root: (root / "split.csv").is_file(), read_split_csv),
    ("mvtec", _is_mvtec, read_mvtec),
    ("coco", _is_coco, read_coco),
    ("labelme", _is_labelme, read_labelme),
    ("folders", _is_folders, read_folders),
)


def holds_parts(root: Path) -> bool:
    """Whether a folder is an inspection data set, by its layout."""
    return any(recognises(root) for _, recognises, _ in LAYOUTS)


def listed_masks(root: Path) -> set[Path]:
    """The masks that `split.csv` names, of good parts too; none where it is missing or cannot be read."""
    try:
        rows = [_stripped(row) for row in _table((root / "split.csv").read_text(encoding="utf-8-sig"))]
    except (OSError, UnicodeDecodeError):
        return set()
    return {path for row in rows if (name := row.get("mask")) and (path := _inside(root, name))}


def _table(text: str) -> "csv.DictReader[str]":
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    return csv.DictReader(text.splitlines(), delimiter=delimiter)


def _stripped(row: dict[str, Any]) -> dict[str, str]:
    return {key: (value or "").strip() for key, value in row.items() if isinstance(value, str | None)}


def _row_part(root: Path, row: dict[str, str], number: int, problems: list[Problem]) -> Part | None:
    """One row of split.csv as a part; None, with the problem noted, when it cannot be used."""
    where = f"split.csv line {number}"
    image, label, mask = row.get("image", ""), row.get("label", ""), row.get("mask", "")
    if not image or not label:
        reason = f"has no {'image' if not image else 'label'}"
        problems.append(Problem(where, "label", reason, "Fill the column or delete the row"))
        return None
    path, mask_path = _inside(root, image), _inside(root, mask) if mask else None
    if path is None or not path.is_file():
        reason = "lies outside the folder" if path is None else "does not exist"
        problems.append(
            Problem(image, "missing", f"{reason} ({where})", "Copy the picture or delete the row")
        )
        return None
    if mask and (mask_path is None or not mask_path.is_file()):
        reason = "lies outside the folder" if mask_path is None else "does not exist"
        reason += f" ({where}); the part counts by its label only"
        problems.append(Problem(mask, "missing", reason, "Copy the mask or empty the column"))
        mask_path = None
    label = GOOD if label.lower() == GOOD else label
    if label == GOOD:
        mask_path = None
    return Part(path, label, row.get("split", "").lower() or "train", row.get("group", ""), mask_path)


def _inside(root: Path, name: str) -> Path | None:
    """The file a row names, whatever its slashes and accents; None when it would leave the folder."""
    for spelled in (name, name.replace("\\", "/")):
        path = Path(spelled)
        if path.is_absolute() or ".." in path.parts:
            continue
        for form in (spelled, unicodedata.normalize("NFC", spelled), unicodedata.normalize("NFD", spelled)):
            if (root / form).is_file():
                return root / form
    path = Path(name)
    return None if path.is_absolute() or ".." in path.parts else root / path


def _bases(root: Path) -> list[tuple[str, Path]]:
    inner = [(split, _child(root, (split,))) for split in _SPLIT_NAMES]
    return [("train", root)] + [(split, base) for split, base in inner if base is not None]


def _files(root: Path, recursive: bool = True) -> Iterable[Path]:
    for path in root.rglob("*") if recursive else root.glob("*"):
        inside = path.relative_to(root).parts
        if not any(p.startswith(".") or p == "__MACOSX" for p in inside) and path.is_file():
            yield path


def _json_files(root: Path) -> list[Path]:
    return sorted((p for p in _files(root) if p.suffix.lower() == ".json"), key=lambda path: path.as_posix())


def _images(folder: Path | None, root: Path, problems: list[Problem]) -> list[Path]:
    if folder is None:
        return []
    for path in _files(folder):
        if path.suffix.lower() in _UNREAD:
            reason = f"{path.suffix} pictures are not read"
            problems.append(Problem(relative(path, root), "format", reason, "Save it as PNG or JPEG"))
    return find_images(folder)


def _folders(base: Path | None) -> list[Path]:
    found = (p for p in base.iterdir() if p.is_dir() and not p.name.startswith(".")) if base else ()
    return sorted(found)


def _child(base: Path, names: Iterable[str]) -> Path | None:
    """The first folder in `base` whose name, in any case, is one of `names`."""
    return next((p for p in _folders(base) if p.name.lower() in names), None)


def _mask_finder(masks: Path | None) -> Callable[[str, str], Path | None]:
    """A function of (class, picture's stem) that gives the mask's file or None."""
    index: dict[tuple[str, str], Path] = {}
    for path in find_images(masks) if masks else ():
        assert masks is not None
        index.setdefault((path.relative_to(masks).parent.as_posix().lower(), _mask_stem(path)), path)

    def find(label: str, stem: str) -> Path | None:
        return index.get((label.lower(), stem.lower())) or index.get((".", stem.lower()))

    return find


def _mask_stem(path: Path) -> str:
    stem = path.stem.lower()
    return stem.removesuffix("_mask") if stem != "_mask" else stem


def _orphans(masks: Path | None, parts: list[Part], root: Path) -> list[Problem]:
    """Masks that no picture claims: usually a spelling mistake that would cost a defect its place."""
    claimed = {p.mask for p in parts}
    cure = "Give it the name of its picture"
    found = find_images(masks) if masks else []
    return [
        Problem(relative(p, root), "mask", "belongs to no picture", cure) for p in found if p not in claimed
    ]


def _strangers(base: Path, root: Path) -> list[Problem]:
    """Folders with pictures that the plain layout has no place for: most often classes beside `defect`."""
    known = (*_GOOD_NAMES, *_DEFECT_NAMES, *_MASK_NAMES, *_SPLIT_NAMES)
    strange = [(f, len(find_images(f))) for f in _folders(base) if f.name.lower() not in known]
    cure = "If they are defects, move the folder into defect/"
    return [
        Problem(relative(f, root), "layout", f"holds {n} pictures that are not read", cure)
        for f, n in strange
        if n
    ]
