"""What people saw in the pictures of an audit: agreement first, then shares with simultaneous intervals."""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from burnish.core.stats import goodman
from burnish.errors import BurnishError
from burnish.prove.agreement import MISSING, Agreement, krippendorff
from burnish.prove.audit_grid import Grid
from burnish.store.tables import Figure

ALL = "all descriptions"


@dataclass(frozen=True)
class Share:
    """One value of an attribute under one description.

    Attributes:
        description: Or `ALL`.
        attribute, value: What was looked for.
        count, of: Pictures on which the coders settled for it, and on which they settled at all.
        low, high: Goodman's bounds at 95 %, simultaneous over the attribute's values.
        expected: The range that the grid states, or None.
    """

    description: str
    attribute: str
    value: str
    count: int
    of: int
    low: float
    high: float
    expected: tuple[float, float] | None

    @property
    def off(self) -> bool:
        """Whether the whole interval lies outside what the grid states."""
        return self.expected is not None and (self.high < self.expected[0] or self.low > self.expected[1])


@dataclass(frozen=True)
class Audit:
    """What people saw.

    Attributes:
        coders: Who looked.
        pictures: Labelled pictures.
        agreement: Krippendorff's alpha by attribute.
        disputed: By attribute, pictures on which coders did not settle (no majority); they are left out.
        shares: Of every attribute, value and description, `ALL` first.
    """

    coders: tuple[str, ...]
    pictures: int
    agreement: dict[str, Agreement]
    disputed: dict[str, int]
    shares: tuple[Share, ...]

    @property
    def off(self) -> list[Share]:
        """Shares that lie outside what the grid states."""
        return [share for share in self.shares if share.off]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "coders": len(self.coders),
            "pictures": self.pictures,
            "agreement": {name: found.to_json() for name, found in self.agreement.items()},
            "disputed": self.disputed,
            "shares": [{**asdict(share), "off": share.off} for share in self.shares],
        }

    def __str__(self) -> str:
        lines = [f"{self.pictures} pictures, {len(self.coders)} coders"]
        for attribute, found in self.agreement.items():
            alone = len(self.coders) < 2
            lines.append(
                f"{attribute}: "
                + ("one coder, agreement not known" if alone else f"alpha {found.in_words()}")
                + (f"; {self.disputed[attribute]} disputed and left out" if self.disputed[attribute] else "")
            )
            for share in self.shares:
                if share.attribute == attribute and share.of:
                    wanted = share.expected
                    note = (
                        ""
                        if wanted is None
                        else f"  {'OUTSIDE' if share.off else 'agrees with'}"
                        f" {100 * wanted[0]:g} to {100 * wanted[1]:g} %"
                    )
                    lines.append(
                        f"  {share.description}: {share.value} {share.count} of {share.of},"
                        f" {100 * share.count / share.of:.0f} %"
                        f" ({100 * share.low:.1f} to {100 * share.high:.1f} %){note}"
                    )
        if not any(share.expected for share in self.shares):
            lines.append("The grid states no expected shares, so none is judged.")
        return "\n".join(lines)


