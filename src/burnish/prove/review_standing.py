"""What a review says, epoch by epoch: acceptance, agreement, and whether the reviewers look."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from statistics import median
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from burnish.core.stats import Rate, rate
from burnish.prove.agreement import MISSING, Agreement, cohen, fleiss, krippendorff
from burnish.prove.review import VERDICTS
from burnish.prove.review_plan import BAD, GOOD, OUTPUT, REPEAT
from burnish.prove.vigilance import Watchfulness, watch
from burnish.store.tables import Epoch, Review


@dataclass(frozen=True)
class Reviewer:
    """One reviewer in one epoch.

    Attributes:
        judged, of: Answered, and in the queue.
        verdicts: How often each.
        seconds: Median time of a look; None where none was measured.
        repeats: Same verdict again on silent repeats.
        watchfulness: By the controls.
    """

    name: str
    judged: int
    of: int
    verdicts: dict[str, int]
    seconds: float | None
    repeats: Rate
    watchfulness: Watchfulness


@dataclass(frozen=True)
class Standing:
    """One epoch.

    Attributes:
        acceptance: Outputs that everybody who looked called `used`, of those that somebody judged.
        without_flagged: The same by the reviewers who are not flagged; equal where nobody is.
        reasons: How often each was given.
        kappa: Cohen's, of each two reviewers with common outputs.
        fleiss: Over outputs that the most common number of reviewers (at least two) judged.
        alpha: Krippendorff's, ordinal, over all.
    """

    epoch: int
    threshold: str
    reason: str
    opened: datetime
    closed: datetime | None
    acceptance: Rate
    without_flagged: Rate
    reasons: dict[str, int]
    reviewers: tuple[Reviewer, ...]
    kappa: dict[tuple[str, str], Agreement]
    fleiss: Agreement
    alpha: Agreement

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            **{name: getattr(self, name) for name in ("epoch", "threshold", "reason", "reasons")},
            "opened": self.opened.isoformat(),
            "closed": None if self.closed is None else self.closed.isoformat(),
            "acceptance": self.acceptance.to_json(),
            "without_flagged": self.without_flagged.to_json(),
            "reviewers": [
                {
                    **{name: getattr(r, name) for name in ("name", "judged", "of", "verdicts", "seconds")},
                    "repeats": r.repeats.to_json(),
                    "controls": asdict(r.watchfulness),
                }
                for r in self.reviewers
            ],
            "kappa": [{"pair": list(pair), **found.to_json()} for pair, found in self.kappa.items()],
            "fleiss": self.fleiss.to_json(),
            "alpha": self.alpha.to_json(),
        }


def standings(session: Session, task: str, seed: int = 0) -> list[Standing]:
    """All epochs of a task, oldest first; verdicts of one are never counted in another."""
    epochs = session.scalars(select(Epoch).where(Epoch.task == task).order_by(Epoch.id))
    return [
        _standing(e, list(session.scalars(select(Review).where(Review.epoch_id == e.id))), seed)
        for e in epochs
    ]


def _standing(epoch: Epoch, rows: Sequence[Review], seed: int) -> Standing:
    names = sorted({row.reviewer for row in rows})
    reviewers = tuple(_reviewer(name, [r for r in rows if r.reviewer == name]) for name in names)
    flagged = {r.name for r in reviewers if r.watchfulness.flagged}
    judged = [row for row in rows if row.verdict and row.kind == OUTPUT]
    table = _table(judged, names)
    rng = np.random.default_rng(seed)
    kappa = {
        (names[i], names[j]): cohen(table[:, i], table[:, j], rng)
        for i in range(len(names))
        for j in range(i)
        if ((table[:, i] != MISSING) & (table[:, j] != MISSING)).any()
    }
    reasons = Counter(reason for row in judged for reason in row.reasons.get("reasons", []))
    return Standing(
        epoch.id,
        str(epoch.threshold.get("words", "")),
        epoch.reason,
        epoch.opened,
        epoch.closed,
        _acceptance(judged),
        _acceptance([row for row in judged if row.reviewer not in flagged]),
        dict(reasons.most_common()),
        reviewers,
        kappa,
        _fleiss(table, rng),
        krippendorff(table, rng, metric="ordinal") if table.size else Agreement(None, None, None, 0),
    )


def _reviewer(name: str, rows: Sequence[Review]) -> Reviewer:
    judged = sorted((row for row in rows if row.verdict), key=lambda row: row.place)
    first = {_thing(row): row.verdict for row in judged if row.kind == OUTPUT}
    again = [row for row in judged if row.kind == REPEAT and _thing(row) in first]
    same = sum(first[_thing(row)] == row.verdict for row in again)
    times = [row.seconds for row in judged if row.seconds is not None]
    answered = sorted(
        (r for r in judged if r.kind in (GOOD, BAD)), key=lambda r: (r.at is None, r.at, r.place)
    )
    controls = [(row.kind == BAD, row.verdict == "used") for row in answered]
    return Reviewer(
        name,
        len(judged),
        len(rows),
        {verdict: sum(row.verdict == verdict for row in judged) for verdict in VERDICTS},
        median(times) if times else None,
        rate(same, len(again)),
        watch(controls),
    )


def _acceptance(judged: Sequence[Review]) -> Rate:
    worst: dict[Any, int] = {}
    for row in judged:
        worst[_thing(row)] = max(worst.get(_thing(row), 0), VERDICTS.index(row.verdict))
    return rate(sum(value == 0 for value in worst.values()), len(worst))


def _table(judged: Sequence[Review], names: Sequence[str]) -> np.ndarray:
    """Codes of verdicts, (things, reviewers), `MISSING` where somebody did not look."""
    things = {thing: i for i, thing in enumerate(dict.fromkeys(_thing(row) for row in judged))}
    table = np.full((len(things), len(names)), MISSING)
    for row in judged:
        table[things[_thing(row)], names.index(row.reviewer)] = VERDICTS.index(row.verdict)
    return table


def _fleiss(table: np.ndarray, rng: np.random.Generator) -> Agreement:
    looks = (table != MISSING).sum(1)
    several = looks[looks >= 2]
    if not len(several):
        return Agreement(None, None, None, 0)
    kept = table[looks == np.bincount(several).argmax()]
    return fleiss(np.stack([(kept == code).sum(1) for code in range(len(VERDICTS))], axis=1), rng)


def _thing(row: Review) -> tuple[Any, ...]:
    return (row.record_number,) if row.record_number is not None else (row.item_hash, row.item)


def as_text(found: Sequence[Standing]) -> str:
    """All epochs for a terminal."""
    blocks = []
    for s in found:
        until = "open" if s.closed is None else f"closed {s.closed:%Y-%m-%d %H:%M}"
        lines = [
            f"Epoch {s.epoch}, opened {s.opened:%Y-%m-%d %H:%M} ({s.reason}), {until}",
            f"  usable means: {s.threshold}",
            f"  accepted: {_share(s.acceptance)}",
        ]
        if s.without_flagged != s.acceptance:
            lines.append(f"  without flagged reviewers: {_share(s.without_flagged)}")
        for r in s.reviewers:
            pace = "" if r.seconds is None else f", {r.seconds:.1f} s each"
            tally = ", ".join(f"{n} {verdict}" for verdict, n in r.verdicts.items())
            lines.append(f"  {r.name}: {r.judged} of {r.of} judged ({tally}){pace}")
            lines.append(f"    controls: {r.watchfulness.in_words()}")
            if r.repeats.of:
                lines.append(f"    repeats judged alike: {_share(r.repeats)}")
        lines += [f"  Cohen's kappa of {b} and {a}: {k.in_words()}" for (a, b), k in s.kappa.items()]
        if s.fleiss.units:
            lines.append(f"  Fleiss' kappa: {s.fleiss.in_words()}")
            lines.append(f"  Krippendorff's alpha (ordinal): {s.alpha.in_words()}")
        if s.reasons:
            lines.append("  reasons: " + ", ".join(f"{reason} ({n})" for reason, n in s.reasons.items()))
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) or "No review yet."


def _share(found: Rate) -> str:
    if found.value is None:
        return "nothing judged yet"
    return f"{found.count} of {found.of}: {found.value:.1%} ({found.low:.1%} to {found.high:.1%})"
