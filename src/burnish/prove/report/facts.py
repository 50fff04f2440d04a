"""Everything that the report of a month says, as plain values; page and JSON twin are made of this alone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

import burnish
from burnish.core.stats import rate
from burnish.prove.listing import listing, month_of, status_of
from burnish.prove.report.standing import MISSED, Standing, standings
from burnish.prove.review_standing import standings as review_standings
from burnish.prove.spend import TRAINING, reviews_of
from burnish.prove.value import WORST, outcome, value
from burnish.store.tables import DONE, Acknowledgement, Epoch, Figure, Job, Model, Promotion, Record
from burnish.store.workspace import Workspace

SHOWN = 24
"""Outputs whose pictures are shown: the first of the month, none left out."""
FORMAT = 1


@dataclass(frozen=True)
class Month:
    """A month's facts.

    Attributes:
        month: `2026-11`.
        facts: Plain values, as in the JSON twin.
        first: The first outputs' files, in order; None for one that failed or is gone.
    """

    month: str
    facts: dict[str, Any]
    first: list[Path | None]


def gather(workspace: Workspace, month: str, now: datetime, seals: Sequence[Mapping[str, Any]] = ()) -> Month:
    """The facts of a month.

    Args:
        workspace: Whose.
        month: `2026-11`.
        now: When the report is made; dates are held against its day.
        seals: The month's sealed runs, from the workspace's log.

    Raises:
        BurnishError: No such month, or costs in more than one currency.
    """
    start, end = month_of(month)
    settings = workspace.settings
    with workspace.session() as session:
        names = _names(session)
        listed = listing(session, month=month)
        within = select(Record).where(Record.started >= start, Record.started < end)
        records = list(session.scalars(within.order_by(Record.number)))
        figures = standings(session, settings, end, now.date())
        outputs = [r for r in records if r.verb not in TRAINING and r.medium in ("image", "clip", "text")]
        facts = {
            "format": FORMAT,
            "month": month,
            "made": now.isoformat(timespec="seconds"),
            "over": now >= end,
            "owner": settings.owner,
            "burnish": burnish.__version__,
            "records": {
                "by_status": listed.by_status,
                "by_verb": _by_verb(records),
                "by_day": _by_day(records, start, end),
                "seconds": listed.seconds,
                "joules": listed.joules,
                "energy_known": list(listed.energy_known),
                "costs": {kind: str(amount) for kind, amount in listed.costs.items()},
                "total": str(listed.total),
                "currency": listed.currency or settings.currency,
                "unpriced": not listed.costs and bool(records),
            },
            "acceptance": _acceptance(session, outputs),
            "tasks": [
                value(session, settings, task).to_json()
                for task in sorted({r.task for r in records if r.task and r.verb not in TRAINING})
            ],
            "reviews": _reviews(session, start, end),
            "figures": [{**s.to_json(), "name": _name(names, s.figure)} for s in figures],
            "alarms": _alarms(session, figures, names, settings.owner, start, now),
            "jobs": _jobs(session, end),
            "seals": [{**one, "name": names.get(one["model"], one["model"][:8])} for one in seals],
            "promotions": _promotions(session, names, start, end),
            "runs": _runs(session, records, figures),
            "acknowledged": _acknowledged(session, month),
        }
    return Month(month, facts, [_there(r) for r in outputs[:SHOWN]])


def _names(session: Session) -> dict[str, str]:
    return {model.hash: Path(model.path).name for model in session.scalars(select(Model))}


def _name(names: Mapping[str, str], figure: Figure) -> str:
    """What a figure is about, as people call it."""
    known = names.get(figure.subject)
    return f"{known} ({figure.subject[:8]})" if known else figure.subject[:24]


def _by_verb(records: Sequence[Record]) -> list[dict[str, Any]]:
    found: dict[str, Counter[str]] = {}
    seconds: dict[str, float] = {}
    for record in records:
        found.setdefault(record.verb, Counter())[status_of(record)] += 1
        seconds[record.verb] = seconds.get(record.verb, 0.0) + (record.seconds or 0.0)
    rows = [
        {"verb": verb, "statuses": dict(counts), "seconds": seconds[verb]} for verb, counts in found.items()
    ]
    return sorted(rows, key=lambda row: -sum(row["statuses"].values()))


def _by_day(records: Sequence[Record], start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Done and not done, for each day of the month."""
    done, other = Counter[date](), Counter[date]()
    for record in records:
        (done if record.status == DONE else other)[record.started.date()] += 1
    days = [start.date() + timedelta(days=k) for k in range((end - start).days)]
    return [{"day": day.isoformat(), "done": done[day], "other": other[day]} for day in days]


def _acceptance(session: Session, outputs: Sequence[Record]) -> dict[str, Any]:
    looks = reviews_of(session, outputs)
    found = Counter(outcome(looks.get(record.number, [])) for record in outputs)
    return {**rate(found["used"], sum(found[v] for v in WORST)).to_json(), "outputs": len(outputs)}


