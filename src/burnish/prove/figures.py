"""Measured numbers, kept with the run behind them."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from burnish.core import stats
from burnish.core.stats import Rate
from burnish.errors import BurnishError
from burnish.prove.returns import Range
from burnish.store.bundle import read_bundle
from burnish.store.machine import in_a_line
from burnish.store.settings import Settings
from burnish.store.tables import Figure
from burnish.store.workspace import Workspace


def keep(workspace: Workspace, figures: Sequence[Figure]) -> None:
    """Writes figures into the workspace; owner, machine and next date are filled in where they are not given.

    Raises:
        BurnishError: A figure names no command, so that nobody could get it again.
    """
    with workspace.session() as session:
        for figure in figures:
            session.add(complete(figure, workspace.settings))


def complete(figure: Figure, settings: Settings, today: date | None = None) -> Figure:
    """Fills in owner, machine and next check date from the settings.

    Raises:
        BurnishError: The figure names no command.
    """
    if not figure.command.strip():
        raise BurnishError(f"figure {figure.what!r}", "names no command that makes it")
    figure.owner = figure.owner or settings.owner
    figure.machine = figure.machine or in_a_line()
    figure.next_check = figure.next_check or (today or date.today()) + timedelta(settings.check_every_days)
    return figure


def of_rate(what: str, rate: Rate | Mapping[str, Any], **facts: Any) -> Figure:
    """A rate with its 95 % Clopper-Pearson bounds as a figure."""
    plain = rate.to_json() if isinstance(rate, Rate) else rate
    bounds = {key: plain[key] for key in ("value", "low", "high", "count", "of")}
    return Figure(what=what, **bounds, confidence=0.95, unit="share", **facts)


def latest(session: Session, subject: str, prefix: str = "") -> dict[str, Figure]:
    """The newest figure of each name about a subject, for names that begin with `prefix`."""
    found = session.scalars(select(Figure).where(Figure.subject == subject).order_by(Figure.id))
    return {figure.what: figure for figure in found if figure.what.startswith(prefix)}


def measured_rates(workspace: Workspace, bundle: str | Path) -> dict[str, Range]:
    """The measured miss and false reject rates of an inspector, with their bounds, as inputs of its return.

    Raises:
        BurnishError: It was never evaluated in this workspace.
    """
    opened = read_bundle(bundle)
    with workspace.session() as session:
        found = latest(session, opened.meta.get("model_hash") or opened.hash)
    names = {"escapes_then": "miss rate", "false_rejects_then": "false reject rate"}
    ranges = {}
    for name, what in names.items():
        figure = found.get(what)
        if figure is None or figure.value is None or figure.low is None or figure.high is None:
            raise BurnishError(
                bundle,
                f"has no measured {what} in this workspace",
                "Run `burnish inspect eval` on test parts",
            )
        ranges[name] = Range(figure.low, figure.value, figure.high)
    return ranges


def from_evaluation(found: Mapping[str, Any], command: str) -> list[Figure]:
    """What an evaluation of an inspector measured (`inspect.evaluate.Evaluation.to_json`), as figures.

    Args:
        found: The evaluation.
        command: That made it.
    """
    facts = {
        "subject": found["model_hash"],
        "model_hash": found["model_hash"],
        "data_hash": found["data_hash"],
        "command": command,
    }
    proof, times, money = found["proof"], found["latency_ms"], found["money"]
    figures = [
        of_rate(
            "miss rate", found["miss_rate"], threshold=proof["misses"]["wanted"], better="lower", **facts
        ),
        of_rate(
            "false reject rate",
            found["false_reject_rate"],
            threshold=proof["false_rejects"]["wanted"],
            better="lower",
            **facts,
        ),
        Figure(what="image AUROC", value=found["image_auroc"], better="higher", **facts),
        Figure(what="pixel AP", value=found["pixel_ap"], better="higher", **facts),
        Figure(
            what="latency, median",
            value=times["p50"],
            unit="ms a part",
            better="lower",
            detail=dict(times),
            **facts,
        ),
        Figure(what="training time", value=found["train_seconds"], unit="s", **facts),
        Figure(
            what="cost of 1,000 parts",
            value=money["total"]["value"],
            low=money["total"]["low"],
            high=money["total"]["high"],
            unit=money["currency"],
            better="lower",
            detail={"assumptions": money["assumptions"]},
            **facts,
        ),
        of_rate("could not be judged", _held(found), better="lower", **facts),
    ]
    figures += [
        of_rate(f"miss rate: {name}", entry["miss_rate"], better="lower", **facts)
        for name, entry in sorted(found["by_class"].items())
    ]
    return figures


def _held(found: Mapping[str, Any]) -> Rate:

    held = int(found["held"]["count"])
    return stats.rate(held, held + len(found["parts"]))
