"""What only people know, entered once: would it have been made anyway, how long it takes, what else was
paid."""

import secrets
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from sqlalchemy import select

from burnish.errors import BurnishError
from burnish.prove.listing import month_of
from burnish.store.tables import Cost, Question, Timing
from burnish.store.workspace import Workspace

KINDS = ("compute", "energy", "review", "labelling", "subscription", "other")
ARMS = ("without", "with")


def answer(workspace: Workspace, task: str, made_anyway: bool, by: str = "", note: str = "") -> None:
    """Keeps the answer to: would this have been made anyway, without the model?

    Raises:
        BurnishError: It was answered before; an answer is not changed once figures may rest on it.
    """
    with workspace.session() as session:
        old = session.scalars(select(Question).where(Question.task == _named(task))).one_or_none()
        if old is not None:
            said = "yes" if old.made_anyway else "no"
            raise BurnishError(
                f"task {task!r}",
                f"was answered {said!r} on {old.at:%Y-%m-%d}, and answers are not changed",
                "Open another task if it is another purpose",
            )
        who = by or workspace.settings.owner
        session.add(Question(task=task, made_anyway=made_anyway, answered_by=who, note=note))


def draw_arm() -> str:
    """`without` or `with`, by lot."""
    return secrets.choice(ARMS)


def add_timing(
    workspace: Workspace,
    task: str,
    arm: str,
    minutes: str,
    randomised: bool = False,
    item: str = "",
    by: str = "",
) -> None:
    """Keeps the minutes of labour that one usable item took.

    Args:
        workspace: Where.
        task: What it is for.
        arm: `without` or `with` the model.
        minutes: A decimal, >= 0; waiting for the machine is not labour.
        randomised: The arm was drawn by lot.
        item: Which.
        by: Whose work.

    Raises:
        BurnishError: Another arm, or no number.
    """
    if arm not in ARMS:
        raise BurnishError(f"arm {arm!r}", f"is not one of {', '.join(ARMS)}")
    taken = _amount(minutes, "minutes")
    if taken < 0:
        raise BurnishError(f"minutes {minutes}", "are negative")
    row = Timing(task=_named(task), arm=arm, minutes=taken, randomised=randomised, item=item)
    row.by = by or workspace.settings.owner
    with workspace.session() as session:
        session.add(row)


def add_cost(
    workspace: Workspace, kind: str, amount: str, task: str, note: str = "", month: str | None = None
) -> Cost:
    """Enters a cost line by hand; a negative amount is a credit.

    Args:
        workspace: Where.
        kind: One of `KINDS`.
        amount: A decimal in the workspace's currency.
        task: What it is for.
        note: What it is.
        month: When, as 2026-11; now when None.

    Raises:
        BurnishError: Another kind, no number, or no month.
    """
    if kind not in KINDS:
        raise BurnishError(f"cost {kind!r}", "is no known kind", f"Known: {', '.join(KINDS)}")
    at = month_of(month)[0] if month else datetime.now(UTC)
    cost = Cost(task=_named(task), kind=kind, amount=_amount(amount, "amount"), note=note, at=at)
    cost.currency = workspace.settings.currency
    with workspace.session() as session:
        session.add(cost)
    return cost


def _named(task: str) -> str:
    if not task.strip():
        raise BurnishError("task", "is empty", "Name what it is for, as in `burnish make --task NAME`")
    return task


def _amount(text: str, what: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation as error:
        raise BurnishError(f"{what} {text!r}", "is not a number", "Write 12.50") from error
    if not found.is_finite():
        raise BurnishError(f"{what} {text!r}", "is not a finite number")
    return found
