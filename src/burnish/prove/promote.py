"""Champion and challenger: only a test that was declared before it was looked at changes what is in service.

The declaration names the challenger, the champion it would replace, the parts, the margin and the
confidence. Both judge the same parts at their own frozen thresholds, so their verdicts are paired. The
challenger is promoted when

- it is *better* where the plan says so (misses, or false rejects): McNemar's exact one-sided test, and
- it is *not worse* in the other by as much as the margin: Tango's score test.

Both must hold, so the chance to promote one that is not better is at most 1 - confidence. A tie is no
reason to change a line, so it is refused. A declaration is used up by one look.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from burnish.errors import BurnishError
from burnish.prove.jobs import close_jobs
from burnish.prove.service import champion_of, enter_model, put_in_service
from burnish.prove.stats import in_unit, non_inferiority, paired_difference, superiority
from burnish.store.bundle import read_bundle
from burnish.store.tables import Model, Promotion
from burnish.store.workspace import Workspace

MISSES, FALSE_REJECTS = "misses", "false rejects"
DECLARED, PROMOTED, REFUSED = "declared", "promoted", "refused"


@dataclass(frozen=True)
class Plan:
    """The test, declared before.

    Attributes:
        data, data_hash: The parts to judge.
        better: `misses` or `false rejects`: in which the challenger has to be better.
        margin: By how much the other rate may rise at most, in (0, 1).
        confidence: In (0, 1).

    Raises:
        BurnishError: A number or word out of range.
    """

    data: str
    data_hash: str
    better: str = MISSES
    margin: float = 0.02
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if self.better not in (MISSES, FALSE_REJECTS):
            raise BurnishError(
                f"better {self.better!r}", "is not known", f"Say {MISSES!r} or {FALSE_REJECTS!r}"
            )
        in_unit("margin", self.margin)
        in_unit("confidence", self.confidence)


@dataclass(frozen=True)
class Pairs:
    """Parts of one kind that both judged: how many only the challenger, only the champion got right."""

    better: int
    worse: int
    of: int


@dataclass(frozen=True)
class Decision:
    """What the declared test gave.

    Attributes:
        promoted: The answer.
        misses, false_rejects: The pairs.
        superiority, non_inferiority: P-values; both must be at most 1 - confidence.
        reason: In a sentence.
    """

    promoted: bool
    misses: Pairs
    false_rejects: Pairs
    superiority: float
    non_inferiority: float
    reason: str

    def in_words(self) -> str:
        """For a terminal."""
        lines = ["PROMOTED" if self.promoted else "REFUSED", self.reason]
        for name, pairs in ((MISSES, self.misses), (FALSE_REJECTS, self.false_rejects)):
            if pairs.of:
                value, low, high = paired_difference(pairs.worse, pairs.better, pairs.of)
                lines.append(
                    f"{name}: {value:+.2%} ({low:+.2%} to {high:+.2%}, 95 %) by the challenger on {pairs.of} "
                    f"parts; {pairs.better} better, {pairs.worse} worse"
                )
        return "\n".join(lines)


def decide(plan: Plan, misses: Pairs, false_rejects: Pairs) -> Decision:
    """Applies the declared test.

    Args:
        plan: As declared.
        misses: Over bad parts.
        false_rejects: Over good parts.

    Raises:
        BurnishError: There are no parts of one kind.
    """
    first, other = (misses, false_rejects) if plan.better == MISSES else (false_rejects, misses)
    if not first.of or not other.of:
        raise BurnishError(plan.data, "lacks good parts or bad ones", "A promotion is tested on both")
    level = 1 - plan.confidence
    wins = superiority(first.better, first.worse).p_value
    holds = non_inferiority(other.better, other.worse, other.of, plan.margin).p_value
    guarded = FALSE_REJECTS if plan.better == MISSES else MISSES
    if wins > level:
        reason = f"It is not shown to be better in {plan.better} (p = {wins:.3f}, needed {level:.3g})."
    elif holds > level:
        reason = (
            f"It is better in {plan.better}, but it is not shown that {guarded} rise by less than "
            f"{plan.margin:.1%} (p = {holds:.3f}, needed {level:.3g})."
        )
    else:
        reason = (
            f"It is better in {plan.better} (p = {wins:.3g}), and {guarded} do not rise by {plan.margin:.1%}."
        )
    return Decision(wins <= level and holds <= level, misses, false_rejects, wins, holds, reason)


def declare(workspace: Workspace, task: str, challenger: str | Path, plan: Plan, by: str = "") -> int:
    """Declares the test of a challenger against the champion in service; the declaration's number.

    Raises:
        BurnishError: No champion, the challenger is the champion, or it was declared and not yet looked at.
    """
    bundle = read_bundle(challenger)
    with workspace.session() as session:
        champion = champion_of(session, task)
        if champion is None:
            raise BurnishError(
                f"task {task}",
                "has nothing in service to compare with",
                "Its first model needs no test: promote it",
            )
        if champion.hash == bundle.hash:
            raise BurnishError(challenger, "is in service already", "Name another bundle")
        if _waiting(session, task, bundle.hash) is not None:
            raise BurnishError(challenger, "is declared already", "Look at it: burnish prove promote")
        enter_model(session, bundle)
        row = Promotion(
            task=task,
            model_hash=bundle.hash,
            previous_hash=champion.hash,
            decision=DECLARED,
            plan=asdict(plan),
            by=by or workspace.settings.owner,
        )
        session.add(row)
        session.flush()
        return row.id


def declared(session: Session, task: str, challenger: str) -> tuple[Promotion, Plan, Model]:
    """The declaration that waits for its look, its plan, and the champion.

    Raises:
        BurnishError: None waits, or the champion has changed since.
    """
    row = _waiting(session, task, challenger)
    if row is None:
        raise BurnishError(
            f"challenger {challenger}",
            "has no declared test that waits for its look",
            "Declare one before you look: burnish prove declare",
        )
    champion = champion_of(session, task)
    if champion is None or champion.hash != row.previous_hash:
        raise BurnishError(
            f"declaration {row.id}", "names a champion that is in service no more", "Declare the test anew"
        )
    return row, Plan(**row.plan), champion


def conclude(
    workspace: Workspace,
    task: str,
    challenger: str,
    found: Decision,
    facts: Mapping[str, Any] = {},
    by: str = "",
) -> Promotion:
    """Keeps the decision, and puts a promoted challenger into service; open jobs about the champion close.

    Raises:
        BurnishError: As for `declared`.
    """
    with workspace.session() as session:
        row, plan, champion = declared(session, task, challenger)
        result = {**asdict(found), **facts, "declaration": row.id}
        decision = PROMOTED if found.promoted else REFUSED
        made = Promotion(
            task=task,
            model_hash=challenger,
            previous_hash=champion.hash,
            decision=decision,
            plan=asdict(plan),
            result=result,
            by=by or workspace.settings.owner,
        )
        session.add(made)
        session.flush()
        if found.promoted:
            for about in (champion.hash, *facts.get("champion_names", ())):
                close_jobs(session, about, f"replaced by {challenger}")
            put_in_service(workspace, session, task, challenger)
        return made


def _waiting(session: Session, task: str, challenger: str) -> Promotion | None:
    rows = session.scalars(
        select(Promotion)
        .where(Promotion.task == task, Promotion.model_hash == challenger)
        .order_by(Promotion.id)
    ).all()
    looked = {row.result.get("declaration") for row in rows}
    return next((row for row in rows if row.decision == DECLARED and row.id not in looked), None)
