"""Held-out scores for every good part by cross-fitting, and what a threshold on them may honestly claim.

Holding out a few goods wastes them twice: the model learns from fewer, and four scores promise nothing below
20 %. Cross-fitting scores each good part by a model that did not see it (nor its group), so all n count.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from burnish.core.conformal import Threshold, threshold
from burnish.errors import BurnishError
from burnish.media.part import Part

FitAndScore = Callable[[Sequence[Part], Sequence[Part]], Sequence[float]]
"""fit_and_score(parts to learn from, held-out parts) -> one score a held-out part."""


@dataclass(frozen=True)
class Calibration:
    """A threshold, the scores it rests on, and what is and is not guaranteed.

    Attributes:
        threshold: The verdict rule.
        scores: Held-out scores of the good parts, shape (n,), in the order of the parts.
        folds: 1 when one model scored parts it never learned from; else the folds of the cross-fit.
    """

    threshold: Threshold
    scores: np.ndarray
    folds: int = 1

    @property
    def worst_case(self) -> float:
        """The largest average false-reject rate that exchangeability alone allows.

        One fold: the promise a. Cross-fitted: 2 a + min(2 (1 - 1/K) / (n/K + 1), (1 - K/n) / (K + 1)), the
        CV+ of Barber et al. (arXiv:1905.02928, theorem 4); K = n is the jackknife+ with 2 a. It holds for the
        joint verdict of the K models (`cv_plus_p_value`), and for one refitted model if it scores as they do.
        """
        a, n, k = self.threshold.promised, self.threshold.n, self.folds
        if k == 1:
            return a
        return min(1.0, 2 * a + min(2 * (1 - 1 / k) / (n / k + 1), (1 - k / n) / (k + 1)))

    @property
    def likely_at_most(self) -> float:
        """The false-reject rate that 19 of 20 such calibrations stay below (Vovk 2012, arXiv:1209.2673).

        The promise is an average over calibrations; the rate of one, given its scores, follows
        Beta(k, n + 1 - k) where the threshold is the k-th highest score.
        """
        n = self.threshold.n
        rank = round(self.threshold.promised * (n + 1))
        return float(stats.beta.ppf(0.95, rank, n + 1 - rank))

    def guarantee(self) -> str:
        """The honest statement, in sentences for the report."""
        first = self.threshold.in_words()
        if self.folds == 1:
            return first + " This holds as long as new good parts come from the same process as these."
        return (
            f"{first} Each was scored by a model that had not seen it ({self.folds} folds), and one model "
            "is kept. Such a model usually rejects no more than that, but there is no "
            "proof for it: the guarantee for cross-fitted scores (CV+, arXiv:1905.02928) is "
            f"{100 * self.worst_case:.2g} % at worst, holds for the folds' models together, and asks that "
            "new good parts come from the same process."
        )

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "Calibration":
        """The inverse of `to_json`; the scores come back sorted.

        Raises:
            BurnishError: Something is missing or of the wrong kind.
        """
        try:
            rule = Threshold(**{name: given[name] for name in Threshold.__dataclass_fields__})
            scores = np.asarray(given["good_scores"], dtype=np.float64)
            return cls(rule, scores, int(given["folds"]))
        except (KeyError, TypeError, ValueError) as error:
            raise BurnishError(
                "calibration", f"is incomplete ({error})", "Train the inspector again"
            ) from error

    def to_json(self) -> dict[str, Any]:
        """Plain values: the threshold's, and what is derived from it; the good scores sorted."""
        return {
            **self.threshold.to_json(),
            "folds": self.folds,
            "worst_case": self.worst_case,
            "likely_at_most": self.likely_at_most,
            "guarantee": self.guarantee(),
            "good_scores": sorted(float(s) for s in self.scores),
        }


def calibrate(
    scores: Sequence[float] | np.ndarray, wanted: float, *, folds: int = 1, **options: bool
) -> Calibration:
    """The threshold for a wanted false-reject rate from held-out good scores; options as `threshold`."""
    held_out = np.asarray(scores, dtype=np.float64)
    return Calibration(threshold(held_out, wanted, **options), held_out, folds)


def fold_of(groups: Sequence[str], folds: int, rng: np.random.Generator) -> np.ndarray:
    """Which fold each part is held out in, int (n,); a group is never split, and "" is a group of its own.

    Groups are shuffled, then dealt largest first to the emptiest fold, so folds differ by at most one group.
    Fewer folds come out when there are fewer groups.

    Raises:
        BurnishError: Fewer than two groups, so that nothing can be held out.
    """
    names = [group or f"\0{i}" for i, group in enumerate(groups)]
    members: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        members.setdefault(name, []).append(i)
    if len(members) < 2:
        raise BurnishError(
            "calibration",
            f"{len(groups)} good part(s) in {len(members)} group(s) leave none to hold out",
            "Add good parts, at least two that do not show the same thing",
        )
    folds = max(2, min(folds, len(members)))
    keys = sorted(members)
    order = sorted(rng.permutation(len(keys)).tolist(), key=lambda i: -len(members[keys[i]]))
    fold, filled = np.zeros(len(names), dtype=int), np.zeros(folds, dtype=int)
    for i in order:
        emptiest = int(np.argmin(filled))
        fold[members[keys[i]]] = emptiest
        filled[emptiest] += len(members[keys[i]])
    return fold


def cross_fit(
    parts: Sequence[Part], fit_and_score: FitAndScore, folds: int, rng: np.random.Generator
) -> np.ndarray:
    """Scores each part by a model fitted without it and without its group.

    Args:
        parts: Good parts, or good and defective ones; all are held out in turn.
        fit_and_score: Fits to its first argument and scores its second.
        folds: Models to fit, at least 2; len(parts) is the jackknife.
        rng: Deals the groups to folds.

    Returns:
        Scores, float64 (n,), in the order of `parts`.

    Raises:
        BurnishError: Nothing can be held out, or a score is missing or not a number.
    """
    fold = fold_of([part.group for part in parts], folds, rng)
    scores = np.full(len(parts), np.nan)
    for held in range(int(fold.max()) + 1):
        out, learned = (np.flatnonzero(where).tolist() for where in (fold == held, fold != held))
        answer = fit_and_score([parts[i] for i in learned], [parts[i] for i in out])
        found = np.asarray(answer, dtype=np.float64)
        if found.shape != (len(out),) or not np.isfinite(found).all():
            raise BurnishError(
                "calibration", f"fold {held} gave {found.shape} scores, not all numbers, for {len(out)} parts"
            )
        scores[out] = found
    return scores


def cv_plus_p_value(scores: np.ndarray, fold: np.ndarray, new_scores: np.ndarray) -> float:
    """The p-value of a new part by all folds' models; rejecting at p <= a has the CV+ guarantee `worst_case`.

    Args:
        scores: Cross-fitted scores of the good parts, (n,).
        fold: The fold each was held out in, (n,).
        new_scores: The new part's score by each fold's model, (K,).

    Returns:
        (1 + #{i: score_i >= new score by the model of i's fold}) / (n + 1).
    """
    return (1 + int((scores >= np.asarray(new_scores)[fold]).sum())) / (len(scores) + 1)
