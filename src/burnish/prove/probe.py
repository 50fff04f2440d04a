"""What a model cannot do: a probe set of hard requests, and how often each kind succeeds by a stated
automatic measure.

What no measure can tell (hands, writing, counts) is named as not measured, not guessed.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from burnish.core.stats import Rate
from burnish.errors import BurnishError
from burnish.prove.words import table
from burnish.store.bundle import read_bundle
from burnish.store.tables import Figure

PREFIX = "probe: "
UNMEASURED = (
    "hands and faces",
    "writing inside the picture",
    "exact counts and positions",
    "small print of a description (brand, material, year)",
)
"""What people ask for and no measure here can judge."""


@dataclass(frozen=True)
class Probe:
    """One kind of hard request or condition, measured.

    Attributes:
        what: Its name.
        found: Successes of tries; for an inspector misses or false rejects.
        better: `higher` or `lower`.
        measure: How success was told.
        chance: What chance alone would give, where that is known.
    """

    what: str
    found: Rate
    better: str
    measure: str
    chance: float | None = None

    def figure(self, **facts: Any) -> Figure:
        """As a figure of the workspace."""
        bounds = self.found.to_json()
        kept = {key: bounds[key] for key in ("value", "low", "high", "count", "of")}
        detail = {"measure": self.measure, "chance": self.chance}
        return Figure(
            what=PREFIX + self.what,
            **kept,
            confidence=0.95,
            unit="share",
            better=self.better,
            detail=detail,
            **facts,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "found": self.found.to_json()}


def probe(bundle: str | Path, root: str | Path, **options: Any) -> tuple[list[Probe], dict[str, Any]]:
    """The probe of whatever the bundle is; options as `probe_pictures` and `probe_inspector`, None left out.

    Raises:
        BurnishError: A kind of bundle that has no probe.
    """
    from burnish.prove.conditions import probe_inspector
    from burnish.prove.requests import probe_pictures

    kind = read_bundle(bundle).kind
    given = {name: value for name, value in options.items() if value is not None}
    if kind == "inspector":
        return probe_inspector(bundle, root, **given)
    if kind == "diffusion":
        return probe_pictures(bundle, root, **given)
    raise BurnishError(bundle, f"is of kind {kind!r}", "Probe the inspector that it was exported from")


def about_run(facts: dict[str, Any], command: str) -> dict[str, Any]:
    """What the figures of one run share."""
    return {
        "subject": facts["model_hash"],
        "model_hash": facts["model_hash"],
        "data_hash": facts["data_hash"],
        "command": command,
    }


def probe_text(found: list[Probe]) -> str:
    """A line for each probe, and what was not measured."""
    rows = [
        (
            p.what,
            f"{p.found.count} of {p.found.of}",
            "-"
            if p.found.value is None
            else f"{p.found.value:.2f} ({p.found.low:.2f} to {p.found.high:.2f})",
            "-" if p.chance is None else f"{p.chance:.2f}",
            p.measure,
        )
        for p in found
    ]
    lines = table(("probe", "count", "share, 95 %", "by chance", "measure"), rows, (1,))
    if any(p.better == "higher" for p in found):
        lines.append(f"not measured, needs a person: {'; '.join(UNMEASURED)}")
    return "\n".join(lines)
