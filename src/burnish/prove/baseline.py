"""Diffusion against what is not diffusion: same split, same command, paired difference, and an honest advice.

A *rival* is registered for a task. It is fitted to the training side and judged on the same held-out things
as the model. The difference is signed so that above zero diffusion is better. The intervals of all rivals of
a task hold together at 95 % (Bonferroni: each at 1 - 0.05 / rivals), so that more rivals do not find more by
chance.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from burnish.core.stats import Interval
from burnish.store.tables import Figure

PREFIX = "against baseline: "
Advice = Literal["against", "not shown", "for"]
SEVERITY: tuple[Advice, ...] = ("against", "not shown", "for")
SHORT: dict[Advice, str] = {
    "against": "do not use it either",
    "not shown": "not shown to be better",
    "for": "better than every baseline",
}


@dataclass(frozen=True)
class Rival:
    """A registered baseline.

    Attributes:
        name: Short and plain.
        task: `inspect`, `make image`, `make text`, ...
        how: What it does, in a sentence.
        source: Paper or textbook.
    """

    name: str
    task: str
    how: str
    source: str = ""


REGISTRY: dict[tuple[str, str], Rival] = {}
"""(task, name) to what is registered; filled by `baselines.*` when they are imported."""


def register(rival: Rival) -> Rival:
    """Adds a rival to the registry.

    Raises:
        ValueError: Its task has one of that name.
    """
    key = (rival.task, rival.name)
    if key in REGISTRY:
        raise ValueError(f"{key} is registered already")
    REGISTRY[key] = rival
    return rival


@dataclass(frozen=True)
class Comparison:
    """The model against one rival on the same held-out things.

    Attributes:
        rival: Its name; `how` what it does.
        task: The rival's.
        metric: What was measured; `better` is `higher` or `lower`.
        ours, theirs: The metric of the model and of the rival.
        difference: Signed so that above zero the model is better, with its interval.
        confidence: Of that interval.
        n: Things judged.
        fit_seconds: To fit the rival.
        seconds_each: For one thing, by the model and by the rival.
    """

    rival: str
    task: str
    how: str
    metric: str
    better: str
    ours: float
    theirs: float
    difference: Interval
    confidence: float
    n: int
    fit_seconds: float = 0.0
    seconds_each: tuple[float, float] | None = None

    @property
    def advice(self) -> Advice:
        """What this interval says of diffusion."""
        if self.difference.high < 0:
            return "against"
        return "for" if self.difference.low > 0 else "not shown"

    def figure(self, **facts: Any) -> Figure:
        """As a figure of the workspace: the difference, everything else in `detail`."""
        return Figure(
            what=f"{PREFIX}{self.rival}",
            value=self.difference.value,
            low=self.difference.low,
            high=self.difference.high,
            confidence=self.confidence,
            unit=self.metric,
            better="higher",
            detail=asdict(self),
            **facts,
        )


def from_figure(figure: Figure) -> Comparison:
    """The inverse of `Comparison.figure`."""
    given = dict(figure.detail)
    given["difference"] = Interval(**given["difference"])
    if given.get("seconds_each") is not None:
        given["seconds_each"] = tuple(given["seconds_each"])
    return Comparison(**given)


def confidence_of(rivals: int, together: float = 0.95) -> float:
    """The confidence of each of some intervals that are to hold together (Bonferroni)."""
    return 1 - (1 - together) / max(1, rivals)


def advise(comparisons: Sequence[Comparison]) -> tuple[Advice | None, str]:
    """The advice of several comparisons, and the line that says it; the worst task comes first.

    For a task diffusion is advised against when one rival is better beyond doubt; for it speaks only being
    better than all.

    Returns:
        The advice of the worst task (None when nothing was compared) and a line.
    """
    if not comparisons:
        return None, (
            "NOTHING SAYS THAT DIFFUSION IS WORTH IT: no baseline was run. Run `burnish prove baseline`."
        )
    tasks = dict.fromkeys(c.task for c in comparisons)
    advices = [(*_advise_task([c for c in comparisons if c.task == task]), task) for task in tasks]
    advices.sort(key=lambda found: SEVERITY.index(found[0]))
    advice, told, _ = advices[0]
    others = [f"{task}: {SHORT[found]}" for found, _, task in advices[1:]]
    return advice, told + (f" Else: {'; '.join(others)}." if others else "")


def _advise_task(comparisons: Sequence[Comparison]) -> tuple[Advice, str]:
    worst = min(comparisons, key=lambda c: c.difference.high)
    close = min(comparisons, key=lambda c: c.difference.low)
    if worst.advice == "against":
        return "against", (
            f"DO NOT USE DIFFUSION HERE ({worst.task}): {worst.rival} does better, {_told(worst)}. It is"
            " simpler; take it."
        )
    if close.advice == "not shown":
        return "not shown", (
            f"DIFFUSION IS NOT SHOWN TO BE BETTER ({close.task}) than {close.rival}: {_told(close)}. Take the"
            " simpler one, or measure on more."
        )
    told = f"the closest of {len(comparisons)} is {close.rival}, {_told(close)}"
    return "for", f"Diffusion does better than every baseline ({close.task}); {told}."


def _told(c: Comparison) -> str:
    d = c.difference
    sure = f"{100 * c.confidence:.3g} %"
    return (
        f"{c.metric} {c.theirs:.4g} against {c.ours:.4g}, {c.better} is better; difference in favour of"
        f" diffusion {d.value:+.4g} ({d.low:+.4g} to {d.high:+.4g}, {sure} interval, {c.n} judged)"
    )
