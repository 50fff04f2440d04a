"""Clips as a data set: sequences of frames, found, read, made small, split, cut into windows."""

import csv
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from burnish.errors import DatasetError, ImageError
from burnish.media.film import Film, is_film, read_film, read_frames
from burnish.media.image import SUFFIXES
from burnish.media.medium import VIDEOS
from burnish.media.part import Problem

LENGTH = 16
"""Frames of a window."""

FEW = 20
"""Below this many windows a model is likely to learn them by heart, and a warning says so."""

CAPTIONS, SPLITS = "captions.csv", "split.csv"


@dataclass(frozen=True)
class Take:
    """One sequence of frames.

    Attributes:
        name: As its source calls it.
        frames: uint8 (T, h, w, 3), T >= 1, the shorter side of the size asked for.
        label: Its class, "" for none.
        caption: Its description, "" for none.
        group: Takes of one group go to the same side of the hold-out; "" is a group of its own.
    """

    name: str
    frames: np.ndarray
    label: str = ""
    caption: str = ""
    group: str = ""

    def __len__(self) -> int:
        return len(self.frames)

    def starts(self, length: int) -> int:
        """Number of windows; a take shorter than a window is one."""
        return max(1, len(self) - length + 1)


@dataclass(frozen=True)
class Clips:
    """Takes in memory.

    Attributes:
        root: Where they were read.
        layout: "json", "film", "films", "frames".
        size: Shorter side in pixels.
        takes: In a fixed order.
        classes: Names, sorted; empty when there are fewer than two.
        problems: What was left out, each with its reason.
        hash: Of names, classes, descriptions and frames, 16 hex digits.
    """

    root: Path
    layout: str
    size: int
    takes: tuple[Take, ...]
    classes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = field(default=())
    hash: str = ""

    def __len__(self) -> int:
        return len(self.takes)

    @property
    def frames(self) -> int:
        """Frames in all."""
        return sum(map(len, self.takes))

    def windows(self, length: int = LENGTH) -> int:
        """Windows in all."""
        return sum(take.starts(length) for take in self.takes)

    @property
    def described(self) -> bool:
        """Whether any take has a description."""
        return any(take.caption for take in self.takes)

    def holdout(self, share: float = 0.1, seed: int = 0) -> tuple["Clips", "Clips"]:
        """(train, held out), no frame in both: whole groups, or of fewer than 5 groups the end of each take;
        nothing of takes below 24 frames then."""
        groups = [take.group or f"\0{index}" for index, take in enumerate(self.takes)]
        order = sorted(set(groups))
        if len(order) >= 5:
            np.random.default_rng((seed, 10)).shuffle(order)
            held = set(order[: min(max(1, round(share * len(order))), len(order) - 1)])
            return self._only(g not in held for g in groups), self._only(g in held for g in groups)
        early, late = [], []
        for take in self.takes:
            cut = max(4, round(1.5 * share * len(take))) if len(take) >= 24 else 0
            early.append(replace(take, frames=take.frames[: len(take) - cut]))
            if cut:
                late.append(replace(take, frames=take.frames[len(take) - cut :]))
        return replace(self, takes=tuple(early)), replace(self, takes=tuple(late))

    def _only(self, keep: Iterable[bool]) -> "Clips":
        return replace(self, takes=tuple(t for t, k in zip(self.takes, keep, strict=True) if k))


@dataclass
class _Source:
    """A take before it is read."""

    name: str
    files: list[Path]
    label: str = ""
    caption: str = ""
    group: str = ""


