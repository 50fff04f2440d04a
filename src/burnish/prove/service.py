"""What is in service for a task: a link that the line opens, changed in one step, and its history.

`WORKSPACE/service/TASK` points to the bundle; `burnish inspect run` takes it like any bundle. The link is
replaced by renaming, so whoever opens it sees the old bundle or the new one and never neither.
"""

import os
import re
import zlib
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from burnish.errors import BurnishError
from burnish.store.bundle import Bundle, read_bundle
from burnish.store.tables import Model, Promotion
from burnish.store.workspace import Workspace

FIRST, PROMOTED, ROLLED_BACK, RECALIBRATED = "first", "promoted", "rolled back", "recalibrated"
IN_SERVICE = (FIRST, PROMOTED, ROLLED_BACK, RECALIBRATED)
"""Decisions after which a model is in service."""


def link_of(workspace: Workspace, task: str) -> Path:
    """The link of a task; two tasks never share one."""
    plain = re.sub(r"[^a-z0-9]+", "-", task.lower()).strip("-") or "task"
    return (
        workspace.path / "service" / (plain if plain == task else f"{plain}-{zlib.crc32(task.encode()):08x}")
    )


def history(session: Session, task: str) -> list[Promotion]:
    """Changes of what is in service, oldest first."""
    rows = select(Promotion).where(Promotion.task == task, Promotion.decision.in_(IN_SERVICE))
    return list(session.scalars(rows.order_by(Promotion.id)))


def champion_of(session: Session, task: str) -> Model | None:
    """The model in service for a task; None when there was never one."""
    changes = history(session, task)
    return session.get(Model, changes[-1].model_hash) if changes else None


def enter_model(session: Session, bundle: Bundle) -> Model:
    """Makes a bundle known to the workspace."""
    return session.merge(
        Model(
            hash=bundle.hash,
            path=str(bundle.path.absolute()),
            kind=bundle.kind,
            data_hash=str(bundle.meta.get("data_hash", ""))[:64],
        )
    )


def install(
    workspace: Workspace, task: str, path: str | Path, decision: str = FIRST, why: str = "", by: str = ""
) -> Bundle:
    """Puts a bundle into service without a test: the first one, or the champion with its threshold renewed.

    Raises:
        BurnishError: It would be the first, but the task has one in service.
    """
    bundle = read_bundle(path)
    with workspace.session() as session:
        champion = champion_of(session, task)
        if decision == FIRST and champion is not None:
            raise BurnishError(
                f"task {task}",
                f"has {champion.path} in service",
                "Declare a test of the new one before you look at it: burnish prove declare",
            )
        enter_model(session, bundle)
        session.add(
            Promotion(
                task=task,
                model_hash=bundle.hash,
                previous_hash=champion.hash if champion else "",
                decision=decision,
                result={"reason": why},
                by=by or workspace.settings.owner,
            )
        )
        session.flush()
        put_in_service(workspace, session, task, bundle.hash)
    return bundle


def roll_back(workspace: Workspace, task: str, reason: str, by: str = "") -> Bundle:
    """Puts the model before the one in service back; given again, it goes back one more.

    Raises:
        BurnishError: No reason, nothing to go back to, or its bundle is gone or damaged; then nothing
        changes.
    """
    if not reason.strip():
        raise BurnishError("rollback", "needs a reason", "Give --reason")
    with workspace.session() as session:
        changes = history(session, task)
        stack: list[str] = []
        for change in changes:
            if change.decision == ROLLED_BACK:
                stack.pop()
            else:
                stack.append(change.model_hash)
        if len(stack) < 2:
            raise BurnishError(
                f"task {task}", "has nothing to go back to", "It has had one model in service at most"
            )
        before = session.get(Model, stack[-2])
        if before is None:
            raise BurnishError(f"model {stack[-2]}", "is not known any more", "Promote another one")
        bundle = read_bundle(before.path)
        if bundle.hash != before.hash:
            raise BurnishError(before.path, "is not the bundle that was in service", "Restore it from a copy")
        session.add(
            Promotion(
                task=task,
                model_hash=before.hash,
                previous_hash=stack[-1],
                decision=ROLLED_BACK,
                result={"reason": reason},
                by=by or workspace.settings.owner,
            )
        )
        session.flush()
        put_in_service(workspace, session, task, before.hash)
    return bundle


def put_in_service(workspace: Workspace, session: Session, task: str, model_hash: str) -> Path:
    """Points the task's link to a known model's bundle, in one step.

    Raises:
        BurnishError: The model is not known, or the link cannot be written.
    """
    model = session.get(Model, model_hash)
    if model is None:
        raise BurnishError(f"model {model_hash}", "is not known to the workspace", "Name its bundle")
    link = link_of(workspace, task)
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(model.path, target_is_directory=True)
        fresh.replace(link)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise BurnishError(
            link,
            f"cannot be written ({error.strerror or error})",
            "The model in service stays; free the place",
        ) from error
    return link
