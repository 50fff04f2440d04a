"""The one form in which every bench writes its results.

`bench/results/NAME.json` holds `{"machine", "command", "rows": [{"row", "value", "unit", "peer", "target",
"holds", "seeds"}]}`; the same is printed as a table for people.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from burnish.store.machine import machine

RESULTS = Path(__file__).parent / "results"
COLUMNS = ("row", "value", "unit", "peer", "target", "holds", "seeds")


def row(
    row: str,
    value: float | None,
    unit: str = "",
    peer: float | None = None,
    target: float | None = None,
    better: str = "higher",
    seeds: Sequence[int] = (),
) -> dict[str, Any]:
    """One measured figure.

    Args:
        row: What was measured.
        value: The figure (a mean over `seeds` where there are any); None when it could not be measured.
        unit: Its unit.
        peer: The best other tool's figure, if one was measured.
        target: What was wanted, if anything was.
        better: `higher` or `lower`; decides whether the target holds.
        seeds: The seeds that were run.

    Returns:
        A row of the form; `holds` is None without a target, and False where nothing could be measured.

    Raises:
        ValueError: `better` is neither.
    """
    if better not in ("higher", "lower"):
        raise ValueError(f"better must be 'higher' or 'lower', not {better!r}")
    value, peer, target = (finite(number) for number in (value, peer, target))
    holds = None
    if target is not None:
        holds = value is not None and (value >= target if better == "higher" else value <= target)
    return dict(
        zip(COLUMNS, (row, value, unit, peer, target, holds, [int(seed) for seed in seeds]), strict=True)
    )


def finite(number: float | None) -> float | None:
    """A plain float, or None for what JSON has no word for."""
    return None if number is None or not math.isfinite(number) else float(number)


def write(name: str, command: str, rows: Iterable[Mapping[str, Any]], folder: str | Path = RESULTS) -> Path:
    """Prints the table and writes `folder/NAME.json`, whole or not at all.

    Args:
        name: Of the bench.
        command: What to type to get the figures again.
        rows: From `row`.

    Raises:
        ValueError: A row lacks a column or has one too many.
    """
    rows = [dict(entry) for entry in rows]
    for entry in rows:
        if set(entry) != set(COLUMNS):
            raise ValueError(f"a row must have the columns {COLUMNS}, not {tuple(entry)}")
    path = Path(folder) / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(
        {"machine": machine(), "command": command, "rows": rows},
        indent=1,
        ensure_ascii=False,
        allow_nan=False,
    )
    part = path.with_name(f".{path.name}.part")
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(path)
    print(table(rows))
    print(f"\n{command}\n{path}")
    return path


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """The rows as a Markdown table, as `docs/benchmarks.md` shows them."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "| --- " * len(COLUMNS) + "|"]
    return "\n".join(
        lines + ["| " + " | ".join(cell(entry[column]) for column in COLUMNS) + " |" for entry in rows]
    )


def cell(value: Any) -> str:
    """A value as a table shows it."""
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