def load_clips(root: str | Path, size: int, split: str | None = "train") -> Clips:
    """Reads clips in any of these forms.

    A JSON file: `{name: [frame, ...]}`, `[[frame, ...], ...]`, or objects with `frames` and optionally
    `name`, `label`, `caption`, `group`; a frame is a path from the file's folder, or the name, with or
    without suffix, of a picture below it. A video or a GIF. A folder of those, named by class in folders,
    described in `captions.csv` (columns file, name). A folder of frames, or of folders of frames.

    Args:
        root: The file or folder.
        size: Wanted shorter side in pixels.
        split: A `split.csv` beside a JSON marks pictures: "train" leaves out takes that hold a `test` row,
            "test" keeps only those, None keeps all.

    Raises:
        DatasetError: Nothing there, or no usable frame.
    """
    root = Path(root)
    if not root.exists():
        raise DatasetError(root, "is not there", "Check the path")
    layout, sources, problems = _find(root, split)
    takes: list[Take] = []
    digest = hashlib.sha256()
    for source in sources:
        try:
            take, found = _read(source, size)
        except ImageError as error:
            problems.append(Problem(source.name, "broken", error.reason, error.cure))
            continue
        problems += [replace(p, thing=source.name if p.thing == source.name else f"{source.name}: {p.thing}")
                     for p in found]  # fmt: skip
        takes.append(take)
        for word in (take.name, take.label, take.caption, str(take.frames.shape)):
            digest.update(word.encode() + b"\0")
        digest.update(take.frames.tobytes())
    if not takes:
        why = f" ({problems[0]})" if problems else ""
        raise DatasetError(
            root,
            f"holds no usable clip{why}",
            "Give videos, GIFs, folders of frames, or a JSON list of frames",
        )
    labels = tuple(sorted({take.label for take in takes if take.label}))
    hashed = digest.hexdigest()[:16]
    return Clips(root, layout, size, tuple(takes), labels if len(labels) > 1 else (), tuple(problems), hashed)


def shrink(frame: np.ndarray, size: int, like: tuple[int, int] | None = None) -> np.ndarray:
    """A frame resized, antialiased, so that its shorter side is `size`; cut in the middle to `like`.

    Args:
        frame: uint8 (H, W, 3).
        size: Shorter side in pixels.
        like: Wanted (h, w); a frame of another aspect is scaled to cover it, then cut.
    """
    height, width = frame.shape[:2]
    scale = size / min(height, width)
    h, w = max(size, round(height * scale)), max(size, round(width * scale))
    if like is not None and (h, w) != like:
        cover = max(like[0] / height, like[1] / width)
        h, w = max(like[0], round(height * cover)), max(like[1], round(width * cover))
    if (h, w) != (height, width):
        how = Image.Resampling.HAMMING if h <= height else Image.Resampling.BICUBIC
        frame = np.asarray(Image.fromarray(np.ascontiguousarray(frame)).resize((w, h), how))
    if like is not None and frame.shape[:2] != like:
        top, left = (h - like[0]) // 2, (w - like[1]) // 2
        frame = frame[top : top + like[0], left : left + like[1]]
    return np.ascontiguousarray(frame)


def as_take(name: str, film: Film, size: int) -> tuple[Take, list[Problem]]:
    """A film as a take; frames of another size than the first are fitted to it, and counted.

    Args:
        name: Of the take.
        film: Its frames, of any sizes.
        size: Shorter side in pixels.
    """
    first = shrink(film.frames[0], size)
    shapes = [frame.shape[:2] for frame in film.frames]
    frames = np.stack([shrink(frame, size, first.shape[:2]) for frame in film.frames])
    other = sum(abs(h / w - shapes[0][0] / shapes[0][1]) > 0.02 for h, w in shapes)
    odd = [Problem(name, "size", f"{other} frames have another shape than the first and were cut to it")]
    return Take(name, frames), [*film.problems, *(odd if other else [])]


