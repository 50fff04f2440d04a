"""What a search for copies found, in words, as JSON and as figures for a card."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from burnish.core.stats import Interval, Rate, rate
from burnish.prove.figures import of_rate
from burnish.store.tables import Figure


@dataclass(frozen=True)
class Neighbour:
    """A sample and the two training pictures nearest to it.

    Attributes:
        sample: Its place among the samples.
        first, second: Places among the training pictures, by pixels.
        pixels, features: d1 / d2, in [0, 1], in codes of pixels and in frozen features.
    """

    sample: int
    first: int
    second: int
    pixels: float
    features: float


@dataclass
class Suspect:
    """A picture that was tested for memory.

    Attributes:
        role: `planted`, `control` or `repeated`.
        name, description, times: See `memory.Seen`.
        repeats: Samples under its description that repeat it, with bounds.
        nearest: The lowest nearness of these samples: below 1/3 is a repeat.
        recall: See `memory.recall`.
        p: Of that recall among the null.
        flagged: Some sample repeats it, or p is at most `ALPHA`.
    """

    role: str
    name: str
    description: str
    times: int
    repeats: Rate
    nearest: float
    recall: float
    p: float
    flagged: bool


@dataclass
class Copies:
    """What was found; `str` says it to a person.

    Attributes:
        model_hash, data_hash: Of the bundle, and of the pictures.
        same_data: Whether these are the pictures that the bundle names.
        trained, null: Distinct training pictures, and pictures that the model never saw.
        duplicated: Training pictures that are there more than once.
        alike: Pairs of training pictures that show the same shot without being equal.
        by_pixels, by_features: Samples whose d1 / d2 is below 1/3.
        null_by_pixels, null_by_features: The same of the null: what the rule gives where nothing is copied.
        nearer: Samples whose nearest picture of all is a training picture.
        expected: The share of `nearer` when samples know training pictures no better than the null.
        nearer_p: One-sided p-value of that.
        membership: AUROC of recall, null against training; 0.5 when training leaves no trace.
        neighbours: Of all samples, closest first.
        suspects: Pictures that were tested.
    """

    model_hash: str
    data_hash: str
    same_data: bool
    trained: int
    null: int
    duplicated: int
    alike: int
    by_pixels: Rate
    by_features: Rate
    null_by_pixels: Rate
    null_by_features: Rate
    nearer: Rate
    expected: float
    nearer_p: float
    membership: Interval | None
    neighbours: list[Neighbour]
    suspects: list[Suspect]
    pictures: dict[str, list[np.ndarray]] = field(default_factory=dict, repr=False)

    @property
    def flagged(self) -> list[Suspect]:
        """The pictures that the model repeats."""
        return [one for one in self.suspects if one.flagged]

    def to_json(self) -> dict[str, Any]:
        """All but the pictures."""
        plain = {key: value for key, value in vars(self).items() if key != "pictures"}
        for key, value in plain.items():
            if isinstance(value, Rate):
                plain[key] = value.to_json()
            elif isinstance(value, Interval):
                plain[key] = asdict(value)
        plain["neighbours"] = [asdict(one) for one in self.neighbours]
        plain["suspects"] = [{**asdict(one), "repeats": one.repeats.to_json()} for one in self.suspects]
        return plain

    def __str__(self) -> str:
        lines = [
            f"{self.by_pixels.of} samples against {self.trained} training pictures; the null is {self.null}"
            " pictures that the model never saw.",
            f"Copies by pixels: {told(self.by_pixels)}; of the null {told(self.null_by_pixels)}.",
            f"Copies by features: {told(self.by_features)}; of the null {told(self.null_by_features)}.",
        ]
        if self.null:
            lines.append(
                f"Nearest picture is a training one: {told(self.nearer)};"
                f" {100 * self.expected:.1f} % by chance (p = {self.nearer_p:.2g})."
            )
        if self.membership:
            m = self.membership
            lines.append(
                f"Membership: AUROC {m.value:.2f} ({m.low:.2f} to {m.high:.2f}); 0.50 leaves no trace."
            )
        if self.duplicated or self.alike:
            lines.append(
                f"{self.duplicated} training pictures are there more than once,"
                f" {self.alike} pairs show the same shot."
            )
        for one in self.suspects:
            lines.append(
                f"{'FLAGGED' if one.flagged else 'clear  '}  {one.role}: {one.name} ({one.times} times):"
                f" {one.repeats.count} of {one.repeats.of} samples repeat it, recall {one.recall:+.2f}"
                f" (p = {one.p:.2g})"
            )
        if not self.same_data:
            lines.append("Warning: the bundle was trained on other pictures than these (another hash).")
        return "\n".join(lines)


def told(found: Rate) -> str:
    """A rate in words."""
    if found.value is None:
        return "none to look at"
    return (
        f"{found.count} of {found.of}, {100 * found.value:.1f} %"
        f" ({100 * found.low:.1f} to {100 * found.high:.1f})"
    )


def as_figures(found: Copies, command: str) -> list[Figure]:
    """What was measured as figures of the workspace, for a card.

    Args:
        found: From `probe`.
        command: That measured it.
    """
    facts = {
        "subject": found.model_hash,
        "model_hash": found.model_hash,
        "data_hash": found.data_hash,
        "command": command,
    }
    figures = [
        of_rate("copies: by pixels", found.by_pixels, threshold=0.02, better="lower", **facts),
        of_rate("copies: by features", found.by_features, better="lower", **facts),
        of_rate("copies: by pixels, unseen pictures", found.null_by_pixels, better="lower", **facts),
        of_rate(
            "copies: pictures flagged",
            rate(len(found.flagged), len(found.suspects)),
            better="lower",
            detail={"flagged": [one.name for one in found.flagged]},
            **facts,
        ),
    ]
    if found.membership:
        m = found.membership
        figures.append(
            Figure(
                what="copies: membership AUROC",
                value=m.value,
                low=m.low,
                high=m.high,
                confidence=0.95,
                better="lower",
                **facts,
            )
        )
    return figures
