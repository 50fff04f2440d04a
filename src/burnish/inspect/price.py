"""What inspection costs per thousand parts, with every assumption an input."""

from dataclasses import asdict, dataclass
from typing import Any

from burnish.core.stats import Rate


@dataclass(frozen=True)
class Price:
    """Assumptions about money; the defaults are placeholders that a plant replaces by its own.

    Attributes:
        eur_per_kwh: Electricity, EUR.
        watts: Power drawn by the PC while it inspects.
        eur_per_hour: Wage and overhead of whoever looks again at a rejected part.
        seconds_per_recheck: Time to look again at one rejected part.
        defects_per_1000: Bad parts among a thousand, on the line (a test set holds far more).
        eur_per_escape: Cost of one defect that is missed; None leaves escapes out of the sum.
    """

    eur_per_kwh: float = 0.30
    watts: float = 65.0
    eur_per_hour: float = 35.0
    seconds_per_recheck: float = 30.0
    defects_per_1000: float = 10.0
    eur_per_escape: float | None = None

    def per_1000(
        self, seconds: float, false_rejects: Rate, misses: Rate, train_seconds: float
    ) -> dict[str, Any]:
        """EUR per 1,000 parts: electricity, re-inspection of false rejects, escapes; with the rates' bounds.

        Args:
            seconds: Time of one inspection.
            false_rejects: Measured on good parts.
            misses: Measured on bad parts.
            train_seconds: Of training; its electricity is paid once and is not in the sum.

        Returns:
            Each item as {"value", "low", "high"} (None: not measured), the sum, and the assumptions.
        """
        bad = min(max(self.defects_per_1000, 0.0), 1000.0)
        power = 1000 * self._electricity(seconds)
        recheck = (1000 - bad) * self.seconds_per_recheck / 3600 * self.eur_per_hour
        items = {
            "electricity": {"value": power, "low": power, "high": power},
            "rechecks": _scaled(false_rejects, recheck),
        }
        if self.eur_per_escape is not None:
            items["escapes"] = _scaled(misses, bad * self.eur_per_escape)
        total = {key: _sum([item[key] for item in items.values()]) for key in ("value", "low", "high")}
        return {
            "currency": "EUR",
            "per_parts": 1000,
            **items,
            "total": total,
            "training_electricity_once": self._electricity(train_seconds),
            "assumptions": asdict(self),
        }

    def _electricity(self, seconds: float) -> float:
        return seconds * self.watts / 3.6e6 * self.eur_per_kwh


def _sum(values: list[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) if len(known) == len(values) else None


def _scaled(rate: Rate, factor: float) -> dict[str, float | None]:
    value = rate.value
    return {
        "value": None if value is None else value * factor,
        "low": rate.low * factor,
        "high": rate.high * factor,
    }