def window(frames: np.ndarray, start: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """A window and which of its frames are there: (length, h, w, 3) and bool (length,); the rest is 0."""
    cut = frames[start : start + length]
    out = np.zeros((length, *frames.shape[1:]), frames.dtype)
    out[: len(cut)] = cut
    return out, np.arange(length) < len(cut)


def _read(source: _Source, size: int) -> tuple[Take, list[Problem]]:
    if len(source.files) == 1 and (is_film(source.files[0]) or source.files[0].is_dir()):
        film = read_film(source.files[0], lambda frame: shrink(frame, size))
    else:
        film = read_frames(source.files, Path(source.name), lambda frame: shrink(frame, size))
    take, problems = as_take(source.name, film, size)
    return replace(take, label=source.label, caption=source.caption, group=source.group), problems


def _find(root: Path, split: str | None) -> tuple[str, list[_Source], list[Problem]]:
    if root.is_file() and root.suffix.lower() == ".json":
        return "json", *_json(root, split)
    if root.is_file():
        return "film", [_Source(root.name, [root])], []
    captions = _captions(root)
    films = sorted((f for f in root.rglob("*") if is_film(f) and not f.name.startswith(".")), key=str)
    files = films or sorted(
        {f.parent for f in root.rglob("*") if f.suffix.lower() in SUFFIXES - VIDEOS}, key=str
    )
    sources = []
    for file in files:
        name = file.relative_to(root).as_posix() if file != root else root.name
        above = file.relative_to(root).parts[:-1] if file != root else ()
        sources.append(_Source(name, [file], above[0] if above else "", captions.get(name, "")))
    return "films" if films else "frames", sources, []


def _captions(root: Path) -> dict[str, str]:
    try:
        rows = csv.DictReader((root / CAPTIONS).read_text(encoding="utf-8-sig").splitlines())
        return {(row.get("file") or "").strip(): (row.get("name") or "").strip() for row in rows}
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(root / CAPTIONS, f"cannot be read ({error})", "Save it as UTF-8 text") from error


def _json(file: Path, split: str | None) -> tuple[list[_Source], list[Problem]]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(file, f"cannot be read as JSON ({error})", "Mend or export it again") from error
    index, tests = _index(file.parent), _tests(file.parent)
    sources, problems = [], []
    for name, entry in _entries(file, data):
        found, missing = [], []
        for frame in entry["frames"]:
            place = _locate(file.parent, str(frame), index)
            if place is None:
                missing.append(str(frame))
            else:
                found.append(place)
        if missing:
            more = f" and {len(missing) - 1} more frames are" if len(missing) > 1 else " is"
            problems.append(Problem(name, "missing", f"{missing[0]}{more} not there", "The others are used"))
        if not found:
            continue
        tested = any(place in tests for place in found)
        if split is None or tested == (split == "test"):
            words = {key: str(entry.get(key) or "") for key in ("label", "caption", "group")}
            sources.append(_Source(name, found, **words))
    return sources, problems


def _entries(file: Path, data: Any) -> list[tuple[str, dict[str, Any]]]:
    """(name, {"frames": [...], ...}) of each take of a JSON file."""
    named = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else []
    entries = []
    if isinstance(data, list) and data and all(isinstance(one, str) for one in data):
        named = [(file.stem, data)]
    for key, entry in named:
        entry = {"frames": entry} if isinstance(entry, list) else entry
        if not isinstance(entry, dict) or not isinstance(entry.get("frames"), list):
            raise DatasetError(
                file, f"entry {key} is no list of frames", "Write {name: [frame, ...]} or [[frame, ...], ...]"
            )
        entries.append((str(entry.get("name", key)), entry))
    if not entries:
        raise DatasetError(file, "lists no frames", "Write {name: [frame, ...]} or [[frame, ...], ...]")
    return entries


def _index(folder: Path) -> dict[str, list[Path]]:
    """Pictures below a folder, by name and by name without suffix; masks are none."""
    index: dict[str, list[Path]] = defaultdict(list)
    for path in folder.rglob("*"):
        inside = path.relative_to(folder).parts
        if path.suffix.lower() in SUFFIXES and "masks" not in inside and "mask" not in inside:
            for key in {path.name, path.stem}:
                index[key].append(path)
    return index


def _locate(folder: Path, frame: str, index: dict[str, list[Path]]) -> Path | None:
    """A frame's file: as a path from the folder, else by its name, where that names one picture."""
    place = folder / frame
    if place.suffix.lower() in SUFFIXES and place.is_file():
        return place
    named = index.get(Path(frame).name, [])
    return named[0] if len(named) == 1 else None


def _tests(folder: Path) -> set[Path]:
    """Pictures that a `split.csv` in the folder marks as test."""
    try:
        rows = csv.DictReader((folder / SPLITS).read_text(encoding="utf-8-sig").splitlines())
        return {folder / row["image"] for row in rows if row.get("split") == "test" and row.get("image")}
    except (OSError, UnicodeDecodeError):
        return set()