def _reviews(session: Session, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """The review epochs that were open in the month."""
    tasks = sorted(set(session.scalars(select(Epoch.task).where(Epoch.opened < end))))
    return [
        {"task": task, **epoch.to_json()}
        for task in tasks
        for epoch in review_standings(session, task)
        if epoch.opened < end and (epoch.closed is None or epoch.closed >= start)
    ]


def _alarms(
    session: Session,
    figures: Sequence[Standing],
    names: Mapping[str, str],
    owner: str,
    start: datetime,
    now: datetime,
) -> list[dict[str, Any]]:
    """What nobody did: checks whose date has passed, and the last report, if there was one, unread."""
    alarms = [
        {
            "kind": "check not made",
            "what": f"{s.figure.what} of {_name(names, s.figure)}",
            "owner": s.figure.owner,
            "due": s.due.isoformat(),
            "days": s.overdue,
            "anchor": f"figure-{s.figure.id}",
            "cure": s.figure.command,
        }
        for s in figures
        if s.overdue and s.due
    ]
    alarms += [
        {
            "kind": "threshold missed",
            "what": f"{s.figure.what} of {_name(names, s.figure)}",
            "owner": s.figure.owner,
            "due": s.due and s.due.isoformat(),
            "days": 0,
            "anchor": f"figure-{s.figure.id}",
            "cure": "",
        }
        for s in figures
        if s.state == MISSED
    ]
    before = (start - timedelta(days=1)).strftime("%Y-%m")
    made = session.scalars(select(Figure.id).where(Figure.at < start).limit(1)).first()
    if made is not None and not _acknowledged(session, before):
        alarms.append(
            {
                "kind": "report not read",
                "what": f"the report of {before} bears no signature",
                "owner": owner,
                "due": start.date().isoformat(),
                "days": (now - start).days,
                "anchor": "",
                "cure": f"burnish prove ack {before} --name NAME",
            }
        )
    return alarms


def _jobs(session: Session, end: datetime) -> list[dict[str, Any]]:
    asked = select(Job).where(Job.opened < end, Job.status == "open").order_by(Job.opened)
    return [
        {"id": job.id, "kind": job.kind, "why": job.why, "owner": job.owner, "opened": job.opened.isoformat()}
        for job in session.scalars(asked)
    ]


def _promotions(
    session: Session, names: Mapping[str, str], start: datetime, end: datetime
) -> list[dict[str, Any]]:
    asked = select(Promotion).where(Promotion.at >= start, Promotion.at < end).order_by(Promotion.at)
    return [
        {
            "task": one.task,
            "model": names.get(one.model_hash, one.model_hash[:8]),
            "previous": names.get(one.previous_hash, one.previous_hash[:8]),
            "decision": one.decision,
            "result": one.result,
            "by": one.by,
            "at": one.at.isoformat(),
        }
        for one in session.scalars(asked)
    ]


def _runs(session: Session, records: Sequence[Record], figures: Sequence[Standing]) -> list[dict[str, Any]]:
    """The commands of the month, one row a batch, and the runs that figures from before come from."""
    batches: dict[int, list[Record]] = {}
    last: Record | None = None
    first = 0
    for record in records:
        alone = record.batch in (None, record.number)
        # One command may take its numbers one by one, as a seal does.
        if last is None or not alone or not record.command or _origin(record) != _origin(last):
            first = record.number if alone else record.batch or record.number
        batches.setdefault(first, []).append(record)
        last = record
    wanted = {s.figure.record_number for s in figures if s.figure.record_number is not None}
    wanted -= {record.number for record in records}
    for record in session.scalars(select(Record).where(Record.number.in_(wanted))):
        batches[record.number] = [record]
    return [_run(first, batches[first]) for first in sorted(batches)]


def _origin(record: Record) -> tuple[Any, ...]:
    return record.process, record.command, record.verb


def _run(number: int, records: Sequence[Record]) -> dict[str, Any]:
    one = records[0]
    return {
        "number": number,
        "numbers": [record.number for record in records],
        "verb": one.verb,
        "statuses": _statuses(records),
        "description": one.description,
        "seed": one.seed if len({record.seed for record in records}) == 1 else None,
        "model_hash": one.model_hash,
        "inputs": one.inputs,
        "command": one.command,
        "machine": one.machine,
        "owner": one.owner,
        "started": one.started.isoformat(timespec="minutes"),
        "seconds": sum(record.seconds or 0.0 for record in records),
    }


def _statuses(records: Sequence[Record]) -> dict[str, int]:
    return dict(sorted(Counter(status_of(record) for record in records).items()))


def _acknowledged(session: Session, month: str) -> list[dict[str, Any]]:
    asked = select(Acknowledgement).where(Acknowledgement.report == month).order_by(Acknowledgement.at)
    return [{"by": one.by, "at": one.at.isoformat(), "note": one.note} for one in session.scalars(asked)]


def _there(record: Record) -> Path | None:
    path = Path(record.output) if record.output else None
    return path if record.status == DONE and path is not None and path.is_file() else None
