"""Verdicts in and out: CSV, Parquet, Label Studio JSON, COCO."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from burnish.errors import DatasetError
from burnish.prove.exchange import (
    NAMES,
    Verdict,
    from_coco,
    from_label_studio,
    number,
    to_coco,
    to_label_studio,
    whole,
)
from burnish.prove.review import VERDICTS, open_epoch
from burnish.prove.review_plan import OUTPUT
from burnish.store.bundle import sha256_of
from burnish.store.files import write_json
from burnish.store.tables import Epoch, Record, Review, now
from burnish.store.workspace import Workspace

FORMATS = ("csv", "parquet", "label-studio", "coco")


def verdicts_of(session: Session, task: str) -> list[Verdict]:
    """All verdicts of a task, of every epoch and kind, in the order they were given."""
    rows = session.scalars(
        select(Review)
        .join(Epoch, Epoch.id == Review.epoch_id)
        .where(Epoch.task == task, Review.verdict != "")
        .order_by(Review.at, Review.id)
    )
    return [
        Verdict(
            row.item,
            row.reviewer,
            row.verdict,
            tuple(row.reasons.get("reasons", [])),
            row.seconds,
            row.rework_minutes,
            row.item_hash,
            row.record_number,
            row.kind,
            row.epoch_id,
        )
        for row in rows
    ]


def all_verdicts(workspace: Workspace) -> list[Verdict]:
    """All verdicts of all tasks."""
    with workspace.session() as session:
        tasks = sorted(set(session.scalars(select(Epoch.task))))
        return [verdict for task in tasks for verdict in verdicts_of(session, task)]


def take(session: Session, task: str, verdicts: Sequence[Verdict]) -> int:
    """Enters verdicts from elsewhere into the task's open epoch; items that a record made get its number.

    One that waits in the reviewer's queue is answered there, so that nobody is asked twice. A verdict that is
    there already, in its epoch, stays; minutes of rework that were not known are filled in.

    Returns:
        How many were entered or filled in.

    Raises:
        BurnishError: There is no open epoch.
    """
    epoch = open_epoch(session, task)
    known = {(r.epoch_id, r.reviewer, r.item_hash or r.item, r.kind): r for r in _given(session, task)}
    entered = 0
    for v in verdicts:
        path = Path(v.item)
        digest = v.sha256 or (sha256_of(path) if path.is_file() else "")
        key = (v.epoch or epoch.id, v.reviewer, digest or v.item, v.kind)
        if (there := known.get(key)) is not None:
            if there.verdict == v.verdict and there.rework_minutes is None and v.rework_minutes is not None:
                there.rework_minutes = v.rework_minutes
                entered += 1
            continue
        row = _ticket(session, epoch.id, v, digest) or Review(
            epoch_id=epoch.id,
            record_number=_record_of(session, digest) if v.kind == OUTPUT else None,
            item=v.item,
            item_hash=digest,
            reviewer=v.reviewer,
            kind=v.kind,
        )
        row.verdict, row.reasons, row.at = v.verdict, {"reasons": list(v.reasons)}, now()
        row.seconds, row.rework_minutes = v.seconds, v.rework_minutes
        session.add(row)
        known[key] = row
        entered += 1
    return entered


def write_verdicts(path: str | Path, verdicts: Sequence[Verdict], form: str | None = None) -> None:
    """Writes verdicts in one of `FORMATS`; by default in the one that the ending says.

    Raises:
        DatasetError: An unknown format.
        BurnishError: The file cannot be written.
    """
    path = Path(path)
    form = _known(path, form)
    if form == "label-studio":
        write_json(path, to_label_studio(verdicts))
    elif form == "coco":
        write_json(path, to_coco(verdicts))
    else:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_table(path, verdicts, form)
        except OSError as error:
            raise DatasetError(
                path, f"cannot be written ({error.strerror})", "Choose another file"
            ) from error


def read_verdicts(path: str | Path, form: str | None = None) -> list[Verdict]:
    """Reads verdicts in one of `FORMATS`; by default in the one that the ending says.

    Raises:
        DatasetError: An unknown format, a file that is not one, or a verdict that is not known.
    """
    path = Path(path)
    form = _known(path, form)
    try:
        if form in ("label-studio", "coco"):
            given = json.loads(path.read_text(encoding="utf-8"))
            found = from_label_studio(given) if form == "label-studio" else from_coco(given)
        else:
            found = [_from_row(row) for row in _read_table(path, form)]
    except OSError as error:
        raise DatasetError(path, f"cannot be read ({error.strerror or error})", "Check its name") from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise DatasetError(
            path, f"is not {form} as Burnish writes it ({type(error).__name__}: {error})", "See docs/prove.md"
        ) from error
    for v in found:
        if v.verdict not in VERDICTS or not v.reviewer:
            raise DatasetError(
                path,
                f"holds verdict {v.verdict!r} by {v.reviewer!r} on {v.item}",
                f"Use {', '.join(VERDICTS)}",
            )
    return found


def _known(path: Path, form: str | None) -> str:
    """The format asked for, or that of the ending: JSON may be either of two, so it has to be said."""
    form = form or path.suffix.lower().lstrip(".")
    if form not in FORMATS:
        raise DatasetError(path, f"cannot be in the format {form!r}", f"Choose --format {', '.join(FORMATS)}")
    return form


def _given(session: Session, task: str) -> list[Review]:
    rows = select(Review).join(Epoch, Epoch.id == Review.epoch_id)
    return list(session.scalars(rows.where(Epoch.task == task, Review.verdict != "")))


def _ticket(session: Session, epoch: int, verdict: Verdict, digest: str) -> Review | None:
    """What the reviewer has not answered yet of the same thing, by its hash."""
    if not digest:
        return None
    rows = select(Review).where(Review.epoch_id == epoch, Review.reviewer == verdict.reviewer)
    waiting = rows.where(Review.item_hash == digest, Review.kind == verdict.kind, Review.verdict == "")
    return session.scalars(waiting.order_by(Review.place)).first()


def _record_of(session: Session, digest: str) -> int | None:
    if not digest:
        return None
    return session.scalar(select(Record.number).where(Record.output_hash == digest).order_by(Record.number))


def _write_table(path: Path, verdicts: Sequence[Verdict], form: str) -> None:
    rows = [{**asdict(v), "reasons": list(v.reasons)} for v in verdicts]
    if form == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        text, integer = pa.string(), pa.int64()
        types = dict.fromkeys(NAMES, text) | {"reasons": pa.list_(text), "record": integer, "epoch": integer}
        types |= {"seconds": pa.float64(), "rework_minutes": pa.float64()}
        pq.write_table(pa.Table.from_pylist(rows, pa.schema(list(types.items()))), path)
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, NAMES)
        writer.writeheader()
        writer.writerows({**row, "reasons": json.dumps(row["reasons"], ensure_ascii=False)} for row in rows)


def _read_table(path: Path, form: str) -> list[dict[str, Any]]:
    if form == "parquet":
        import pyarrow.parquet as pq

        return pq.read_table(path).to_pylist()
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if missing := {"item", "reviewer", "verdict"} - set(rows.fieldnames or ()):
            raise KeyError(", ".join(sorted(missing)))
        return list(rows)


def _from_row(row: dict[str, Any]) -> Verdict:
    reasons = row.get("reasons") or []
    if isinstance(reasons, str):
        reasons = json.loads(reasons) if reasons.startswith("[") else [r.strip() for r in reasons.split(";")]
    return Verdict(
        row["item"],
        row["reviewer"],
        row["verdict"],
        tuple(reasons),
        number(row.get("seconds")),
        number(row.get("rework_minutes")),
        row.get("sha256") or "",
        whole(row.get("record")),
        row.get("kind") or OUTPUT,
        whole(row.get("epoch")),
    )
