"""Where each figure stands: against its threshold, and the date on which somebody had to look again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from burnish.store.settings import Settings
from burnish.store.tables import Acknowledgement, Figure

MET, LIKELY, MISSED, OPEN = "met and proven", "met, not proven", "missed", "no threshold"
HISTORY = 12
"""Earlier values of a figure that its trend shows."""


@dataclass(frozen=True)
class Standing:
    """A figure in force: the newest of its name and subject.

    Attributes:
        figure: The figure.
        state: One of `MET` (its bound keeps the threshold, too), `LIKELY`, `MISSED`, `OPEN`.
        due: When somebody has to look again; a signed look moves the figure's own date on.
        overdue: Days since then, on the day that is asked about; 0 while there is time.
        trend: Values up to this one, oldest first, at most `HISTORY`.
        looked: Who looked at it last, and when.
    """

    figure: Figure
    state: str
    due: date | None
    overdue: int
    trend: tuple[float, ...]
    looked: str

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        f = self.figure
        names = (
            "id",
            "what",
            "subject",
            "value",
            "low",
            "high",
            "confidence",
            "count",
            "of",
            "unit",
            "command",
        )
        names += (
            "machine",
            "data_hash",
            "model_hash",
            "record_number",
            "owner",
            "threshold",
            "better",
            "note",
        )
        return {
            **{name: getattr(f, name) for name in names},
            "measured": f.at.isoformat(),
            "state": self.state,
            "due": self.due and self.due.isoformat(),
            "overdue_days": self.overdue,
            "trend": list(self.trend),
            "looked": self.looked,
        }


def standings(session: Session, settings: Settings, until: datetime, today: date) -> list[Standing]:
    """The figures in force at a time, those that need somebody first.

    Args:
        session: Of a workspace.
        settings: For the days between two looks.
        until: Figures measured before it count.
        today: The day that dates are held against.
    """
    asked = select(Figure).where(Figure.at < until, Figure.command != "").order_by(Figure.at, Figure.id)
    history: dict[tuple[str, str], list[Figure]] = {}
    for figure in session.scalars(asked):
        history.setdefault((figure.what, figure.subject), []).append(figure)
    looks: dict[int, Acknowledgement] = {}
    for look in session.scalars(select(Acknowledgement).order_by(Acknowledgement.at)):
        if look.figure_id is not None and look.at < until + timedelta(days=366):
            looks[look.figure_id] = look
    found = [_standing(figures, looks.get(figures[-1].id), settings, today) for figures in history.values()]
    return sorted(found, key=lambda s: (-s.overdue, s.state != MISSED, s.figure.subject, s.figure.what))


def _standing(
    figures: Sequence[Figure], look: Acknowledgement | None, settings: Settings, today: date
) -> Standing:
    figure, due, looked = figures[-1], figures[-1].next_check, ""
    if look is not None:
        day = look.at.astimezone(UTC).date()
        looked = f"{look.by}, {day.isoformat()}"
        if due is not None:
            due = max(due, day + timedelta(days=settings.check_every_days))
    values = [one.value for one in figures[-HISTORY:] if one.value is not None]
    overdue = max(0, (today - due).days) if due else 0
    return Standing(figure, state_of(figure), due, overdue, tuple(values), looked)


def state_of(figure: Figure) -> str:
    """Where a value and its bounds stand against its threshold."""
    if figure.threshold is None or figure.value is None or figure.better not in ("lower", "higher"):
        return OPEN
    sign = 1 if figure.better == "lower" else -1
    bound = figure.high if figure.better == "lower" else figure.low
    if sign * figure.value > sign * figure.threshold:
        return MISSED
    return MET if bound is not None and sign * bound <= sign * figure.threshold else LIKELY
