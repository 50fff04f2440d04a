"""The ledger as a list, its sums, and the same as JSON, CSV or Parquet."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from burnish.errors import BurnishError
from burnish.store.machine import lives
from burnish.store.tables import INTERRUPTED, RUNNING, Cost, Record

COLUMNS = (
    "number",
    "batch",
    "verb",
    "medium",
    "task",
    "description",
    "seed",
    "index",
    "status",
    "error",
    "started",
    "seconds",
    "joules",
    "energy_known",
    "model_hash",
    "output",
    "output_hash",
    "inputs",
    "settings",
    "command",
    "machine",
    "owner",
)


@dataclass(frozen=True)
class Listing:
    """Some rows, and what they come to.

    Attributes:
        rows: Oldest first, each `{column: value}` with `costs` {kind: amount}.
        by_status: How many of each status.
        costs: {kind: exact sum} over the rows.
        currency: Of the sums.
        seconds, joules: Sums.
        energy_known: Every way in which joules are known.
    """

    rows: tuple[dict[str, Any], ...]
    by_status: dict[str, int]
    costs: dict[str, Decimal]
    currency: str
    seconds: float
    joules: float
    energy_known: tuple[str, ...]

    @property
    def total(self) -> Decimal:
        """The exact sum of all lines."""
        return sum(self.costs.values(), Decimal(0))

    def to_json(self) -> dict[str, Any]:
        """Plain values; amounts as text, so that they stay exact."""
        return {
            "rows": [plain(row) for row in self.rows],
            "by_status": self.by_status,
            "costs": {kind: str(amount) for kind, amount in self.costs.items()},
            "total": str(self.total),
            "currency": self.currency,
            "seconds": self.seconds,
            "joules": self.joules,
            "energy_known": list(self.energy_known),
        }


def month_of(text: str) -> tuple[datetime, datetime]:
    """`2026-11` as its first moment and that of the next month, in UTC.

    Raises:
        BurnishError: It is no month.
    """
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise BurnishError(f"month {text!r}", "is not of the form 2026-11") from error
    year, month = divmod(first.year * 12 + first.month, 12)
    start = datetime(first.year, first.month, 1, tzinfo=UTC)
    return start, datetime(year, month + 1, 1, tzinfo=UTC)


def listing(
    session: Session,
    *,
    task: str | None = None,
    verb: str | None = None,
    status: str | None = None,
    month: str | None = None,
) -> Listing:
    """Rows that fit all that is asked for.

    A row that is `running` and whose process has ended (a crash, a pulled plug) is listed as `interrupted`;
    it keeps its number, seed and start.

    Args:
        session: Of a workspace.
        task, verb, status, month: None for any; the month as `2026-11`.

    Raises:
        BurnishError: The costs are in more than one currency, or the month is none.
    """
    asked = select(Record).options(selectinload(Record.costs)).order_by(Record.number)
    if task is not None:
        asked = asked.where(Record.task == task)
    if verb is not None:
        asked = asked.where(Record.verb == verb)
    if month is not None:
        start, end = month_of(month)
        asked = asked.where(Record.started >= start, Record.started < end)
    found = [record for record in session.scalars(asked) if status in (None, status_of(record))]
    lines = [cost for record in found for cost in record.costs]
    return Listing(
        tuple(_row(record) for record in found),
        dict(Counter(status_of(record) for record in found)),
        by_kind(lines),
        currency_of(lines),
        sum(record.seconds or 0.0 for record in found),
        sum(record.joules or 0.0 for record in found),
        tuple(sorted({record.energy_known for record in found if record.energy_known})),
    )


def status_of(record: Record) -> str:
    """A record's status, with the crash seen that it could not tell of."""
    if record.status == RUNNING and lives(record.process) is False:
        return INTERRUPTED
    return record.status


def by_kind(lines: Sequence[Cost]) -> dict[str, Decimal]:
    """{kind: exact sum}, kinds in alphabetical order."""
    sums: dict[str, Decimal] = {}
    for line in lines:
        sums[line.kind] = sums.get(line.kind, Decimal(0)) + line.amount
    return dict(sorted(sums.items()))


def currency_of(lines: Sequence[Cost]) -> str:
    """The one currency of some lines; "" without lines.

    Raises:
        BurnishError: There are several, which cannot be added up.
    """
    found = sorted({line.currency for line in lines})
    if len(found) > 1:
        raise BurnishError(
            "costs",
            f"are in {' and '.join(found)}",
            "Enter all of them in one currency: `currency` in burnish.yaml",
        )
    return found[0] if found else ""


def write_listing(file: str | Path, listing: Listing) -> None:
    """Writes the rows as `.json`, `.csv` or `.parquet`, by the file's ending; amounts stay exact.

    Raises:
        BurnishError: Another ending, or a place that cannot be written.
    """
    file = Path(file)
    rows = [{**row, **{f"cost_{k}": v for k, v in row["costs"].items()}} for row in listing.rows]
    kinds = [f"cost_{kind}" for kind in listing.costs]
    flat = [{name: _cell(row.get(name)) for name in (*COLUMNS, *kinds)} for row in rows]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        match file.suffix.lower():
            case ".json":
                file.write_text(json.dumps(listing.to_json(), indent=1) + "\n", encoding="utf-8")
            case ".csv":
                with file.open("w", newline="", encoding="utf-8") as out:
                    writer = csv.DictWriter(out, [*COLUMNS, *kinds])
                    writer.writeheader()
                    writer.writerows(
                        {k: str(v) if isinstance(v, Decimal) else v for k, v in r.items()} for r in flat
                    )
            case ".parquet":
                _write_parquet(file, flat, kinds)
            case _:
                raise BurnishError(
                    file, "has no ending that says how to write it", "Use .json, .csv or .parquet"
                )
    except OSError as error:
        raise BurnishError(file, f"cannot be written ({error.strerror})", "Name another place") from error


def _write_parquet(file: Path, rows: list[dict[str, Any]], kinds: list[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = dict.fromkeys(COLUMNS, pa.string())
    types |= dict.fromkeys(("number", "batch", "seed", "index"), pa.int64())
    types |= dict.fromkeys(("seconds", "joules"), pa.float64()) | {"started": pa.timestamp("us", "UTC")}
    types |= dict.fromkeys(kinds, pa.decimal128(38, 12))
    pq.write_table(pa.Table.from_pylist(rows, pa.schema(types.items())), file)


def _row(record: Record) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in COLUMNS}
    return {**row, "status": status_of(record), "costs": by_kind(record.costs)}


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row as JSON values."""
    costs = {kind: str(amount) for kind, amount in row["costs"].items()}
    return {**row, "started": row["started"].isoformat(), "costs": costs}


def _cell(value: Any) -> Any:
    return json.dumps(value, sort_keys=True) if isinstance(value, dict) else value
