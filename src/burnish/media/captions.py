"""What is said of pictures: in `captions.csv`, in `metadata.jsonl`, or in a text file beside each."""

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from burnish.errors import DatasetError
from burnish.media.dataset import Problem, find_images

TABLE, LINES = "captions.csv", "metadata.jsonl"
FILES = ("file", "file_name")
CAPTIONS = ("name", "text", "caption", "description", "prompt")
"""Columns that may hold a picture's file and its description, the first that is there."""


@dataclass(frozen=True)
class Said:
    """A picture and what is said of it.

    Attributes:
        file: The picture.
        caption: Its description, "" for none.
        others: Other ways to say it, from the other columns.
    """

    file: Path
    caption: str
    others: tuple[str, ...] = ()


def read_captions(root: Path, beside: bool = True) -> tuple[str, list[Said], list[Problem]] | None:
    """(layout, what is said, problems) of a folder with captions; None for one without. No picture is opened.

    `captions.csv` needs a column `file` (or `file_name`) and one of `name`, `text`, `caption`, `description`,
    `prompt`; every further column is another way to say it. `metadata.jsonl` holds the same as one JSON
    object a line (the form of Hugging Face's image folders). Otherwise `a.txt` describes `a.png`, when at
    least half of the pictures have one.

    Args:
        root: The folder.
        beside: Whether to look for text files beside the pictures.

    Raises:
        DatasetError: A table that cannot be read, or without the columns.
    """
    if (root / TABLE).is_file():
        return TABLE, *_rows(root, TABLE, enumerate(_table(root / TABLE), start=2))
    if (root / LINES).is_file():
        return LINES, *_rows(root, LINES, _objects(root / LINES))
    images = find_images(root) if beside else []
    texts = [image.with_suffix(".txt") for image in images]
    if not images or 2 * sum(file.is_file() for file in texts) < len(images):
        return None
    said, problems = [], []
    for image, file in zip(images, texts, strict=True):
        try:
            said.append(Said(image, " ".join(_text(file).split())))
        except DatasetError as error:
            said.append(Said(image, ""))
            problems.append(Problem(file.name, "caption", f"{error.reason}; the picture trains without it"))
    return "text files", said, problems


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = "is not there" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
        raise DatasetError(file, reason, "Save it as UTF-8 text") from error


def _table(file: Path) -> list[dict[str, Any]]:
    rows = list(csv.DictReader(_text(file).splitlines()))
    if rows and not (set(FILES) & set(rows[0]) and set(CAPTIONS) & set(rows[0])):
        raise DatasetError(file, "has no columns file and name", "Its first line must read file,name")
    return rows


def _objects(file: Path) -> Iterable[tuple[int, Any]]:
    for number, line in enumerate(_text(file).splitlines(), start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError:
                yield number, None


def _rows(root: Path, table: str, rows: Iterable[tuple[int, Any]]) -> tuple[list[Said], list[Problem]]:
    said, problems = [], []
    for number, row in rows:
        where = f"{table} line {number}"
        name = _first(row, FILES) if isinstance(row, Mapping) else ""
        if not name:
            problems.append(Problem(where, "broken", "names no picture"))
        elif not (root / name).is_file():
            problems.append(Problem(where, "missing", f"{name} is not there"))
        else:
            said.append(_said(root / name, row))
    return said, problems


def _said(file: Path, row: Mapping[str, Any]) -> Said:
    caption = _first(row, CAPTIONS)
    known = {*FILES, next((key for key in CAPTIONS if row.get(key)), "")}
    others = [_plain(value) for key, value in row.items() if key not in known and isinstance(value, str)]
    return Said(file, caption, tuple(dict.fromkeys(o for o in others if o and o != caption)))


def _first(row: Mapping[str, Any], keys: Iterable[str]) -> str:
    return next((str(row[key]).strip() for key in keys if row.get(key)), "")


def _plain(words: str) -> str:
    """Words joined by underscores or dashes, as names in tables often are, as words."""
    return " ".join(words.replace("_", " ").replace("-", " ").split())
