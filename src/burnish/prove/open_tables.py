"""A workspace's tables in open forms, and back: CSV for people, Parquet for machines.

Parquet keeps every value: whole numbers, fractions, UTC times, dates; exact amounts and JSON as text. The
content hash is over values, not files, so the same rows have the same hash wherever they lie.
"""

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Boolean, Date, Engine, Float, Integer, Table, insert, select
from sqlalchemy.types import JSON

from burnish.errors import BurnishError
from burnish.store.columns import Exact, Moment
from burnish.store.tables import Base

Rows = list[dict[str, Any]]


def tables() -> Sequence[Table]:
    """All tables, each after those that it refers to."""
    return Base.metadata.sorted_tables


def read_rows(engine: Engine) -> dict[str, Rows]:
    """All rows of all tables by the table's name, in order of their keys; values as Parquet keeps them."""
    with engine.connect() as connection:
        return {
            table.name: [
                {name: _out(value) for name, value in row._mapping.items()}
                for row in connection.execute(select(table).order_by(*table.primary_key.columns))
            ]
            for table in tables()
        }


def content_hash(rows: Mapping[str, Rows]) -> str:
    """sha256 over the values of all rows, in hex."""
    digest = hashlib.sha256()
    for name in sorted(rows):
        digest.update(f"{name} {len(rows[name])}\n".encode())
        for row in rows[name]:
            plain = {k: v.isoformat() if isinstance(v, date) else v for k, v in row.items()}
            digest.update(json.dumps(plain, sort_keys=True, ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()


def write_tables(folder: str | Path, rows: Mapping[str, Rows]) -> dict[str, int]:
    """Writes `NAME.parquet` and `NAME.csv` of each table; answers rows by name.

    Raises:
        BurnishError: The disk refused them.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for table in tables():
            found = rows[table.name]
            pq.write_table(pa.Table.from_pylist(found, _schema(table)), folder / f"{table.name}.parquet")
            with (folder / f"{table.name}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, [column.name for column in table.columns])
                writer.writeheader()
                writer.writerows(found)
    except OSError as error:
        raise BurnishError(
            folder, f"cannot be written ({error.strerror})", "Choose another folder"
        ) from error
    return {name: len(found) for name, found in rows.items()}


def read_tables(folder: str | Path) -> dict[str, Rows]:
    """What `write_tables` wrote, from its Parquet files.

    Raises:
        BurnishError: A file is missing or no Parquet.
    """
    found = {}
    for table in tables():
        file = Path(folder) / f"{table.name}.parquet"
        try:
            found[table.name] = pq.read_table(file).to_pylist()
        except (OSError, pa.ArrowException) as error:
            raise BurnishError(file, f"cannot be read ({error})", "Export again") from error
    return found


def insert_rows(engine: Engine, rows: Mapping[str, Rows]) -> None:
    """Puts rows into an empty, up-to-date database.

    Raises:
        BurnishError: A table holds rows already.
    """
    with engine.begin() as connection:
        for table in tables():
            if connection.execute(select(table).limit(1)).first():
                raise BurnishError(table.name, "holds rows already", "Import into a new workspace")
            columns = {column.name: column for column in table.columns}
            values = [{k: _in(columns[k].type, v) for k, v in row.items()} for row in rows[table.name]]
            if values:
                connection.execute(insert(table), values)


def _schema(table: Table) -> pa.Schema:
    return pa.schema([(column.name, _kind(column.type)) for column in table.columns])


def _kind(type_: Any) -> pa.DataType:
    kinds = (
        (Moment, pa.timestamp("us", "UTC")),
        (Date, pa.date32()),
        (Boolean, pa.bool_()),
        (Integer, pa.int64()),
        (Float, pa.float64()),
    )
    return next((kind for known, kind in kinds if isinstance(type_, known)), pa.string())


def _out(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return value


def _in(type_: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(type_, Exact):
        return Decimal(value)
    if isinstance(type_, JSON):
        return json.loads(value)
    return value.astimezone(UTC) if isinstance(value, datetime) else value
