"""Blind review: a queue for each reviewer, verdicts that stay, and epochs that nobody can hide.

One object serves the terminal and, later, a page. What it hands out (`Ticket`) holds a picture and its place
in the queue, and nothing of what kind it is, where it came from or what anybody said about it.
"""

import hashlib
import io
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from burnish.errors import BurnishError
from burnish.media.image import SUFFIXES, read_image
from burnish.prove.review_plan import BAD, GOOD, Plan, assign, queue
from burnish.store.bundle import sha256_of
from burnish.store.tables import DONE, Epoch, Record, Review, now
from burnish.store.workspace import Workspace
from burnish.verbs.album import SHEET

VERDICTS = ("used", "rework", "reject")
REVIEWABLE = SUFFIXES | {".mp4", ".webm", ".txt"}
LONGEST = 1800.0
"""Seconds; a look that took longer was interrupted, and its time is not kept."""


@dataclass(frozen=True)
class Item:
    """Something to review: a file, its sha256, and the number of its record where it has one."""

    path: str
    sha256: str
    record: int | None = None


@dataclass(frozen=True)
class Ticket:
    """All that a reviewer is given.

    Attributes:
        number: To answer with; it says nothing.
        content: A file's bytes. A picture is written anew as PNG: neither its kind of file nor the text in
            it tells an output from a control.
        suffix: How a file of this kind ends, such as `.png`.
        place, of: Position in the queue, from 1.
        threshold: What counts as usable, in words.
    """

    number: int
    content: bytes
    suffix: str
    place: int
    of: int
    threshold: str

    def save(self, path: str | Path) -> Path:
        """Writes the content for a viewer; the file's name says nothing either.

        Raises:
            BurnishError: It cannot be written.
        """
        path = Path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.content)
        except OSError as error:
            raise BurnishError(path, f"cannot be written ({error.strerror})", "Free some space") from error
        return path


