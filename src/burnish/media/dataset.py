"""A folder of parts as one table, whatever its layout.

Read as it lies: `split.csv`; `good/` + `defect/<class>/` + `mask/`; the MVTec AD layout; COCO and labelme
JSON. Opening looks at names only and is cheap; `burnish.media.check` opens every file.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from burnish.errors import DatasetError, ImageError
from burnish.media import layouts
from burnish.media.image import read_image
from burnish.media.part import GOOD, Part, Problem

__all__ = ["GOOD", "Part", "PartSet", "Problem", "find_images", "open_parts"]

find_images = layouts.find_images

_KNOWN = (
    "Known are: split.csv with columns image,label[,mask,split,group]; folders good/, defect/<class>/ and "
    "mask/; train/good, test/<class> and ground_truth/ (MVTec); COCO or labelme JSON files"
)


@dataclass(frozen=True)
class PartSet:
    """The parts of a folder, in a fixed order, and what could not be used.

    Attributes:
        root: The folder.
        parts: Sorted by path.
        problems: What was left out or used only in part, each by name.
        layout: "split.csv", "folders", "mvtec", "coco" or "labelme".
    """

    root: Path
    parts: tuple[Part, ...]
    problems: tuple[Problem, ...] = field(default=())
    layout: str = ""

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[Part]:
        return iter(self.parts)

    def only(self, split: str | None = None, label: str | None = None) -> "PartSet":
        """The parts of one split, of one label, or both. The result may be empty."""
        kept = (p for p in self.parts if split in (None, p.split) and label in (None, p.label))
        return replace(self, parts=tuple(kept))

    @property
    def goods(self) -> tuple[Part, ...]:
        """The parts labelled good."""
        return tuple(p for p in self.parts if p.is_good)

    @property
    def defects(self) -> tuple[Part, ...]:
        """The parts labelled anything but good."""
        return tuple(p for p in self.parts if not p.is_good)

    @property
    def classes(self) -> tuple[str, ...]:
        """The defect classes, sorted."""
        return tuple(sorted({p.label for p in self.defects}))

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that occur: train, test, spare, then others by name."""
        usual = ("train", "test", "spare")
        present = {p.split for p in self.parts}
        return tuple(s for s in usual if s in present) + tuple(sorted(present.difference(usual)))

    def name(self, part: Part) -> str:
        """A part's path inside the data set, with forward slashes."""
        return layouts.relative(part.image, self.root)

    def read(self, problems: list[Problem]) -> Iterator[tuple[Part, np.ndarray, np.ndarray | None]]:
        """Reads every part that can be read, and loses none without a word.

        Args:
            problems: Gets a `Problem` for each part whose picture is unusable (left out), and for each whose
                mask is unusable or empty (it counts by its label only).

        Yields:
            The part, its picture and its mask, as `Part.read` gives them.
        """
        for part in self.parts:
            try:
                image = read_image(part.image)
            except ImageError as error:
                problems.append(Problem(self.name(part), "broken", error.reason, error.cure))
                continue
            mask = None
            try:
                mask = part.read_mask((image.shape[0], image.shape[1]))
                if mask is None and part.annotation in ("mask", "polygon"):
                    raise ImageError(
                        part.mask or part.image, "marks no pixel as defective", "Save defective pixels as 255"
                    )
            except ImageError as error:
                thing = layouts.relative(Path(error.thing), self.root)
                reason = f"{error.reason}; the part counts by its label only"
                problems.append(Problem(thing, "mask", reason, error.cure))
            yield part, image, mask

    def hash(self) -> str:
        """A sha256 over labels, splits, annotations and every file's content, not where the folder lies."""
        digest = hashlib.sha256()
        for part in self.parts:
            mask = file_sha256(part.mask) if part.mask else ""
            row = (self.name(part), part.label, part.split, part.group, part.polygons, part.boxes)
            digest.update(repr((*row, file_sha256(part.image), mask)).encode())
        return digest.hexdigest()


def open_parts(root: str | Path) -> PartSet:
    """Opens a folder of parts; the layout is recognised.

    Missing files, unreadable annotations and rows without a label become `problems`; the rest stays usable.
    Pictures are not opened here.

    Raises:
        DatasetError: The folder does not exist, has no known layout, or holds no usable part.
    """
    root = Path(root)
    if not root.is_dir():
        raise DatasetError(root, "is not a folder" if root.exists() else "does not exist", "Check the path")
    known = next((entry for entry in layouts.LAYOUTS if entry[1](root)), None)
    if known is None:
        raise DatasetError(root, "has no layout that can be read as good and defective parts", _KNOWN)
    layout, _, reads = known
    parts, problems = reads(root)
    if not parts:
        first = f"; first of {len(problems)} problems: {problems[0]}".rstrip(".") if problems else ""
        raise DatasetError(root, f"holds no usable part ({layout} layout){first}", _KNOWN)
    parts = sorted(parts, key=lambda part: part.image.as_posix())
    return PartSet(root, tuple(parts), tuple(problems), layout)


def file_sha256(path: Path) -> str:
    """The sha256 of a file's content; of "missing" when it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return hashlib.sha256(b"missing").hexdigest()
