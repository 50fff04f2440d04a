"""All that was spent on a task, line by line, and what is missing from it.

What is spent: the lines of every record of the task, failed ones too; lines entered for the task; review and
rework by the clock; the training of the models that were used, and subscriptions, both by the share of the
outputs that are this task's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from burnish.prove.ledger import DIGITS, line
from burnish.prove.listing import by_kind, currency_of, status_of
from burnish.store.settings import Settings, Subscription
from burnish.store.tables import DONE, RUNNING, Cost, Model, Record, Review

TRAINING = ("train", "inspect train", "inspect add")
IS_OUTPUT = (Record.verb.not_in(TRAINING), Record.medium != "figures")
"""What tells outputs from models and from measurements."""


@dataclass(frozen=True)
class Spend:
    """Money on one task.

    Attributes:
        lines: Every line; those with an `id` lie in the database, the others follow from it.
        missing: What is not known, in words; empty when all is.
        currency: Of all.
        own: {record number: lines that are that output's alone}.
    """

    lines: tuple[Cost, ...]
    missing: tuple[str, ...]
    currency: str
    own: dict[int, list[Cost]] = field(default_factory=dict)

    @property
    def total(self) -> Decimal:
        """The exact sum."""
        return sum((line.amount for line in self.lines), Decimal(0))

    @property
    def by_kind(self) -> dict[str, Decimal]:
        """{kind: exact sum}."""
        return by_kind(self.lines)


def outputs_of(session: Session, task: str) -> list[Record]:
    """The outputs of a task: its records but those of training and measuring, by number."""
    asked = select(Record).options(selectinload(Record.costs)).where(Record.task == task, *IS_OUTPUT)
    return list(session.scalars(asked.order_by(Record.number)))


def reviews_of(session: Session, outputs: Sequence[Record]) -> dict[int, list[Review]]:
    """{record number: looks at it that gave a verdict, repeats too}; controls are no outputs."""
    numbers = {record.number for record in outputs}
    found: dict[int, list[Review]] = {}
    for review in session.scalars(
        select(Review).where(Review.record_number.is_not(None)).order_by(Review.id)
    ):
        if review.record_number in numbers and review.verdict and review.kind in ("output", "repeat"):
            found.setdefault(review.record_number, []).append(review)
    return found


def spend(session: Session, settings: Settings, task: str) -> Spend:
    """What was spent on a task.

    Raises:
        BurnishError: Lines are in more than one currency.
    """
    outputs = outputs_of(session, task)
    reviews = reviews_of(session, outputs)
    entered = list(session.scalars(select(Cost).where(Cost.task == task, Cost.record_number.is_(None))))
    labour, missing = _labour(settings, outputs, reviews, entered)
    training, unknown = _training(session, outputs)
    missing += _unpriced([*outputs, *training]) + unknown
    own = {record.number: [*record.costs, *labour.get(record.number, [])] for record in outputs}
    lines = [*(cost for costs in own.values() for cost in costs), *entered]
    lines += _shares(session, outputs, training)
    lines += _subscriptions(session, settings, outputs)
    return Spend(tuple(lines), tuple(missing), currency_of(lines) or settings.currency, own)


def _labour(
    settings: Settings, outputs: Sequence[Record], reviews: dict[int, list[Review]], entered: Sequence[Cost]
) -> tuple[dict[int, list[Cost]], list[str]]:
    """Review and rework as lines of their outputs, and what is missing of it."""
    price, lines, missing = settings.tariffs.review_per_hour, {}, []
    done = [record for record in outputs if record.status == DONE]
    by_hand = any(cost.kind == "review" for cost in entered)
    unseen = sum(record.number not in reviews for record in done)
    if unseen:
        missing.append(f"review of {unseen} of {len(done)} outputs")
    looks = [review for found in reviews.values() for review in found]
    untimed = sum(review.seconds is None for review in looks)
    if untimed and not by_hand:
        missing.append(f"time of {untimed} of {len(looks)} reviews")
    unmended = sum(r.verdict == "rework" and r.rework_minutes is None for r in looks if r.kind == "output")
    if unmended:
        missing.append(f"minutes of rework of {unmended} outputs")
    if price is None:
        if looks and not by_hand:
            missing.append("price of review labour (tariffs.review_per_hour)")
        return {}, missing
    for number, found in reviews.items():
        seconds = sum((r.seconds or 0.0) + 60 * (r.rework_minutes or 0.0) for r in found)
        if seconds:
            lines[number] = [line(settings, "review", seconds, "s", price)]
    return lines, missing


def _unpriced(records: Iterable[Record]) -> list[str]:
    """Which kinds of cost have no line although work was done."""
    compute = energy = running = 0
    for record in records:
        if status_of(record) == RUNNING:
            running += 1
        kinds = {cost.kind for cost in record.costs}
        compute += not kinds & {"compute", "depreciation"}
        energy += "energy" not in kinds
    told = []
    if running:
        told.append(f"{running} records are still at work")
    if compute:
        told.append(f"compute of {compute} records (tariffs.compute_per_hour, or depreciation)")
    if energy:
        told.append(f"energy of {energy} records (tariffs.energy_per_kwh)")
    return told


def _training(session: Session, outputs: Sequence[Record]) -> tuple[list[Record], list[str]]:
    """The records of the training of each model that was used, and which are unknown."""
    found, missing = [], []
    for hash in sorted({record.model_hash for record in outputs if record.model_hash}):
        asked = select(Record).where(Record.output_hash == hash, Record.verb.in_(TRAINING))
        records = list(session.scalars(asked.options(selectinload(Record.costs))))
        found += records
        if not records:
            model = session.get(Model, hash)
            missing.append(f"training of model {hash}" + (f" ({model.path})" if model else ""))
    return found, missing


def _shares(session: Session, outputs: Sequence[Record], training: Sequence[Record]) -> list[Cost]:
    """Each training line by the share of its model's outputs that are this task's."""
    lines = []
    for record in training:
        made = select(func.count()).where(Record.model_hash == record.output_hash, *IS_OUTPUT)
        of = session.scalar(made) or 0
        ours = sum(output.model_hash == record.output_hash for output in outputs)
        for cost in record.costs:
            part = cost.amount if ours == of else (cost.amount * ours / of).quantize(DIGITS)
            note = f"training, record {record.number}, {ours} of {of} outputs"
            lines.append(
                Cost(kind="training", amount=part, currency=cost.currency, note=note, unit=cost.kind)
            )
    return lines


def _subscriptions(session: Session, settings: Settings, outputs: Sequence[Record]) -> list[Cost]:
    """Each month of a subscription by the share of that month's outputs that are this task's."""
    lines = []
    for month in sorted({(r.started.year, r.started.month) for r in outputs}):
        start = datetime(*month, 1, tzinfo=UTC)
        end = datetime(month[0] + month[1] // 12, month[1] % 12 + 1, 1, tzinfo=UTC)
        inside = (Record.started >= start, Record.started < end, *IS_OUTPUT)
        of = session.scalar(select(func.count()).where(*inside)) or 0
        ours = sum((r.started.year, r.started.month) == month for r in outputs)
        for paid in settings.subscriptions:
            if _runs(paid, start, end):
                amount = paid.per_month if ours == of else (paid.per_month * ours / of).quantize(DIGITS)
                note = f"{paid.name}, {month[0]}-{month[1]:02d}, {ours} of {of} outputs"
                lines.append(Cost(kind="subscription", amount=amount, currency=settings.currency, note=note))
    return lines


def _runs(paid: Subscription, start: datetime, end: datetime) -> bool:
    return paid.since < end.date() and (paid.until is None or paid.until >= start.date())
