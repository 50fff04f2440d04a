r"""Whether a reviewer looks: a test that may be read after every control and is wrong in at most 5 %.

Of n controls with a known answer a reviewer gets k wrong. Against the hypothesis that the error rate is at
most $p_0$, the likelihood ratio averaged evenly over all higher rates,

$$ M_n = \frac{1}{1 - p_0} \int_{p_0}^1 \Big(\frac{p}{p_0}\Big)^k \Big(\frac{1 - p}{1 - p_0}\Big)^{n - k} dp
       = \frac{B(k + 1, n - k + 1) \, (1 - I_{p_0}(k + 1, n - k + 1))}{(1 - p_0) p_0^k (1 - p_0)^{n - k}}, $$

is a nonnegative supermartingale for every rate up to $p_0$ (each ratio is). By Ville's inequality it ever
reaches $1 / \alpha$ with chance at most $\alpha$, however long one looks (Robbins, Annals of Mathematical
Statistics 41, 1970). Errors on known-bad and on known-good controls are tested apart, each at $\alpha / 2$.

A reviewer who accepts everything errs on every known-bad control, so M reaches 40 at the second.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import special

TOLERATED = 0.05
"""Error rate that a careful reviewer may have."""
LEVEL = 0.05
"""Chance, at most, that a reviewer with the tolerated error rate is ever flagged."""


@dataclass(frozen=True)
class Watchfulness:
    """What a reviewer's controls say so far.

    Attributes:
        missed, bad: Known-bad controls accepted, and shown.
        refused, good: Known-good controls rejected, and shown.
        flagged_at: Controls seen when the test first rejected; None while it has not.
    """

    missed: int
    bad: int
    refused: int
    good: int
    flagged_at: int | None

    @property
    def flagged(self) -> bool:
        return self.flagged_at is not None

    def in_words(self) -> str:
        """One sentence."""
        seen = (
            f"{self.missed} of {self.bad} known-bad accepted, "
            f"{self.refused} of {self.good} known-good refused"
        )
        if self.flagged_at is None:
            return f"{seen}: not flagged."
        return (
            f"{seen}: FLAGGED at control {self.flagged_at}; more than {TOLERATED:.0%} wrong "
            f"(such a verdict is wrong in at most {LEVEL:.0%})."
        )


def log_evidence(wrong: int, of: int, tolerated: float = TOLERATED) -> float:
    """ln M of the module: evidence that more than `tolerated` go wrong, 0 without any control.

    Args:
        wrong: Controls answered wrongly, 0 <= wrong <= of.
        of: Controls.
        tolerated: In (0, 1).
    """
    a, b = wrong + 1, of - wrong + 1
    beyond = float(special.betaincc(a, b, tolerated))
    likelihood = wrong * math.log(tolerated) + (of - wrong) * math.log1p(-tolerated)
    tail = math.log(beyond) if beyond > 0 else -math.inf
    return float(special.betaln(a, b)) + tail - math.log1p(-tolerated) - likelihood


def watch(
    controls: Iterable[tuple[bool, bool]], tolerated: float = TOLERATED, level: float = LEVEL
) -> Watchfulness:
    """Follows a reviewer's controls in the order they were answered.

    Args:
        controls: (known to be bad, accepted) each.
        tolerated, level: Both in (0, 1).
    """
    limit = math.log(2 / level)
    shown, wrong = [0, 0], [0, 0]  # known-good, known-bad
    flagged_at = None
    for bad, accepted in controls:
        shown[bad] += 1
        wrong[bad] += accepted == bad
        if flagged_at is None and log_evidence(wrong[bad], shown[bad], tolerated) >= limit:
            flagged_at = sum(shown)
    return Watchfulness(wrong[1], shown[1], wrong[0], shown[0], flagged_at)


def chance_flagged(rate: float, controls: int, tolerated: float = TOLERATED, level: float = LEVEL) -> float:
    """The exact chance that a reviewer with this error rate is flagged within so many controls of one kind.

    A binomial walk over (controls, wrong) with the flagged states taken out.
    """
    limit = math.log(2 / level)
    alive = np.ones(1)
    flagged = 0.0
    for n in range(1, controls + 1):
        grown = np.append(alive, 0.0) * (1 - rate) + np.append(0.0, alive) * rate
        over = np.array([log_evidence(k, n, tolerated) >= limit for k in range(n + 1)])
        flagged += float(grown[over].sum())
        alive = np.where(over, 0.0, grown)
    return flagged
