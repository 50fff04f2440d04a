r"""A new threshold from a few verified-good pictures, after a shift that did no harm.

A dimmer lamp moves all scores of good parts; the defects move along, the threshold does not. With only eight
pictures a conformal threshold can promise 1 / 9. But the shape of the good scores is known from the old
calibration, so only their place has to be found again: new good scores are taken for the old ones moved. The
place is the mean of the middle half, which one odd picture among eight does not drag along. It has an error
of
its own, so the threshold must lie farther out: with $l$ the place of n old and $l_m$ that of m new scores,
$\mathrm{Var}(y - l_m) = \sigma^2 + \mathrm{Var}(l_m)$ for a new score y, hence

$$ t' = l_m + (t - l) \sqrt{1 + \mathrm{Var}(l_m) / \sigma^2}, $$

the ratio taken from samples of m old scores. It holds for a shift that moves and does not stretch: where the
interquartile range of the m scores is one that old ones would exceed in one of twenty samples at most, the
rule is refused, and the line is to be calibrated anew.
"""

import math
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from burnish.core.conformal import Threshold
from burnish.errors import BurnishError
from burnish.inspect.calibrate import Calibration
from burnish.media.image import read_image
from burnish.prove.duel import scorer_of
from burnish.store.bundle import Bundle, read_bundle, write_bundle
from burnish.store.tables import now

FEWEST = 8
"""Verified-good pictures, at least."""
LEVEL = 0.05
"""Chance that pictures that only moved are refused for their spread."""
RESAMPLES = 4000


@dataclass(frozen=True)
class Recalibration:
    """What was found.

    Attributes:
        old, new: Thresholds.
        shift: Of the good scores' place, the mean of their middle half.
        scores: Of the verified-good pictures.
        stretch: Chance that as many old scores spread at least as much.
        rejected_before, rejected_after: Of the verified-good pictures.
    """

    old: float
    new: float
    shift: float
    scores: tuple[float, ...]
    stretch: float
    rejected_before: int
    rejected_after: int

    def in_words(self) -> str:
        """For a terminal."""
        m = len(self.scores)
        return (
            f"threshold {self.old:.4g} -> {self.new:.4g}: the good scores moved by {self.shift:+.4g}\n"
            f"of {m} verified-good pictures the old one rejects {self.rejected_before}, the new one "
            f"{self.rejected_after}\nan estimate from {m} pictures and the old scores' shape: it promises no "
            f"false-reject rate below {1 / (m + 1):.0%}; calibrate anew when there are more"
        )


def move_threshold(
    good_scores: Sequence[float] | np.ndarray, threshold: float, verified: Sequence[float], seed: int = 0
) -> Recalibration:
    """The threshold for good parts whose scores have moved.

    Args:
        good_scores: The old calibration's, (n,), n >= 8.
        threshold: In force.
        verified: Scores of the verified-good pictures, (m,), m >= `FEWEST`.
        seed: Of the resampled spreads.

    Raises:
        BurnishError: Too few scores, or a spread that says more than a move.
    """
    old, fresh = np.asarray(good_scores, np.float64), np.asarray(verified, np.float64)
    if len(fresh) < FEWEST or len(old) < FEWEST:
        raise BurnishError(
            f"{len(fresh)} verified-good pictures and {len(old)} old scores",
            f"are too few: at least {FEWEST} of each",
            "Add pictures",
        )
    if not np.isfinite(fresh).all():
        raise BurnishError("verified-good pictures", "have scores that are not numbers", "Check the pictures")
    m = len(fresh)
    draws = np.random.default_rng(seed).choice(old, size=(RESAMPLES, m))
    place, before = (float(stats.trim_mean(x, 0.25)) for x in (fresh, old))
    spread = float(stats.iqr(fresh))
    stretch = float((1 + (stats.iqr(draws, axis=1) >= spread).sum()) / (1 + RESAMPLES))
    if stretch <= LEVEL:
        raise BurnishError(
            "verified-good pictures",
            f"spread more than a mere move explains (interquartile range {spread:.3g} against "
            f"{stats.iqr(old):.3g}, p = {stretch:.3f})",
            "The change was not harmless: look at the station, then calibrate or train anew",
        )
    error = float(stats.trim_mean(draws, 0.25, axis=1).var() / max(old.var(), 1e-12))
    new = place + (threshold - before) * math.sqrt(1 + error)
    return Recalibration(
        float(threshold),
        float(new),
        place - before,
        tuple(float(s) for s in fresh),
        stretch,
        int((fresh > threshold).sum()),
        int((fresh > new).sum()),
    )


def recalibrate(
    path: str | Path, pictures: Sequence[str | Path], out: str | Path, by: str = "", seed: int = 0
) -> tuple[Bundle, Recalibration]:
    """A bundle with its threshold moved; the model itself is untouched.

    Args:
        path: A bundle for the line, or an inspector's.
        pictures: Verified-good parts as the station sees them now.
        out: Where the new bundle goes.
        by: Who verified them.
        seed: As for `move_threshold`.

    Raises:
        BurnishError: As for `move_threshold`; or a picture or the bundle cannot be read.
    """
    bundle = read_bundle(path)
    if Path(out).absolute() == bundle.path.absolute():
        raise BurnishError(out, "is the bundle itself", "Name a new folder: the old threshold has to stay")
    score = scorer_of(bundle.path)[0]
    meta = bundle.meta
    found = move_threshold(
        meta["good_scores"], float(meta["threshold"]), [score(read_image(p)) for p in pictures], seed
    )
    entry = {**asdict(found), "at": now().isoformat(), "by": by, "pictures": [Path(p).name for p in pictures]}
    moved = np.asarray(meta["good_scores"], np.float64) + found.shift
    changed = {
        **{k: v for k, v in meta.items() if k not in ("format", "files")},
        "threshold": found.new,
        "good_scores": sorted(moved.tolist()),
        "recalibrated": [*meta.get("recalibrated", []), entry],
    }
    if meta.get("calibration"):
        changed["calibration"] = _calibration(meta["calibration"], found, moved)

    def write(folder: Path) -> None:
        for name in meta["files"]:
            if name != "card.md":
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(bundle.path / name, folder / name)

    card = (bundle.path / "card.md").read_text(encoding="utf-8") if "card.md" in meta["files"] else ""
    note = f"\nThreshold moved on {entry['at'][:10]}" + (f" by {by}" if by else "")
    note += f" from {found.old:.4g} to {found.new:.4g}, on {len(found.scores)} verified-good pictures.\n"
    return write_bundle(out, changed, write, card + note), found


def _calibration(given: dict[str, Any], found: Recalibration, moved: np.ndarray) -> dict[str, Any]:
    """The calibration with the new threshold, and no promise that so few pictures cannot give."""
    before = Calibration.from_json(given)
    m = len(found.scores)
    rule: Threshold = replace(
        before.threshold,
        value=found.new,
        promised=1 / (m + 1),
        extrapolated=True,
        method=f"moved with {m} verified-good pictures",
        conformal=max(found.scores),
        extrapolation=found.new,
        n=m,
    )
    return {**Calibration(rule, moved, 1).to_json()}
