"""From a line's log to an alarm, a job and its owner."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from burnish.errors import BurnishError
from burnish.prove.drift import (
    INPUTS,
    REJECTS,
    SCORES,
    Plan,
    Reading,
    Verdict,
    expected_delays,
    read_log,
    watch,
)
from burnish.prove.jobs import RETRAIN, last_closed, open_job
from burnish.store.workspace import Workspace


@dataclass(frozen=True)
class Found:
    """What the charts say of a log.

    Attributes:
        model: Hash of the newest model in it; lines of others are left out, and those before the last job
            about it was closed.
        judged, held, broken, left_out: Lines.
        alarms: All, in order.
        last: Last reading of each chart.
        delays: Expected parts from a shift that matters to its alarm.
        job: Number of the job, its owner, and whether this alarm opened it; None without an alarm.
    """

    plan: Plan
    model: str
    judged: int
    held: int
    broken: int
    left_out: int
    alarms: tuple[tuple[Reading, str], ...]
    last: tuple[Reading, ...]
    delays: dict[str, float]
    job: tuple[int, str, bool] | None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        plain = {
            name: getattr(self, name) for name in ("model", "judged", "held", "broken", "left_out", "delays")
        }
        return {
            "plan": self.plan.to_json(),
            **plain,
            "alarms": [{**asdict(reading), "part": part} for reading, part in self.alarms],
            "last": [asdict(reading) for reading in self.last],
            "job": None if self.job is None else dict(zip(("number", "owner", "new"), self.job, strict=True)),
        }

    def in_words(self) -> str:
        """For a terminal."""
        lines = [
            f"model {self.model}: {self.judged} judged, {self.held} held"
            + (f", {self.broken} lines unreadable" if self.broken else "")
            + (
                f", {self.left_out} left out (another model, or before the last job was closed)"
                if self.left_out
                else ""
            ),
            f"declared: one false alarm in {self.plan.run_length:g} parts, all charts together; "
            f"baseline {self.plan.baseline} parts",
        ]
        for reading in self.last:
            rung = sum(alarm.chart == reading.chart for alarm, _ in self.alarms)
            lines.append(
                f"  {reading.chart:<8} level {reading.level:.3g}, limit {reading.limit:.3g}, {rung} alarm(s);"
                f" a shift that matters alarms after {self.delays[reading.chart]:.0f} parts on average"
            )
        if self.job is None:
            return "\n".join([*lines, "no alarm"])
        first, part = self.alarms[0]
        number, owner, new = self.job
        opened = "opened" if new else "open already"
        lines.append(
            f"ALARM of {first.chart} at part {first.parts} ({part}): retrain job {number} {opened}, "
            f"owner {owner}"
        )
        return "\n".join(lines)


def check_drift(
    workspace: Workspace, log: str | Path, plan: Plan, owner: str = "", pictures: str | Path | None = None
) -> Found:
    """Watches a log; an alarm opens one retrain job about its newest model.

    Args:
        workspace: Where the job goes.
        log: Of `burnish inspect run --json-lines`.
        plan: As declared.
        owner: Whose the job is; the workspace's owner when empty.
        pictures: Folder of the same parts' pictures, in the order of their names.

    Raises:
        BurnishError: Too few parts, or an alarm that nobody owns.
    """
    lines, broken = read_log(log)
    model = lines[-1].model
    with workspace.session() as session:
        since = last_closed(session, model)
    kept = [v for v in lines if v.model == model and (since is None or v.time > since)]
    judged = [v for v in kept if v.verdict != "hold" and v.score is not None]
    scores, rejected = [float(v.score or 0.0) for v in judged], [v.verdict == "reject" for v in judged]
    features = None if pictures is None else picture_features(pictures)
    readings = list(watch(plan, scores, rejected, features))
    if not readings:
        raise BurnishError(log, "holds no judged part since the last job was closed", "Wait for more parts")
    last = {reading.chart: reading for reading in readings}
    alarms = tuple((r, _name(judged, r)) for r in readings if r.alarm)
    job = None
    if alarms:
        first, part = alarms[0]
        why = f"drift: {first.chart} left its limits at part {first.parts} ({part})"
        detail = {"log": str(log), "plan": plan.to_json(), "reading": asdict(first)}
        row, new = open_job(workspace, RETRAIN, model, why, owner, detail)
        job = (row.id, row.owner, new)
    delays = expected_delays(plan, rejected, list(last))
    return Found(
        plan,
        model,
        len(judged),
        sum(v.verdict == "hold" for v in kept),
        broken,
        len(lines) - len(kept),
        alarms,
        tuple(last[name] for name in (SCORES, REJECTS, INPUTS) if name in last),
        delays,
        job,
    )


def picture_features(folder: str | Path) -> np.ndarray:
    """Frozen features of a folder's pictures, in the order of their names, (n, 320).

    Raises:
        BurnishError: No pictures.
    """
    from burnish.media.image import SUFFIXES, read_image
    from burnish.train.features import Features

    files = sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in SUFFIXES)
    if not files:
        raise BurnishError(folder, "holds no pictures", "Name the folder of the line's pictures")
    describe = Features()
    return np.concatenate([describe([read_image(p)]).numpy() for p in files])


def _name(judged: Sequence[Verdict], reading: Reading) -> str:
    return judged[reading.parts - 1].part if reading.parts <= len(judged) else ""