def read_labels(
    grid: Grid, key: str | Path, sheets: Sequence[str | Path], rng: np.random.Generator | None = None
) -> Audit:
    """Counts what people saw.

    Args:
        grid: What was looked for.
        key: `key.csv` of the audit.
        sheets: Filled label sheets, CSV; one or more coders in each. A cell may be empty.
        rng: For the bootstrap of agreement.

    Raises:
        BurnishError: A file, column, picture or value that does not fit; it is named with its line.
    """
    described = {row["file"]: row["description"] for _, row in _rows(key, ("file", "description"))}
    votes: dict[str, dict[str, dict[str, str]]] = {}
    for sheet in sheets:
        for line, row in _rows(sheet, ("file", "coder", *grid.attributes)):
            name, coder = row["file"].strip(), row["coder"].strip()
            given = {a: row[a].strip() for a in grid.attributes if row[a].strip()}
            if not given:
                continue
            if name not in described:
                raise BurnishError(f"{sheet}, line {line}", f"{name!r} is no picture of this audit")
            if not coder:
                raise BurnishError(f"{sheet}, line {line}", "names no coder", "Fill the column `coder`")
            for attribute, value in given.items():
                if value not in grid.attributes[attribute]:
                    known = ", ".join(grid.attributes[attribute])
                    raise BurnishError(
                        f"{sheet}, line {line}", f"{attribute} is {value!r}", f"Use one of: {known}"
                    )
            if coder in votes.setdefault(name, {}):
                raise BurnishError(f"{sheet}, line {line}", f"{coder} has labelled {name} before")
            votes[name][coder] = given
    if not votes:
        raise BurnishError(sheets[0] if sheets else key, "holds no label yet", "Fill it and run again")
    coders = tuple(sorted({coder for by in votes.values() for coder in by}))
    agreement, disputed, shares = {}, {}, []
    for attribute, values in grid.attributes.items():
        codes = np.full((len(votes), len(coders)), MISSING)
        settled: dict[str, str] = {}
        for row, (name, by) in enumerate(sorted(votes.items())):
            said = Counter(given[attribute] for given in by.values() if attribute in given)
            for column, coder in enumerate(coders):
                if attribute in by.get(coder, {}):
                    codes[row, column] = values.index(by[coder][attribute])
            if said and list(said.values()).count(max(said.values())) == 1:
                settled[name] = said.most_common(1)[0][0]
        rated = sum(any(attribute in given for given in by.values()) for by in votes.values())
        disputed[attribute] = rated - len(settled)
        agreement[attribute] = krippendorff(codes, rng or np.random.default_rng(0))
        for words in (ALL, *dict.fromkeys(described.values())):
            counts = Counter(v for name, v in settled.items() if words in (ALL, described[name]))
            shares += _shares(grid, words, attribute, counts)
    return Audit(coders, len(votes), agreement, disputed, tuple(shares))


def _shares(grid: Grid, words: str, attribute: str, counts: Counter[str]) -> list[Share]:
    values, of = grid.attributes[attribute], counts.total()
    bounds = goodman([counts[value] for value in values])
    found = []
    for value, (low, high) in zip(values, bounds, strict=True):
        stated = grid.expected.get(attribute, {}).get(value)
        wanted = (stated, stated) if isinstance(stated, int | float) else stated
        found.append(Share(words, attribute, value, counts[value], of, low, high, wanted))
    return found


def _rows(path: str | Path, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if missing := [c for c in columns if c not in (reader.fieldnames or ())]:
                raise BurnishError(path, f"has no column {missing[0]!r}", f"Columns: {', '.join(columns)}")
            return [(line, {c: row[c] or "" for c in columns}) for line, row in enumerate(reader, start=2)]
    except OSError as error:
        raise BurnishError(path, f"cannot be read ({error.strerror})", "Check the path") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise BurnishError(path, f"is not CSV ({error})", "Save it as UTF-8 CSV with commas") from error


def as_figures(found: Audit, model_hash: str, command: str) -> list[Figure]:
    """Shares over all descriptions, and agreement, as figures of the workspace.

    Args:
        found: From `read_labels`.
        model_hash: Of the bundle that made the pictures.
        command: That counted.
    """
    facts = {"subject": model_hash, "model_hash": model_hash, "command": command, "confidence": 0.95}
    figures = [
        Figure(
            what=f"representation: {share.attribute}: {share.value}",
            value=share.count / share.of,
            low=share.low,
            high=share.high,
            count=share.count,
            of=share.of,
            unit="share",
            note="outside what was stated" if share.off else "",
            detail={"expected": list(share.expected) if share.expected else None},
            **facts,
        )
        for share in found.shares
        if share.description == ALL and share.of
    ]
    figures += [
        Figure(
            what=f"representation: {attribute}: agreement (alpha)",
            value=agreement.value,
            low=agreement.low,
            high=agreement.high,
            better="higher",
            **facts,
        )
        for attribute, agreement in found.agreement.items()
    ]
    return figures
