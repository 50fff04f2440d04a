"""Whether it was worth it: acceptance, cost per usable output, waste, time saved.

An output is *usable* when every reviewer who looked at it said `used`: used as it is, without rework.
Nothing is rounded in favour of the model: an unknown cost makes the figure INCOMPLETE, no usable output
makes it undefined, hours that nobody would have spent are not saved.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from scipy import stats as scipy_stats
from sqlalchemy import select
from sqlalchemy.orm import Session

from burnish.core.stats import Interval, Rate, rate
from burnish.errors import BurnishError
from burnish.prove.ledger import DIGITS
from burnish.prove.spend import Spend, outputs_of, reviews_of, spend
from burnish.store.settings import Settings
from burnish.store.tables import DONE, Cost, Epoch, Question, Record, Review, Timing

WORST = ("used", "rework", "reject")


@dataclass(frozen=True)
class Saved:
    """Hours of labour saved.

    Attributes:
        hours: With its 95 % interval; None when it cannot be said. Negative: the model cost time.
        how: Where it comes from.
        why: The reasoning in a sentence.
    """

    hours: Interval | None
    how: str
    why: str


@dataclass(frozen=True)
class Value:
    """What a task's outputs were worth.

    Attributes:
        outcomes: {used, rework, reject, unreviewed, failed: how many outputs}.
        acceptance: Used as they are, of all that were reviewed.
        spend: All of it.
        waste: Spent on outputs that were not used: their own lines alone.
        saved: Hours.
    """

    task: str
    outcomes: dict[str, int]
    acceptance: Rate
    spend: Spend
    waste: Decimal
    saved: Saved

    @property
    def usable(self) -> int:
        """Outputs used without rework."""
        return self.outcomes.get("used", 0)

    @property
    def cost_per_usable(self) -> Decimal | None:
        """All spend over the outputs used without rework; None when there are none. See `spend.missing`."""
        return (self.spend.total / self.usable).quantize(DIGITS) if self.usable else None

    @property
    def cost_bounds(self) -> tuple[Decimal, Decimal] | None:
        """The same at the upper and lower 95 % bound of acceptance; None without a usable output."""
        seen = self.acceptance.of
        if not self.usable or not self.acceptance.low:
            return None
        low, high = (Decimal(repr(bound)) * seen for bound in (self.acceptance.high, self.acceptance.low))
        return (self.spend.total / low).quantize(DIGITS), (self.spend.total / high).quantize(DIGITS)

    def to_json(self) -> dict[str, Any]:
        """Plain values, amounts as text."""
        cost, bounds, hours = self.cost_per_usable, self.cost_bounds, self.saved.hours
        return {
            "task": self.task,
            "outcomes": self.outcomes,
            "acceptance": self.acceptance.to_json(),
            "spend": {
                "total": str(self.spend.total),
                "currency": self.spend.currency,
                "by_kind": {kind: str(amount) for kind, amount in self.spend.by_kind.items()},
                "missing": list(self.spend.missing),
                "complete": not self.spend.missing,
            },
            "cost_per_usable": None if cost is None else str(cost),
            "cost_per_usable_bounds": None if bounds is None else [str(bound) for bound in bounds],
            "waste": str(self.waste),
            "saved": {
                "hours": None if hours is None else [hours.value, hours.low, hours.high],
                "how": self.saved.how,
                "why": self.saved.why,
            },
        }


def outcome(reviews: Sequence[Review]) -> str | None:
    """The worst verdict of the reviewers' first looks; None without any. A repeat measures the reviewer."""
    verdicts = [review.verdict for review in reviews if review.kind == "output" and review.verdict]
    return max(verdicts, key=WORST.index) if verdicts else None


