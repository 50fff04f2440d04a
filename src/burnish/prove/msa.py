"""Attribute measurement-system study: can these appraisers, people or detectors, be trusted at all?

After AIAG, Measurement Systems Analysis, 4th edition, chapter III section C: parts of known reference, each
judged several times by each appraiser without knowing the reference. Effectiveness counts parts on which
every trial is right; the miss rate counts bad parts called good, the false-alarm rate good parts called bad,
both over single judgements. The manual's limits grade them; the bounds beside them say how much the study can
tell.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from burnish.core.stats import Rate, rate
from burnish.errors import BurnishError, DatasetError, in_words
from burnish.prove.agreement import Agreement, cohen, fleiss

GOOD_WORDS = frozenset({"good", "pass", "ok", "accept", "accepted", "used", "1", "true", "yes"})
BAD_WORDS = frozenset({"bad", "reject", "rejected", "nok", "ng", "fail", "defect", "0", "false", "no"})
COLUMNS = ("part", "reference", "appraiser", "trial", "rating")

LIMITS = {"effectiveness": (0.9, 0.8), "miss rate": (0.02, 0.05), "false-alarm rate": (0.05, 0.1)}
"""AIAG's (acceptable, marginal); effectiveness at least, the rates at most."""


@dataclass(frozen=True)
class Judgement:
    """One appraiser's call on one part; True is good. `reference` is None where it is not known."""

    part: str
    appraiser: str
    trial: str
    good: bool
    reference: bool | None


@dataclass(frozen=True)
class Appraiser:
    """What one appraiser is worth.

    Attributes:
        consistency: Parts on which all its trials agree with each other.
        effectiveness: Parts on which all its trials agree with the reference.
        miss_rate, false_alarm_rate: Single judgements, of bad and of good parts.
        kappa: With the reference, over single judgements.
        grade: `acceptable`, `marginal` or `not acceptable`; empty without a reference.
    """

    name: str
    consistency: Rate
    effectiveness: Rate
    miss_rate: Rate
    false_alarm_rate: Rate
    kappa: Agreement
    grade: str


@dataclass(frozen=True)
class Study:
    """A whole study.

    Attributes:
        between: Cohen's kappa of each two appraisers, trial by trial.
        together: Fleiss' kappa of all judgements of a part.
        system: Parts on which everybody was right every time.
    """

    parts: int
    trials: int
    appraisers: tuple[Appraiser, ...]
    between: dict[tuple[str, str], Agreement]
    together: Agreement
    system: Rate

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "parts": self.parts,
            "trials": self.trials,
            "appraisers": [
                {
                    "name": a.name,
                    **{
                        name: getattr(a, name).to_json()
                        for name in Appraiser.__annotations__
                        if name not in ("name", "grade")
                    },
                    "grade": a.grade,
                }
                for a in self.appraisers
            ],
            "between": [{"pair": list(pair), **found.to_json()} for pair, found in self.between.items()],
            "together": self.together.to_json(),
            "system": self.system.to_json(),
        }


def study(judgements: Sequence[Judgement], rng: np.random.Generator | None = None) -> Study:
    """Evaluates a study.

    Args:
        judgements: Of at least two parts; every appraiser judged every part in every of its trials.
        rng: For the kappas' intervals.

    Raises:
        BurnishError: A judgement is missing, doubled, or the reference of a part is not one.
    """
    parts = sorted({j.part for j in judgements})
    names = sorted({j.appraiser for j in judgements})
    trials = sorted({j.trial for j in judgements})
    if len(parts) < 2:
        raise BurnishError("study", f"holds {len(parts)} part(s)", "Judge at least two, AIAG asks for 50")
    reference = _references(judgements)
    calls = _calls(judgements, parts, names, trials)
    truth = np.array([-1 if reference[p] is None else int(bool(reference[p])) for p in parts])
    known = truth >= 0
    right = calls == truth[None, :, None]
    appraisers = tuple(_appraise(name, calls[i], right[i], truth, rng) for i, name in enumerate(names))
    between = {
        (names[i], names[j]): cohen(calls[i].ravel(), calls[j].ravel(), rng)
        for i, j in combinations(range(len(names)), 2)
    }
    good = calls.sum((0, 2))
    total = len(names) * len(trials)
    together = (
        fleiss(np.column_stack([total - good, good]), rng) if total > 1 else Agreement(None, None, None, 0)
    )
    system = rate(int(right[:, known].all((0, 2)).sum()), int(known.sum()))
    return Study(len(parts), len(trials), appraisers, between, together, system)


