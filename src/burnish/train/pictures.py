"""A folder of pictures as training data: found, read, made small, split."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from burnish.errors import DatasetError, ImageError
from burnish.media.captions import read_captions
from burnish.media.dataset import Problem, find_images, open_parts
from burnish.media.image import read_image
from burnish.media.layouts import holds_parts

FEW = 50
"""Below this many pictures a model is likely to learn them by heart, and a warning says so."""


@dataclass(frozen=True)
class Entry:
    """A picture's file and what is said of it.

    Attributes:
        file: The picture.
        label: Its class, "" for none.
        caption: Its description, "" for none.
        others: Other ways to say it.
        group: Pictures of one group go to the same side of the hold-out.
    """

    file: Path
    label: str = ""
    caption: str = ""
    group: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pictures:
    """Pictures in memory, their shorter side `size` px.

    Attributes:
        root: The folder.
        layout: As `media.captions` names it, "classes", "plain", or a layout of `media.dataset`.
        size: Shorter side of each picture in pixels.
        images: uint8 (h, w, 3) each.
        entries: Of each picture.
        classes: Names, sorted; empty when there are fewer than two.
        problems: Files that were left out, each with its reason.
        hash: Of names, classes, descriptions and contents, 16 hex digits.
    """

    root: Path
    layout: str
    size: int
    images: tuple[np.ndarray, ...]
    entries: tuple[Entry, ...]
    classes: tuple[str, ...]
    problems: tuple[Problem, ...] = field(default=())
    hash: str = ""

    def __len__(self) -> int:
        return len(self.images)

    @property
    def described(self) -> bool:
        """Whether any picture has a description."""
        return any(entry.caption for entry in self.entries)

    @property
    def elongated(self) -> bool:
        """Whether squares must be cut from the pictures along their longer side."""
        return any(max(image.shape[:2]) > self.size for image in self.images)

    def holdout(self, share: float = 0.1, seed: int = 0) -> tuple[list[int], list[int]]:
        """Indices (train, held out), whole groups on one side; nothing is held out of fewer than 4
        pictures, or when the share is 0.
        """
        if len(self) < 4 or share <= 0:
            return list(range(len(self))), []
        groups = [entry.group or f"\0{index}" for index, entry in enumerate(self.entries)]
        order = sorted(set(groups))
        np.random.default_rng((seed, 10)).shuffle(order)
        sizes, held, wanted = Counter(groups), set(), max(1, round(share * len(self)))
        for group in order:
            if sum(sizes[g] for g in held) >= wanted or len(held) + 1 == len(order):
                break
            held.add(group)
        train = [index for index, group in enumerate(groups) if group not in held]
        return train, [index for index, group in enumerate(groups) if group in held]


def load_pictures(root: str | Path, size: int) -> Pictures:
    """Reads a folder: with captions (see `media.captions`), an inspection data set (its train rows), folders
    whose names are classes, or just pictures.

    Args:
        root: The folder.
        size: Wanted shorter side in pixels; larger and smaller pictures are resized.

    Raises:
        DatasetError: No folder, or no usable picture in it.
    """
    root = Path(root)
    if not root.is_dir():
        raise DatasetError(root, "is not a folder", "Name a folder of pictures")
    layout, entries, problems = _list(root)
    digest, kept, images = hashlib.sha256(), [], []
    for entry in entries:
        try:
            image = read_image(entry.file)
        except ImageError as error:
            problems.append(Problem(_name(entry, root), "broken", error.reason, error.cure))
            continue
        images.append(_shrink(image, size))
        kept.append(entry)
        for word in (_name(entry, root), entry.label, entry.caption, *entry.others):
            digest.update(word.encode() + b"\0")
        digest.update(hashlib.sha256(image.tobytes()).digest())
    if not images:
        why = f"holds no usable picture ({len(problems)} were left out)" if problems else "holds no picture"
        raise DatasetError(
            root, why, "Give a folder of PNG or JPEG files; `burnish data check` says what is wrong"
        )
    classes = tuple(sorted({entry.label for entry in kept if entry.label}))
    classes = classes if len(classes) > 1 else ()
    hashed = digest.hexdigest()[:16]
    return Pictures(root, layout, size, tuple(images), tuple(kept), classes, tuple(problems), hashed)


def _name(entry: Entry, root: Path) -> str:
    return entry.file.relative_to(root).as_posix() if entry.file.is_relative_to(root) else str(entry.file)


def _list(root: Path) -> tuple[str, list[Entry], list[Problem]]:
    """(layout, entries, problems) of a folder; no picture is opened."""
    inspection = holds_parts(root)
    described = read_captions(root, beside=not inspection)
    if described is not None:
        layout, said, problems = described
        return layout, [Entry(s.file, "", s.caption, others=s.others) for s in said], problems
    if inspection:
        parts = open_parts(root)
        rows = parts.only(split="train").parts
        if not rows:
            raise DatasetError(root, "has no parts of the train split", "Mark some rows as train")
        return parts.layout, [Entry(p.image, p.label, "", p.group) for p in rows], list(parts.problems)
    files = find_images(root)
    inside = [file.relative_to(root).parts for file in files]
    classes = {parts[0] for parts in inside if len(parts) > 1}
    if len(classes) < 2:
        return "plain", [Entry(file) for file in files], []
    labels = [parts[0] if len(parts) > 1 else "" for parts in inside]
    return "classes", [Entry(file, label) for file, label in zip(files, labels, strict=True)], []


def _shrink(image: np.ndarray, size: int) -> np.ndarray:
    """Resized, antialiased, so that the shorter side is `size` px; nearly square pictures become square."""
    height, width = image.shape[:2]
    scale = size / min(height, width)
    h, w = max(size, round(height * scale)), max(size, round(width * scale))
    if max(h, w) <= 1.06 * size:
        h = w = size
    if (h, w) == (height, width):
        return image
    filtered = Image.Resampling.HAMMING if scale < 1 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(image).resize((w, h), filtered)).copy()
