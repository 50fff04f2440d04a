"""An acceptance rate as it may be told: with exact bounds, and a claim only where the count carries it."""

from dataclasses import asdict, dataclass
from typing import Any

from burnish.core.stats import Rate, rate
from burnish.errors import BurnishError
from burnish.prove.stats import Claim, claim_at_least, in_unit, wilson


@dataclass(frozen=True)
class Acceptance:
    """`rate` with Clopper-Pearson bounds, Wilson's beside them, and the claim, if one was made."""

    rate: Rate
    wilson: tuple[float, float]
    confidence: float
    claim: Claim | None

    @property
    def holds(self) -> bool:
        """Whether nothing was claimed that the count does not carry."""
        return self.claim is None or self.claim.holds

    def in_words(self) -> str:
        """Two or three lines."""
        found = self.rate
        if found.value is None:
            return "Nothing was reviewed: the acceptance rate is undefined."
        low, high = self.wilson
        lines = [
            f"{found.count} of {found.of}: {found.value:.3f}, {found.low:.3f} to {found.high:.3f} "
            f"({100 * self.confidence:g} %, Clopper-Pearson; Wilson {low:.3f} to {high:.3f})"
        ]
        if self.claim:
            lines.append(("" if self.claim.holds else "REFUSED: ") + self.claim.in_words())
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            **self.rate.to_json(),
            "wilson": list(self.wilson),
            "confidence": self.confidence,
            "claim": None if self.claim is None else {**asdict(self.claim), "holds": self.claim.holds},
        }


def judge(used: int, reviewed: int, claim: float | None = None, confidence: float = 0.95) -> Acceptance:
    """The acceptance of `used` among `reviewed` outputs.

    Args:
        used: Used as they are, 0 <= used <= reviewed.
        reviewed: All that were looked at.
        claim: Rate that is to be claimed, in (0, 1), or None.
        confidence: In (0, 1); two-sided for the bounds, one-sided for the claim.

    Raises:
        BurnishError: A number out of range.
    """
    if not 0 <= used <= reviewed:
        raise BurnishError(f"{used} of {reviewed}", "a count lies between 0 and the number reviewed")
    in_unit("confidence", confidence)
    claimed = None if claim is None else claim_at_least(used, reviewed, claim, confidence)
    return Acceptance(
        rate(used, reviewed, confidence), wilson(used, reviewed, confidence), confidence, claimed
    )
