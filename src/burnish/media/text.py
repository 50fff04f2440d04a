"""Text as a data set: short lines, found, read, cleaned and split."""

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from burnish.errors import DatasetError
from burnish.media.medium import LINES
from burnish.media.part import Problem

FEW = 500
"""Below this many different lines a model has little to learn from, and a warning says so."""

FEWEST = 20
LONGEST = 160
"""Characters; longer lines are cut at a space into several."""

TABLES = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True)
class Texts:
    """Lines in memory.

    Attributes:
        root: Where they were read.
        layout: "lines", "table", "records" or "folder".
        lines: In order, without the space around them, none of them empty.
        empty: Empty lines that were left out.
        cut: Lines that were cut into several.
        problems: What else was left out, each with its reason.
        hash: Of the lines, 16 hex digits.
    """

    root: Path
    layout: str
    lines: tuple[str, ...]
    empty: int = 0
    cut: int = 0
    problems: tuple[Problem, ...] = field(default=())
    hash: str = ""

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def different(self) -> int:
        """Number of different lines, case aside."""
        return len(set(map(key, self.lines)))

    @property
    def repeated(self) -> float:
        """Share of lines that stand elsewhere as well, case aside, in [0, 1]."""
        keys = [key(line) for line in self.lines]
        once = sum(count == 1 for count in np.unique(keys, return_counts=True)[1])
        return 1 - once / len(keys)

    def holdout(self, share: float = 0.1, seed: int = 0) -> tuple[list[str], list[str]]:
        """(train, held out): lines that are the same but for case are on one side.

        Args:
            share: Of different lines that are held out; none of fewer than 2 * `FEWEST`.
            seed: Of the choice.
        """
        keys = sorted(set(map(key, self.lines)))
        np.random.default_rng((seed, 10)).shuffle(keys)
        held = set(keys[: round(share * len(keys))] if len(keys) >= 2 * FEWEST else [])
        return [x for x in self.lines if key(x) not in held], [x for x in self.lines if key(x) in held]


def key(line: str) -> str:
    """What makes two lines the same: all but case and the number of spaces."""
    return " ".join(line.casefold().split())


def load_texts(root: str | Path, column: str | None = None, fewest: int = FEWEST) -> Texts:
    """Reads lines.

    Args:
        root: A text file, one item a line; a table (.csv, .tsv) with a header; .jsonl, an object a line; or
            a folder of .txt files.
        column: Of a table, or the key of an object; None takes the only column, or `text`.
        fewest: Different lines that there must be.

    Raises:
        DatasetError: Nothing to read, no such column, or fewer different lines.
    """
    root = Path(root)
    problems: list[Problem] = []
    if root.is_dir():
        layout, raw = "folder", list(_folder(root, problems))
    elif root.suffix.lower() in TABLES:
        layout, raw = "table", _table(root, column, TABLES[root.suffix.lower()])
    elif root.suffix.lower() == ".jsonl":
        layout, raw = "records", list(_records(root, column or "text", problems))
    else:
        if column is not None:
            raise DatasetError(root, "has no columns", "Leave --column out")
        layout, raw = "lines", _read(root).splitlines()
    lines = [line.strip() for line in raw]
    kept = [piece for line in lines if line for piece in _cut(line)]
    empty, cut = sum(not line for line in lines), sum(len(line) > LONGEST for line in lines)
    digest = hashlib.sha256("\n".join(kept).encode()).hexdigest()[:16]
    texts = Texts(root, layout, tuple(kept), empty, cut, tuple(problems), digest)
    if texts.different < fewest:
        raise DatasetError(
            root,
            f"has {texts.different} different lines that are not empty",
            f"It takes {fewest} at the least; a model needs some hundreds to be any good",
        )
    return texts


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(path, "is no UTF-8 text", "Save it as UTF-8") from error
    except OSError as error:
        raise DatasetError(path, f"cannot be read ({error.strerror})", "Check the path") from error


def _folder(root: Path, problems: list[Problem]) -> Iterator[str]:
    for file in sorted(f for f in root.rglob("*") if f.is_file()):
        name = file.relative_to(root).as_posix()
        if file.suffix.lower() in TABLES:
            problems.append(Problem(name, "format", "is a table", "Train on it by itself"))
        elif file.suffix.lower() in LINES:
            try:
                yield from _read(file).splitlines()
            except DatasetError as error:
                problems.append(Problem(name, "format", error.reason))


def _table(path: Path, column: str | None, separator: str) -> list[str]:
    rows = list(csv.reader(_read(path).splitlines(), delimiter=separator))
    header = [name.strip() for name in rows[0]] if rows else []
    if column is None and len(header) == 1:
        column = header[0]
    if column not in header:
        wrong = f"has no column {column!r}" if column else "has several columns"
        raise DatasetError(path, wrong, f"Name one with --column: {', '.join(header) or 'it is empty'}")
    place = header.index(column)
    return [row[place] if place < len(row) else "" for row in rows[1:]]


def _records(path: Path, column: str, problems: list[Problem]) -> Iterator[str]:
    for number, line in enumerate(_read(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield str(json.loads(line)[column])
        except (ValueError, KeyError, TypeError):
            problems.append(Problem(f"line {number}", "format", f"is no object with {column!r}"))


def _cut(line: str) -> Iterable[str]:
    """Pieces of at most `LONGEST` characters, cut at spaces where there are any."""
    while len(line) > LONGEST:
        place = line.rfind(" ", LONGEST // 2, LONGEST + 1)
        place = place if place > 0 else LONGEST
        yield line[:place].rstrip()
        line = line[place:].lstrip()
    if line:
        yield line