def read_judgements(path: str | Path) -> list[Judgement]:
    """Reads a CSV with the columns part, appraiser, rating, and where there are any trial and reference.

    Ratings and references are `good` or `bad`, `pass` or `reject`, 1 or 0, and the like.

    Raises:
        DatasetError: The file cannot be read, lacks a column, or holds a word that is neither, by its line.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(path, f"cannot be read ({in_words(error)})", "Give a CSV file in UTF-8") from error
    if not rows or not {"part", "appraiser", "rating"} <= set(rows[0]):
        raise DatasetError(
            path,
            "lacks rows or one of the columns part, appraiser, rating",
            f"Its head is {','.join(COLUMNS)}",
        )
    return [
        Judgement(
            row["part"],
            row["appraiser"],
            row.get("trial") or "1",
            _is_good(path, line, row["rating"]),
            _is_good(path, line, row["reference"]) if row.get("reference") else None,
        )
        for line, row in enumerate(rows, 2)
    ]


def as_text(found: Study) -> str:
    """The study as a table for a terminal."""
    who, often = len(found.appraisers), found.trials
    lines = [f"{found.parts} parts, {who} appraiser(s), {often} trial(s) each; bounds 95 %"]
    for a in found.appraisers:
        lines.append(f"\n{a.name}" + (f": {a.grade} (AIAG)" if a.grade else ""))
        for what, value in (
            ("consistent with itself", a.consistency),
            ("effectiveness", a.effectiveness),
            ("miss rate", a.miss_rate),
            ("false-alarm rate", a.false_alarm_rate),
        ):
            lines.append(f"  {what:<24} {_share(value)}")
        lines.append(f"  {'kappa with reference':<24} {a.kappa.in_words()}")
    lines.append("")
    lines += [f"kappa of {a} and {b}: {k.in_words()}" for (a, b), k in found.between.items()]
    lines.append(f"Fleiss' kappa of all: {found.together.in_words()}")
    lines.append(f"everybody right every time: {_share(found.system)}")
    return "\n".join(lines)


def _appraise(
    name: str, calls: np.ndarray, right: np.ndarray, truth: np.ndarray, rng: np.random.Generator | None
) -> Appraiser:
    known, trials = truth >= 0, calls.shape[1]
    bad, good = truth == 0, truth == 1
    effectiveness = rate(int(right[known].all(1).sum()), int(known.sum()))
    misses = rate(int((calls[bad] == 1).sum()), int(bad.sum()) * trials)
    alarms = rate(int((calls[good] == 0).sum()), int(good.sum()) * trials)
    kappa = cohen(calls[known].ravel(), np.repeat(truth[known], trials), rng)
    consistency = rate(int((calls == calls[:, :1]).all(1).sum()), len(calls))
    return Appraiser(
        name, consistency, effectiveness, misses, alarms, kappa, grade(effectiveness, misses, alarms)
    )


def grade(effectiveness: Rate, misses: Rate, alarms: Rate) -> str:
    """AIAG's grade: the worst of the three, by the values as measured."""
    values = {"effectiveness": effectiveness, "miss rate": misses, "false-alarm rate": alarms}
    worst = -1
    for name, found in values.items():
        if found.value is None:
            continue
        sign = -1 if name == "effectiveness" else 1
        acceptable, marginal = (sign * limit for limit in LIMITS[name])
        value = sign * found.value
        worst = max(worst, 0 if value <= acceptable else 1 if value <= marginal else 2)
    return ("", "acceptable", "marginal", "not acceptable")[worst + 1]


def _calls(
    judgements: Iterable[Judgement], parts: Sequence[str], names: Sequence[str], trials: Sequence[str]
) -> np.ndarray:
    """1 for good, 0 for bad, (appraisers, parts, trials)."""
    index = [{name: i for i, name in enumerate(axis)} for axis in (names, parts, trials)]
    calls = np.full((len(names), len(parts), len(trials)), -1)
    for j in judgements:
        place = (index[0][j.appraiser], index[1][j.part], index[2][j.trial])
        if calls[place] >= 0:
            raise BurnishError(
                f"part {j.part}", f"was judged twice by {j.appraiser} in trial {j.trial}", "Number the trials"
            )
        calls[place] = int(j.good)
    if (calls < 0).any():
        a, p, t = np.argwhere(calls < 0)[0]
        raise BurnishError(
            f"part {parts[p]}",
            f"lacks the judgement of {names[a]} in trial {trials[t]}",
            "Every appraiser judges every part equally often",
        )
    return calls


def _references(judgements: Iterable[Judgement]) -> Mapping[str, bool | None]:
    found: dict[str, bool | None] = {}
    for j in judgements:
        if found.setdefault(j.part, j.reference) is not j.reference:
            raise BurnishError(f"part {j.part}", "has two references", "Give it the same one in every row")
    return found


def _is_good(path: str | Path, line: int, word: str | None) -> bool:
    plain = (word or "").strip().lower()
    if plain not in GOOD_WORDS | BAD_WORDS:
        raise DatasetError(path, f"line {line} holds {word!r}, neither good nor bad", "Write good or bad")
    return plain in GOOD_WORDS


def _share(found: Rate) -> str:
    if found.value is None:
        return "no reference"
    return f"{found.count} of {found.of}: {found.value:.1%} ({found.low:.1%} to {found.high:.1%})"
