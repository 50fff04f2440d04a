"""The workspace's own sealed log: reports and who has read them.

```
WORKSPACE/sealed/
  log.jsonl, checkpoint.note, verify_seal.py
  2026-11.html, 2026-11.json      a report made again is 2026-11.2.html: the old one stays
```
"""

import base64
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from burnish.errors import BurnishError
from burnish.prove import verify_seal
from burnish.prove.keys import KEY, public_bytes, public_text, signing_key
from burnish.prove.listing import month_of
from burnish.prove.log import Log, alone
from burnish.prove.report.facts import gather
from burnish.prove.report.page import render
from burnish.prove.seal import Sealed
from burnish.prove.verify_seal import LOG, ack_text, tree_root
from burnish.store.bundle import sha256_of
from burnish.store.files import write_json, write_text
from burnish.store.tables import Acknowledgement, Figure
from burnish.store.workspace import Workspace

FOLDER, VERIFIER = "sealed", "verify_seal.py"


def open_journal(workspace: Workspace) -> Log:
    """The workspace's log, begun when it is first needed."""
    folder, key = workspace.path / FOLDER, signing_key(workspace.path / KEY)
    if (folder / LOG).exists():
        return Log(folder, key)
    origin = f"burnish/workspace/{public_bytes(key).hex()[:16]}"
    log = Log.begin(folder, key, origin, {"kind": "opened", "format": 1})
    shutil.copyfile(verify_seal.__file__, folder / VERIFIER)
    return log


def report(workspace: Workspace, month: str, now: datetime | None = None) -> Path:
    """Makes the report of a month, page and JSON twin, and seals both.

    Args:
        workspace: Whose.
        month: `2026-11`.
        now: When it is made; None is now.

    Returns:
        The page.

    Raises:
        BurnishError: No such month, or it cannot be written.
    """
    month_of(month)
    workspace.engine  # noqa: B018  the folder exists from here on
    with alone(workspace.path / FOLDER):
        log = open_journal(workspace)
        facts = gather(workspace, month, now or datetime.now(UTC), _seals(log, month))
        head = {
            "origin": log.origin,
            "size": len(log.records),
            "root": base64.b64encode(tree_root(log.leaves)).decode(),
        }
        version = 1 + sum(fact["month"] == month for fact in log.of("report"))
        name = month if version == 1 else f"{month}.{version}"
        page, twin = log.folder / f"{name}.html", log.folder / f"{name}.json"
        write_text(page, render(facts, head))
        write_json(twin, {**facts.facts, "log": head})
        files = {file.name: sha256_of(file) for file in (page, twin)}
        log.append("report", month=month, version=version, files=files)
        log.sign()
        return page


def note_run(workspace: Workspace, run: Sealed) -> None:
    """Puts a sealed run's head into the workspace's log, so that it stands in the report, too."""
    workspace.engine  # noqa: B018
    with alone(workspace.path / FOLDER):
        log = open_journal(workspace)
        note = run.checkpoint.read_text(encoding="utf-8")
        facts = {"n": run.n, "made": run.made, "failed": run.failed, "closed": run.closed, "checkpoint": note}
        known = [{name: fact[name] for name in facts} for fact in log.of("run")]
        if facts not in known:
            log.append("run", folder=str(run.folder.resolve()), model=run.model, **facts)
            log.sign()


def _seals(log: Log, month: str) -> list[dict[str, Any]]:
    """The sealed runs of a month, each as it stood last."""
    found = {f["folder"]: f for f in log.of("run") if f["closed"] and f["at"].startswith(month)}
    names = ("at", "folder", "n", "made", "failed", "model", "checkpoint")
    return [{name: fact[name] for name in names} for fact in found.values()]


def acknowledge(
    workspace: Workspace, what: str, name: str, key: Ed25519PrivateKey, note: str = ""
) -> dict[str, Any]:
    """Signs that somebody has read a month's newest report, or looked at a figure.

    Args:
        workspace: Whose.
        what: A month, `2026-11`, or the number of a figure.
        name: Who.
        key: Theirs.
        note: What they have to say.

    Returns:
        The log's record.

    Raises:
        BurnishError: There is no such report or figure, or the report was changed since it was sealed.
    """
    if not name.strip():
        raise BurnishError("name", "is empty", "Say who has read it: --name")
    workspace.engine  # noqa: B018
    with alone(workspace.path / FOLDER):
        log = open_journal(workspace)
        now = datetime.now(UTC).replace(microsecond=0)
        at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        figure = int(what) if what.isdigit() else None
        about = {"figure": figure} if figure is not None else {"month": what}
        sha256 = _figure(log, workspace, figure) if figure is not None else _report(log, what)
        signature = key.sign(ack_text(sha256, name, at))
        fact = log.append(
            "ack",
            **about,
            report_sha256=sha256,
            name=name,
            note=note,
            at=at,
            public_key=public_text(key),
            signature=base64.b64encode(signature).decode(),
        )
        log.sign()
        with workspace.session() as session:
            session.add(
                Acknowledgement(
                    figure_id=figure,
                    report="" if figure is not None else what,
                    by=name,
                    content_hash=sha256,
                    signature=signature.hex(),
                    key=public_bytes(key).hex(),
                    note=note,
                    at=now,
                )
            )
        return fact


def _report(log: Log, month: str) -> str:
    """The hash of a month's newest page, once its file is the sealed one."""
    month_of(month)
    sealed = [fact for fact in log.of("report") if fact["month"] == month]
    if not sealed:
        raise BurnishError(
            f"report of {month}", "was never made", f"Run burnish prove report --month {month}"
        )
    name, sha256 = next((n, s) for n, s in sealed[-1]["files"].items() if n.endswith(".html"))
    if not (log.folder / name).is_file() or sha256_of(log.folder / name) != sha256:
        raise BurnishError(log.folder / name, "is not the page that was sealed", "Make the report again")
    return sha256


def _figure(log: Log, workspace: Workspace, number: int) -> str:
    """The hash of a figure's facts; they go into the log first, so that what was seen stands there."""
    import hashlib

    from burnish.prove.log import encode

    with workspace.session() as session:
        figure = session.get(Figure, number)
        if figure is None:
            raise BurnishError(f"figure {number}", "does not exist", "See the report for the numbers")
        names = ("what", "subject", "value", "low", "high", "unit", "command", "data_hash", "model_hash")
        facts = {name: getattr(figure, name) for name in names}
    sha256 = hashlib.sha256(encode(facts)).hexdigest()
    if not any(fact["figure"] == number and fact["sha256"] == sha256 for fact in log.of("figure")):
        log.append("figure", figure=number, facts=facts, sha256=sha256)
    return sha256