class Reviews:
    """The review service of a workspace.

    Args:
        workspace: Where the queues and verdicts lie.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._shown: dict[tuple[str, int], float] = {}

    def open(
        self,
        task: str,
        items: Sequence[Item],
        plan: Plan,
        threshold: str,
        reason: str = "first review",
        by: str = "",
    ) -> int:
        """Opens an epoch with a queue for each reviewer; the task's open epoch, if there is one, is closed.

        Returns:
            The epoch's number.

        Raises:
            BurnishError: Nothing to review, no threshold, or a control that cannot be read.
        """
        if not items:
            raise BurnishError(f"task {task}", "has nothing to review", "Make something, or name a folder")
        if not threshold.strip():
            raise BurnishError("threshold", "is empty", "Say in words what counts as usable")
        controls = {GOOD: _hashed(plan.good), BAD: _hashed(plan.bad)}
        with self.workspace.session() as session:
            _close_open(session, task)
            epoch = Epoch(
                task=task,
                reason=reason,
                threshold={"words": threshold},
                plan=plan.to_json(),
                seed=plan.seed,
                opened_by=by or self.workspace.settings.owner,
            )
            session.add(epoch)
            session.flush()
            for reviewer, mine in assign(len(items), plan).items():
                for place, slot in enumerate(queue(mine, reviewer, plan), 1):
                    item = controls[slot.kind][slot.index] if slot.kind in controls else items[slot.index]
                    session.add(_row(epoch.id, item, reviewer, slot.kind, place))
                session.flush()
            return epoch.id

    def change_threshold(self, task: str, threshold: str, reason: str, by: str = "") -> int:
        """Closes the open epoch and opens one with another threshold; what nobody has judged yet moves over.

        Verdicts stay in the epoch they were given in, and are never pooled with those of another.

        Raises:
            BurnishError: No open epoch, no reason, or the threshold is the same.
        """
        if not reason.strip():
            raise BurnishError("threshold", "is changed without a reason", "Say why with --reason")
        with self.workspace.session() as session:
            old = open_epoch(session, task)
            if not threshold.strip() or old.threshold.get("words") == threshold:
                raise BurnishError("threshold", "is empty or the one in force", "Leave it as it is")
            old.closed = now()
            fresh = Epoch(
                task=task,
                reason=reason,
                threshold={"words": threshold},
                plan=old.plan,
                seed=old.seed,
                opened_by=by or self.workspace.settings.owner,
            )
            session.add(fresh)
            session.flush()
            for row in _waiting(session, old.id):
                row.epoch_id = fresh.id
            return fresh.id

    def next(self, task: str, reviewer: str) -> Ticket | None:
        """The reviewer's next ticket, None at the end of the queue; the clock starts.

        Raises:
            BurnishError: No open epoch, no such reviewer, or a file that is gone or was changed.
        """
        with self.workspace.session() as session:
            epoch = open_epoch(session, task)
            of = session.scalar(
                select(func.count()).where(Review.epoch_id == epoch.id, Review.reviewer == reviewer)
            )
            if not of:
                names = ", ".join(epoch.plan.get("reviewers", []))
                raise BurnishError(
                    f"reviewer {reviewer}", f"has no queue for {task}", f"Its reviewers: {names}"
                )
            row = next(iter(_waiting(session, epoch.id, reviewer)), None)
            if row is None:
                return None
            content, suffix = _content(row)
            self._shown[(reviewer, row.id)] = time.monotonic()
            words = str(epoch.threshold.get("words", ""))
            return Ticket(row.id, content, suffix, row.place, of, words)

    def answer(
        self,
        reviewer: str,
        ticket: int,
        verdict: str,
        reasons: Iterable[str] = (),
        seconds: float | None = None,
        rework_minutes: float | None = None,
    ) -> None:
        """Keeps a verdict; it cannot be changed afterwards.

        Args:
            reviewer: Who says so.
            ticket: `Ticket.number`.
            verdict: `used`, `rework` or `reject`.
            reasons: Words.
            seconds: Time it took; measured since `next` when None.
            rework_minutes: Where it was mended.

        Raises:
            BurnishError: An unknown verdict or ticket, somebody else's ticket, or one answered before.
        """
        if verdict not in VERDICTS:
            raise BurnishError(f"verdict {verdict!r}", "is not known", f"Say {', '.join(VERDICTS)}")
        shown = self._shown.pop((reviewer, ticket), None)
        if seconds is None and shown is not None:
            seconds = time.monotonic() - shown
        with self.workspace.session() as session:
            row = session.get(Review, ticket)
            if row is None or row.reviewer != reviewer:
                raise BurnishError(f"ticket {ticket}", f"was not given to {reviewer}", "Ask for the next one")
            if row.verdict:
                raise BurnishError(f"ticket {ticket}", "was answered before", "A verdict stays as it is")
            row.verdict, row.at = verdict, now()
            row.reasons = {"reasons": [r.strip() for r in reasons if r.strip()]}
            row.seconds = seconds if seconds is not None and 0 <= seconds <= LONGEST else None
            row.rework_minutes = rework_minutes


def open_epoch(session: Session, task: str) -> Epoch:
    """The task's open epoch.

    Raises:
        BurnishError: There is none.
    """
    found = session.scalars(
        select(Epoch).where(Epoch.task == task, Epoch.closed.is_(None)).order_by(Epoch.id.desc())
    ).first()
    if found is None:
        raise BurnishError(
            f"task {task}", "has no review under way", f"Open one: burnish prove review plan {task!r}"
        )
    return found


def items_of_task(session: Session, task: str) -> list[Item]:
    """What the ledger says was made for a task and can be looked at, in the order of its numbers."""
    rows = session.scalars(
        select(Record)
        .where(Record.task == task, Record.status == DONE, Record.output != "")
        .order_by(Record.number)
    )
    files = [(row, Path(row.output)) for row in rows]
    return [Item(str(p), sha256_of(p), row.number) for row, p in files if p.is_file()]


def items_of_folder(session: Session, folder: str | Path) -> list[Item]:
    """The pictures, clips and texts of a folder without the sheet of all; what a record made gets its number.

    Raises:
        BurnishError: The folder cannot be read.
    """
    root = Path(folder)
    if not root.is_dir():
        raise BurnishError(root, "is not a folder", "Name the folder that holds what is to be reviewed")
    found = (p for p in root.rglob("*") if p.suffix.lower() in REVIEWABLE and p.name != SHEET)
    files = sorted(p for p in found if p.is_file())
    items = [Item(str(p.absolute()), sha256_of(p)) for p in files]
    known = {
        row.output_hash: row.number
        for row in session.scalars(select(Record).where(Record.output_hash.in_([i.sha256 for i in items])))
    }
    return [replace(i, record=known.get(i.sha256)) for i in items]


def _hashed(paths: Sequence[str]) -> list[Item]:
    try:
        return [Item(str(Path(p).absolute()), sha256_of(Path(p))) for p in paths]
    except OSError as error:
        raise BurnishError(
            error.filename or "control", f"cannot be read ({error.strerror})", "Name readable files"
        ) from error


def _row(epoch: int, item: Item, reviewer: str, kind: str, place: int) -> Review:
    facts: dict[str, Any] = {"item": item.path, "item_hash": item.sha256, "kind": kind, "place": place}
    number = item.record if kind not in (GOOD, BAD) else None
    return Review(epoch_id=epoch, record_number=number, reviewer=reviewer, **facts)


def _close_open(session: Session, task: str) -> None:
    for epoch in session.scalars(select(Epoch).where(Epoch.task == task, Epoch.closed.is_(None))):
        epoch.closed = now()


def _waiting(session: Session, epoch: int, reviewer: str | None = None) -> list[Review]:
    rows = select(Review).where(Review.epoch_id == epoch, Review.verdict == "")
    if reviewer is not None:
        rows = rows.where(Review.reviewer == reviewer)
    return list(session.scalars(rows.order_by(Review.place)))


def _content(row: Review) -> tuple[bytes, str]:
    """The bytes to show and their suffix, checked against the hash in the plan."""
    try:
        content = Path(row.item).read_bytes()
    except OSError as error:
        raise BurnishError(
            row.item, f"cannot be read ({error.strerror})", "Put it back; the queue goes on from here"
        ) from error
    if row.item_hash and hashlib.sha256(content).hexdigest() != row.item_hash:
        raise BurnishError(row.item, "was changed since the review was planned", "Restore it, or plan anew")
    suffix = Path(row.item).suffix.lower()
    if suffix not in SUFFIXES - {".gif"}:
        return content, suffix
    plain = io.BytesIO()
    Image.fromarray(read_image(row.item)).save(plain, "PNG")
    return plain.getvalue(), ".png"
