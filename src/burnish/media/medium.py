"""What a data set is made of: pictures, clips or text; decided by names, before anything is opened."""

from pathlib import Path
from typing import Literal, get_args

from burnish.errors import DatasetError
from burnish.media.image import SUFFIXES

Medium = Literal["image", "clip", "text"]
MEDIA: tuple[str, ...] = get_args(Medium)
VIDEOS = frozenset({".mp4", ".mkv", ".avi", ".mov", ".webm", ".m4v", ".gif"})
"""A GIF by itself is a clip; in a folder with other pictures it is a picture."""

LINES = frozenset({".txt", ".md", ".log"})
TEXTS = LINES | {".csv", ".tsv", ".jsonl"}
"""In a folder a table is about the other files, so it is text only by itself."""
FRAME = "frame"


def medium_of(path: str | Path, column: str | None = None) -> Medium:
    """What `burnish train PATH` is about.

    A JSON file is a list of ordered frames; a video or a GIF is a clip; a text file or a table is text. A
    folder holds pictures, unless it holds videos or GIFs and no other picture, or lines (`LINES`) and no
    picture at all, or its folders hold frames by name (`frame_0001.png`). Tables in it decide nothing.

    Args:
        path: A file or a folder.
        column: Of a table; naming one means text.

    Raises:
        DatasetError: The path does not exist, or nothing in it can be trained on.
    """
    path = Path(path)
    if not path.exists():
        raise DatasetError(path, "does not exist", "Check the path")
    if column is not None:
        return "text"
    if path.is_file():
        return _file(path)
    suffixes = {file.suffix.lower(): file for file in path.rglob("*") if _visible(file, path)}
    pictures = (SUFFIXES - VIDEOS) & set(suffixes)
    if pictures:
        return "clip" if _frames(path) else "image"
    if VIDEOS & set(suffixes):
        return "clip"
    if LINES & set(suffixes):
        return "text"
    tables = sorted(file.name for suffix, file in suffixes.items() if suffix in TEXTS)
    if tables:
        raise DatasetError(
            path,
            f"holds {tables[0]} and none of the pictures or clips that it may be about",
            f"Put them beside it, or name {path / tables[0]} itself to train on its lines",
        )
    raise DatasetError(
        path,
        "holds no pictures, clips or text",
        "Give a folder of pictures, of videos or of .txt files, a video, or a text file",
    )


def _file(path: Path) -> Medium:
    suffix = path.suffix.lower()
    if suffix == ".json" or suffix in VIDEOS:
        return "clip"
    if suffix in TEXTS:
        return "text"
    reason = "is one picture" if suffix in SUFFIXES else f"is a {suffix or 'file without a suffix'}"
    raise DatasetError(path, f"{reason}, not a data set", "Give a folder of pictures, a video or a text file")


def _visible(file: Path, root: Path) -> bool:
    return file.is_file() and not any(part.startswith(".") for part in file.relative_to(root).parts)


def _frames(root: Path) -> bool:
    """Whether every picture lies in a folder and is called a frame."""
    files = [file for file in root.rglob("*") if _visible(file, root) and file.suffix.lower() in SUFFIXES]
    return all(file.parent != root and file.stem.lower().startswith(FRAME) for file in files)
