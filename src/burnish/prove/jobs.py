"""What somebody has to do, and who: an alarm opens one job, however often it rings."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from burnish.errors import BurnishError
from burnish.store.tables import Job, now
from burnish.store.workspace import Workspace

RETRAIN, RECALIBRATE = "retrain", "recalibrate"


def open_job(
    workspace: Workspace, kind: str, about: str, why: str, owner: str = "", detail: Mapping[str, Any] = {}
) -> tuple[Job, bool]:
    """Opens a job, unless one of this kind about this thing is open already.

    Args:
        workspace: Where it lies.
        kind: `RETRAIN`, ...
        about: What it is about, such as a model's hash.
        why: The alarm, in a sentence.
        owner: Whose it is; the workspace's owner when empty.
        detail: More, as JSON.

    Returns:
        The open job, and whether it is new.

    Raises:
        BurnishError: Nobody owns it.
    """
    owner = owner or workspace.settings.owner
    if not owner:
        raise BurnishError(
            f"{kind} of {about}",
            "has no owner",
            "Give --owner NAME, or `owner:` in the workspace's burnish.yaml",
        )
    key = f"{kind}:{about}"
    while True:
        with workspace.session() as session:
            found = session.scalars(select(Job).where(Job.key == key)).one_or_none()
            if found is not None:
                return found, False
        try:
            with workspace.session() as session:
                job = Job(kind=kind, key=key, why=why, owner=owner, detail=dict(detail))
                session.add(job)
                session.flush()
                return job, True
        except IntegrityError:  # somebody else was faster
            continue


def close_jobs(session: Session, about: str, why: str) -> int:
    """Closes the open jobs about a thing; how many there were."""
    jobs = [job for job in open_jobs(session) if job.key and job.key.split(":", 1)[1] == about]
    for job in jobs:
        job.key, job.status, job.closed = None, "closed", now()
        job.detail = {**job.detail, "closed": why, "about": about}
    return len(jobs)


def open_jobs(session: Session) -> Sequence[Job]:
    """All open jobs, oldest first."""
    return session.scalars(select(Job).where(Job.key.is_not(None)).order_by(Job.id)).all()


def last_closed(session: Session, about: str) -> datetime | None:
    """When a job about a thing was last closed."""
    jobs = session.scalars(select(Job).where(Job.closed.is_not(None)).order_by(Job.closed.desc()))
    return next((job.closed for job in jobs if job.detail.get("about") == about), None)