def value(session: Session, settings: Settings, task: str) -> Value:
    """Everything about a task.

    Raises:
        BurnishError: Nothing is known of the task, though something is of others; costs in more than one
            currency.
    """
    if (known := tasks_of(session)) and task not in known:
        raise BurnishError(f"task {task!r}", "is not known here", f"Known: {', '.join(known)}")
    outputs = outputs_of(session, task)
    reviews = reviews_of(session, outputs)
    found = {record.number: outcome(reviews.get(record.number, [])) for record in outputs}
    outcomes = Counter(
        (found[record.number] or "unreviewed") if record.status == DONE else "failed" for record in outputs
    )
    used, seen = outcomes["used"], sum(outcomes[verdict] for verdict in WORST)
    money = spend(session, settings, task)
    lost = [r.number for r in outputs if r.status != DONE or found[r.number] in ("rework", "reject")]
    waste = sum((line.amount for number in lost for line in money.own[number]), Decimal(0))
    first = min((record.started for record in outputs), default=None)
    question = session.scalars(select(Question).where(Question.task == task)).one_or_none()
    timings = list(session.scalars(select(Timing).where(Timing.task == task)))
    late = question is not None and first is not None and question.at > first
    looks = [review for found in reviews.values() for review in found]
    looked = sum((r.seconds or 0.0) / 3600 + (r.rework_minutes or 0.0) / 60 for r in looks)
    saved = time_saved(question, timings, used, late, looked)
    return Value(task, dict(outcomes), rate(used, seen), money, waste, saved)


def tasks_of(session: Session) -> list[str]:
    """Tasks that something was made, asked, timed, paid or reviewed for, sorted."""
    asked = (select(table.task).distinct() for table in (Record, Question, Timing, Cost, Epoch))
    return sorted({task for one in asked for task in session.scalars(one) if task})


def time_saved(
    question: Question | None,
    timings: Sequence[Timing],
    usable: int,
    late: bool = False,
    looked: float = 0.0,
) -> Saved:
    """Hours saved: usable outputs times the difference of minutes without and with the model.

    The interval is Welch's for the difference of two means (Welch 1947), times the number of usable outputs.

    Args:
        question: The answer on whether it would have been made anyway.
        timings: Minutes on one usable item, each in an arm.
        usable: Outputs used without rework.
        late: The question was answered after the first output was begun.
        looked: Hours of review and rework; they are lost when nothing is usable.
    """
    if question is None:
        return Saved(None, "", "nobody was asked whether it would have been made anyway (`prove ask`)")
    if not question.made_anyway:
        zero = Interval(0.0, 0.0, 0.0)
        return Saved(zero, "asked", "it would not have been made: hours never spent are not saved")
    if late:
        return Saved(
            None, "asked", "the question was answered after generation had begun; it must come before"
        )
    if not usable:
        lost = Interval(-looked, -looked, -looked)
        return Saved(lost, "reviews", "no output is usable; what review and rework took is lost")
    minutes = {
        arm: np.array([float(t.minutes) for t in timings if t.arm == arm]) for arm in ("without", "with")
    }
    short = [arm for arm, values in minutes.items() if len(values) < 2]
    if short:
        return Saved(None, "asked", f"needs at least two timings {' and two '.join(short)} the model")
    each = _welch(minutes["without"], minutes["with"])
    hours = Interval(*(usable * bound / 60 for bound in (each.value, each.low, each.high)))
    randomised = all(timing.randomised for timing in timings)
    how = "randomised" if randomised else "timed, not randomised"
    told = [f"{values.mean():.1f} minutes {arm} ({len(values)} timed)" for arm, values in minutes.items()]
    why = f"{', '.join(told)}, {usable} usable outputs"
    return Saved(hours, how, why)


def _welch(a: np.ndarray, b: np.ndarray) -> Interval:
    """Mean of a less mean of b with its 95 % interval."""
    difference = float(a.mean() - b.mean())
    if np.ptp(a) == 0 and np.ptp(b) == 0:
        return Interval(difference, difference, difference)
    bounds = scipy_stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    return Interval(difference, float(bounds.low), float(bounds.high))
