"""The tables of a workspace, on SQLite and Postgres alike.

A change here comes with a migration in `store/migrations/versions`, named `NNNN_what.py`; the tests
compare the two. Amounts are exact decimals, times are UTC, free facts are JSON.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Date, ForeignKey, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from burnish.store.columns import Exact, Moment, now

RUNNING, DONE, FAILED, INTERRUPTED = "running", "done", "failed", "interrupted"


class Base(DeclarativeBase):
    """Common column types."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        dict[str, Any]: JSON,
        Decimal: Exact,
        datetime: Moment,
        date: Date,
        str: Text,
    }


class Record(Base):
    """One output of a verb: a made picture, a trained model, an evaluation, a run of the line.

    The row is written before the work and keeps its number and seed whatever becomes of it.

    Attributes:
        number: Consecutive; never given twice.
        batch: Number of the first record of the command that it belongs to.
        verb: `make`, `train`, `refine`, `inspect train`, ...
        medium: `image`, `clip`, `text`, `model`, `figures` or `verdicts`.
        task: What it is for, as the team calls it; ties it to its counterfactual and its reviews.
        description: What was asked for.
        seed, index: Both together decide everything random.
        model_hash: `Bundle.hash` of the model that was used, or made.
        inputs: Name to content hash of everything that went in.
        settings: Options that decide the outcome.
        command: What was typed.
        machine: Where it ran.
        status: `running`, `done`, `failed` or `interrupted`.
        error: Why it failed.
        process: Host, process id and its start, by which an interrupted run is told from a running one.
        started, finished: Times.
        seconds: Of work, by a clock that only goes forward.
        joules: Energy, or None.
        energy_known: `measured (RAPL, whole package)`, `measured (NVML)`, `estimated from 65 W`, or empty.
        output: The file or folder.
        output_hash: sha256 of the file, or the bundle's hash.
        owner: Who answers for it.
    """

    __tablename__ = "record"
    __table_args__ = (
        Index("ix_record_batch", "batch"),
        Index("ix_record_task", "task"),
        {"sqlite_autoincrement": True},  # else SQLite gives the number of a deleted last row again
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    batch: Mapped[int | None]
    verb: Mapped[str] = mapped_column(String(40))
    medium: Mapped[str] = mapped_column(String(20), default="")
    task: Mapped[str] = mapped_column(String(200), default="")
    description: Mapped[str] = mapped_column(default="")
    seed: Mapped[int | None] = mapped_column(BigInteger)
    index: Mapped[int | None]
    model_hash: Mapped[str] = mapped_column(String(64), default="")
    inputs: Mapped[dict[str, Any]] = mapped_column(default=dict)
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    command: Mapped[str] = mapped_column(default="")
    machine: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(String(20), default=RUNNING)
    error: Mapped[str] = mapped_column(default="")
    process: Mapped[str] = mapped_column(String(200), default="")
    started: Mapped[datetime] = mapped_column(default=now)
    finished: Mapped[datetime | None]
    seconds: Mapped[float | None]
    joules: Mapped[float | None]
    energy_known: Mapped[str] = mapped_column(String(60), default="")
    output: Mapped[str] = mapped_column(default="")
    output_hash: Mapped[str] = mapped_column(String(64), default="")
    owner: Mapped[str] = mapped_column(String(200), default="")

    costs: Mapped[list["Cost"]] = relationship(back_populates="record", cascade="all, delete-orphan")


class Cost(Base):
    """One line of money. It hangs on a record, or on a task or a month for what belongs to no single one.

    Attributes:
        kind: `compute`, `energy`, `depreciation`, `review`, `labelling`, `subscription` or `other`.
        amount: Exact; may be negative for a credit.
        quantity, unit, price: Where the amount comes from: seconds at the price of an hour, joules at that of
            a kWh; rounded once, to 12 digits after the point.
    """

    __tablename__ = "cost"
    __table_args__ = (Index("ix_cost_record", "record_number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    record_number: Mapped[int | None] = mapped_column(ForeignKey("record.number"))
    task: Mapped[str] = mapped_column(String(200), default="")
    kind: Mapped[str] = mapped_column(String(20))
    amount: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(String(3))
    quantity: Mapped[Decimal | None]
    unit: Mapped[str] = mapped_column(String(20), default="")
    price: Mapped[Decimal | None]
    note: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column(default=now)

    record: Mapped[Record | None] = relationship(back_populates="costs")


class Figure(Base):
    """One measured number, and everything one needs to get it again.

    Attributes:
        what: Its name: `miss rate`, `acceptance`, `baseline: nearest neighbour: miss rate`, ...
        subject: What it is about: a bundle's hash, a task, a month.
        value: None where it could not be measured; `note` says why.
        low, high, confidence: Its interval.
        count, of: Events and trials, where it is a rate.
        command, machine, data_hash, model_hash: How to get it again. A figure without a command is not shown.
        record_number: The record that the run left.
        owner: Who answers for it.
        threshold, better: What is wanted of it: at least for `higher`, at most for `lower`.
        next_check: When somebody has to look again.
        detail: More, as JSON: by class, by part, the difference to a baseline.
    """

    __tablename__ = "figure"
    __table_args__ = (Index("ix_figure_subject", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(String(200), default="")
    value: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    confidence: Mapped[float | None]
    count: Mapped[int | None]
    of: Mapped[int | None]
    unit: Mapped[str] = mapped_column(String(40), default="")
    command: Mapped[str] = mapped_column(default="")
    machine: Mapped[str] = mapped_column(default="")
    data_hash: Mapped[str] = mapped_column(String(64), default="")
    model_hash: Mapped[str] = mapped_column(String(64), default="")
    record_number: Mapped[int | None] = mapped_column(ForeignKey("record.number"))
    owner: Mapped[str] = mapped_column(String(200), default="")
    threshold: Mapped[float | None]
    better: Mapped[str] = mapped_column(String(6), default="")
    next_check: Mapped[date | None]
    note: Mapped[str] = mapped_column(default="")
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime] = mapped_column(default=now)


class Acknowledgement(Base):
    """Somebody has looked: at a figure, or at a month's report.

    Attributes:
        report: The month, `2026-11`.
        content_hash: sha256 of what was looked at.
        signature: Ed25519 over the content hash, hex; `key` is the public key, hex.
    """

    __tablename__ = "acknowledgement"

    id: Mapped[int] = mapped_column(primary_key=True)
    figure_id: Mapped[int | None] = mapped_column(ForeignKey("figure.id"))
    report: Mapped[str] = mapped_column(String(20), default="")
    by: Mapped[str] = mapped_column(String(200))
    content_hash: Mapped[str] = mapped_column(String(64), default="")
    signature: Mapped[str] = mapped_column(default="")
    key: Mapped[str] = mapped_column(String(64), default="")
    note: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column(default=now)


class Epoch(Base):
    """A stretch of review under one locked threshold and plan; a change opens a new one, for all to see.

    Attributes:
        task: What is reviewed.
        reason: Why it was opened.
        threshold: What counts as usable, in words and numbers.
        plan: Reviewers, controls, repeats; with `seed` it decides the order.
    """

    __tablename__ = "epoch"

    id: Mapped[int] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(default="")
    threshold: Mapped[dict[str, Any]] = mapped_column(default=dict)
    plan: Mapped[dict[str, Any]] = mapped_column(default=dict)
    seed: Mapped[int] = mapped_column(BigInteger, default=0)
    opened_by: Mapped[str] = mapped_column(String(200), default="")
    opened: Mapped[datetime] = mapped_column(default=now)
    closed: Mapped[datetime | None]


class Review(Base):
    """One look of one reviewer at one thing.

    Attributes:
        record_number: The record looked at; None for a control or something from elsewhere.
        item: Its file or name; `item_hash` its sha256.
        kind: `output`, `known-good`, `known-bad` or `repeat`; the reviewer is not told.
        place: Position in the reviewer's queue.
        verdict: `used`, `rework` or `reject`; empty while it is in the queue.
        reasons: List of words under `reasons`, and whatever else was said.
        seconds: From shown to answered.
        rework_minutes: Spent on mending it, where that is known.
    """

    __tablename__ = "review"
    __table_args__ = (Index("ix_review_epoch", "epoch_id"), Index("ix_review_record", "record_number"))

    id: Mapped[int] = mapped_column(primary_key=True)
    epoch_id: Mapped[int] = mapped_column(ForeignKey("epoch.id"))
    record_number: Mapped[int | None] = mapped_column(ForeignKey("record.number"))
    item: Mapped[str] = mapped_column(default="")
    item_hash: Mapped[str] = mapped_column(String(64), default="")
    reviewer: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20), default="output")
    place: Mapped[int] = mapped_column(default=0)
    verdict: Mapped[str] = mapped_column(String(10), default="")
    reasons: Mapped[dict[str, Any]] = mapped_column(default=dict)
    seconds: Mapped[float | None]
    rework_minutes: Mapped[float | None]
    at: Mapped[datetime | None]


class Job(Base):
    """Something that somebody has to do. At most one of a `key` is open.

    Attributes:
        kind: `retrain`, `recalibrate`, `check`, ...
        key: What it is about; unique among open jobs, None once closed.
        why: The alarm or figure that opened it.
        owner: Whose it is.
    """

    __tablename__ = "job"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    key: Mapped[str | None] = mapped_column(String(200), unique=True)
    why: Mapped[str] = mapped_column(default="")
    owner: Mapped[str] = mapped_column(String(200), default="")
    status: Mapped[str] = mapped_column(String(20), default="open")
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    opened: Mapped[datetime] = mapped_column(default=now)
    closed: Mapped[datetime | None]


class Model(Base):
    """A bundle that the workspace knows."""

    __tablename__ = "model"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    path: Mapped[str]
    kind: Mapped[str] = mapped_column(String(20))
    data_hash: Mapped[str] = mapped_column(String(64), default="")
    record_number: Mapped[int | None] = mapped_column(ForeignKey("record.number"))
    at: Mapped[datetime] = mapped_column(default=now)


class Promotion(Base):
    """A change of the model in service for a task, or a refusal to change it. The newest accepted one holds.

    Attributes:
        task: The service: `ring line`, `catalogue pictures`.
        model_hash: The challenger, or what a rollback went back to.
        previous_hash: The champion before.
        decision: `promoted`, `refused` or `rolled back`.
        plan: The test as declared before: margin, confidence, data hash.
        result: What it gave.
    """

    __tablename__ = "promotion"

    id: Mapped[int] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(String(200))
    model_hash: Mapped[str] = mapped_column(ForeignKey("model.hash"))
    previous_hash: Mapped[str] = mapped_column(String(64), default="")
    decision: Mapped[str] = mapped_column(String(20))
    plan: Mapped[dict[str, Any]] = mapped_column(default=dict)
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)
    by: Mapped[str] = mapped_column(String(200), default="")
    at: Mapped[datetime] = mapped_column(default=now)


class Question(Base):
    """Asked before generation: would this have been made anyway?

    Attributes:
        task: What it is about.
        made_anyway: The answer.
        how_known: `timed`, `randomised`, `stated` or `none`: where the baseline's times come from.
        answered_by: Who said so.
    """

    __tablename__ = "question"

    id: Mapped[int] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(String(200), unique=True)
    made_anyway: Mapped[bool]
    how_known: Mapped[str] = mapped_column(String(20), default="none")
    answered_by: Mapped[str] = mapped_column(String(200), default="")
    note: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column(default=now)


class Timing(Base):
    """Minutes of a person's work on one item, with or without the model.

    Attributes:
        arm: `without` or `with`.
        minutes: Of labour, >= 0; waiting for the machine is not labour.
        randomised: The arm was drawn by lot.
    """

    __tablename__ = "timing"
    __table_args__ = (Index("ix_timing_task", "task"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(String(200))
    arm: Mapped[str] = mapped_column(String(10))
    minutes: Mapped[Decimal]
    randomised: Mapped[bool] = mapped_column(default=False)
    item: Mapped[str] = mapped_column(default="")
    by: Mapped[str] = mapped_column(String(200), default="")
    at: Mapped[datetime] = mapped_column(default=now)


class Mark(Base):
    """A marked file, by which its record is found again when everything inside the file is lost.

    Attributes:
        record_number: Its record; the same number is in its credential and in its watermark.
        file: Where it was written.
        file_hash: sha256 of the marked file, hex.
        picture_hash: `prove.perceptual.perceptual_hash` of the marked picture, hex; empty for a film.
        watermark: Name of the watermark, empty where none was set.
        psnr: Of the marked picture against the unmarked one, dB; None where they are equal or none was set.
        at: Time.
    """

    __tablename__ = "mark"
    __table_args__ = (Index("ix_mark_record", "record_number"), Index("ix_mark_file_hash", "file_hash"))

    id: Mapped[int] = mapped_column(primary_key=True)
    record_number: Mapped[int] = mapped_column(ForeignKey("record.number"))
    file: Mapped[str]
    file_hash: Mapped[str] = mapped_column(String(64))
    picture_hash: Mapped[str] = mapped_column(String(64), default="")
    watermark: Mapped[str] = mapped_column(String(60), default="")
    psnr: Mapped[float | None]
    at: Mapped[datetime] = mapped_column(default=now)
