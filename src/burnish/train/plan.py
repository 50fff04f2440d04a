"""What a run over pictures found and will do, and what that will cost, told before it begins."""

from dataclasses import dataclass

from burnish.nets.latents import Latents
from burnish.train.budget import Budget
from burnish.train.lesson import Lesson
from burnish.train.pictures import FEW, Pictures

WATTS, PRICE, CURRENCY = 65.0, 0.30, "EUR"


@dataclass(frozen=True)
class Tariff:
    """What an hour of training costs; the defaults are stated as such wherever they are used.

    Attributes:
        watts: Power that the machine draws at work.
        per_kwh: Price of electricity.
        per_hour: Price of a rented machine.
        currency: Of both.
        stated: Whether the user gave these.
    """

    watts: float = WATTS
    per_kwh: float = PRICE
    per_hour: float = 0.0
    currency: str = CURRENCY
    stated: bool = False

    def cost(self, minutes: float) -> float:
        """Of some minutes, in the currency."""
        return minutes / 60 * (self.watts / 1000 * self.per_kwh + self.per_hour)

    def say(self, minutes: float) -> str:
        """`about 0.0033 EUR (65 W at 0.30 EUR a kWh, ...)`."""
        rented = f", {self.per_hour:g} an hour rented" if self.per_hour else ""
        whose = "your tariff" if self.stated else "assumed; a workspace's burnish.yaml states yours"
        return (
            f"about {self.cost(minutes):.2g} {self.currency}"
            f" ({self.watts:g} W at {self.per_kwh:.2f} {self.currency} a kWh{rented}; {whose})"
        )


@dataclass(frozen=True)
class Plan:
    """What was found and what will be done; `str` says it to a person."""

    pictures: Pictures
    lesson: Lesson
    budget: Budget
    parameters: int
    base: str | None = None
    text_encoder: str | None = None
    tariff: Tariff = Tariff()
    few_steps: float = 0.0

    def __str__(self) -> str:
        p = self.pictures
        told = f"{len(p.classes)} classes ({', '.join(p.classes[:6])})" if p.classes else "no classes"
        told += ", descriptions" if p.described else ""
        colour = "gray" if self.lesson.gray else "colour"
        lines = [
            f"Found {len(p)} pictures in {p.root} ({p.layout}; {told}; {colour}).",
            *(f"  left out: {problem}" for problem in p.problems[:10]),
            *([f"  and {len(p.problems) - 10} more problems"] if len(p.problems) > 10 else []),
            self._work(),
            self._how_long(),
            *self._warnings(),
        ]
        return "\n".join(lines)

    def _work(self) -> str:
        p, lesson = self.pictures, self.lesson
        held = f"; {len(lesson.held)} are held out to judge by" if lesson.held else ""
        work = [
            f"Trains {self.parameters / 1e6:.1f} M weights at {p.size} px"
            f" on {len(lesson.train)} of them{held}."
        ]
        if self.base:
            work.append(f"Goes on from the bundle {self.base}.")
        if isinstance(lesson.codec, Latents):
            work.append("Codes: a tiny autoencoder's, 32 numbers for 8 x 8 pixels.")
        if self.text_encoder:
            work.append(f"Descriptions are read by {self.text_encoder}.")
        work.append(
            "Views: turned and mirrored pictures train along under their own name, so they are not made."
            if lesson.augmented
            else "Views: only as they are."
        )
        if lesson.told_share:
            work.append(
                f"Words foretell {lesson.told_share:.0%} of how pictures differ; the network begins there."
            )
        if p.elongated:
            work.append("Crops: squares are cut at random along the longer side of each picture.")
        return "\n".join(work)

    def _how_long(self) -> str:
        tail = f" The last {self.few_steps:.0%} of it tune the model for few steps." if self.few_steps else ""
        if self.budget.minutes is None:
            return f"Takes {self.budget.steps} updates.{tail}"
        minutes = self.budget.minutes
        return f"Takes {minutes:g} minutes at most, {self.tariff.say(minutes)}.{tail}"

    def _warnings(self) -> list[str]:
        p = self.pictures
        said = []
        if len(p) < FEW:
            said.append(
                f"Warning: {len(p)} pictures are few; below {FEW} a model tends to repeat them. Training"
                " stops at the first sign, so expect rough pictures, or add more."
            )
        if not self.lesson.held:
            said.append(
                "Warning: no pictures are held out; nothing says when to stop, and the model will come to"
                " repeat what it was shown."
            )
        return said
