"""The card of a model: what it is, whether something simpler does better, what was measured, what it cannot
do.

A row is printed only with a run behind it: a record in this workspace that is done, and the command that
made it. What has none is named among the refused rows, with the command that would make it. The first line
is the advice.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from burnish.prove import card_parts as parts
from burnish.prove.baseline import PREFIX as AGAINST
from burnish.prove.baseline import Comparison, advise, from_figure
from burnish.prove.card_parts import Section
from burnish.prove.compare import task_of
from burnish.prove.figures import latest
from burnish.prove.probe import PREFIX as PROBE
from burnish.prove.probe import UNMEASURED
from burnish.store.bundle import Bundle
from burnish.store.settings import Settings
from burnish.store.tables import DONE, Figure, Record

NEEDED = {"inspect": ("miss rate", "false reject rate", "latency, median")}
"""By task, the figures without which a card is not complete."""


@dataclass(frozen=True)
class Refused:
    """A row that is not printed, why, and what would make it."""

    row: str
    why: str
    cure: str


@dataclass(frozen=True)
class Card:
    """A card, ready to be shown.

    Attributes:
        first_line: The advice about diffusion.
        advice: `against`, `not shown`, `for`, or None when nothing was compared.
        title: What it is.
        model_hash, data_hash: Of what.
        day: When it was written.
        owner: Who answers for it.
        sections: In order.
        refused: Rows without a run.
        overdue: Figures whose check date has passed.
    """

    first_line: str
    advice: str | None
    title: str
    model_hash: str
    data_hash: str
    day: str
    owner: str
    sections: tuple[Section, ...]
    refused: tuple[Refused, ...] = field(default=())
    overdue: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def card(session: Session, settings: Settings, bundle: Bundle, today: date | None = None) -> Card:
    """The card of a bundle from what this workspace knows of it.

    Args:
        session: Of the workspace.
        settings: Its settings.
        bundle: An inspector or a diffusion model.
        today: For what is overdue.

    Raises:
        BurnishError: A bundle for the line; its inspector has the card.
    """
    task, day = task_of(bundle), today or date.today()
    figures = latest(session, bundle.hash)
    backed = {what: figure for what, figure in figures.items() if _run_of(session, figure) is not None}
    refused = [
        Refused(what, "names no finished run", figure.command or "measure it again")
        for what, figure in figures.items()
        if what not in backed
    ]
    comparisons = [from_figure(figure) for what, figure in backed.items() if what.startswith(AGAINST)]
    probes = [figure for what, figure in backed.items() if what.startswith(PROBE)]
    measured = [f for what, f in backed.items() if not what.startswith((AGAINST, PROBE))]
    advice, first = advise(comparisons)
    trained = session.scalars(
        select(Record).where(Record.output_hash == bundle.hash, Record.status == DONE).order_by(Record.number)
    ).all()
    made = parts.outputs(session, bundle.hash)
    refused += _missing(task, bundle, backed, comparisons, probes, trained, made)
    sections = [
        parts.what_it_is(bundle, task, trained),
        parts.against(comparisons, [backed[AGAINST + c.rival] for c in comparisons]),
        parts.measurements(measured, day),
        parts.speed_and_cost(session, settings, bundle, trained, made),
        parts.data_and_licences(bundle, settings),
        parts.losses(bundle, task),
        parts.limitations(probes, UNMEASURED if task.startswith("make") else ()),
        parts.owners([*backed.values()], day),
        parts.runs(session, [*backed.values()]),
    ]
    overdue = tuple(f.what for f in backed.values() if f.next_check is not None and f.next_check < day)
    return Card(
        first,
        advice,
        parts.title(bundle, task),
        bundle.hash,
        parts.data_hash(bundle),
        day.isoformat(),
        settings.owner or "nobody is named",
        tuple(section for section in sections if section is not None and section.rows),
        tuple(refused),
        overdue,
    )


def _run_of(session: Session, figure: Figure) -> Record | None:
    """The finished run behind a figure."""
    if not figure.command.strip() or figure.record_number is None:
        return None
    record = session.get(Record, figure.record_number)
    return record if record is not None and record.status == DONE else None


def _missing(
    task: str,
    bundle: Bundle,
    backed: dict[str, Figure],
    comparisons: Sequence[Comparison],
    probes: Sequence[Figure],
    trained: Sequence[Record],
    made: Sequence[Record],
) -> list[Refused]:
    """Rows that a card should have and that no run stands behind."""
    place = bundle.path.name
    found = [
        Refused(what, "was never measured in this workspace", f"burnish inspect eval {place} DATA")
        for what in NEEDED.get(task, ())
        if what not in backed
    ]
    if not comparisons:
        found.append(Refused("baseline", "was never run", f"burnish prove baseline {place} DATA"))
    if not probes:
        found.append(_unprobed(task, bundle))
    if not trained:
        found.append(
            Refused("cost of training", "has no record in this workspace", "train it in this workspace")
        )
    if task.startswith("make") and not made:
        found.append(
            Refused("latency and cost per output", "nothing was made with it here", f"burnish make {place}")
        )
    return found


def _unprobed(task: str, bundle: Bundle) -> Refused:
    """Why no limits are printed; a command is named only where it can be run."""
    if task == "make image" and not (bundle.meta.get("classes") or bundle.meta.get("text_encoder")):
        return Refused("limitations", "it follows no description", "train with classes or captions")
    if task.startswith("make") and task != "make image":
        return Refused("limitations", "only pictures can be probed", "burnish prove review plan TASK")
    return Refused("limitations", "were never probed", f"burnish prove probe {bundle.path.name} DATA")
