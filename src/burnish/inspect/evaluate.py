"""What an inspector does on a test set it never learned from: rates with exact bounds, ranking, places,
time, money.

The threshold comes in from calibration on good parts and is applied as it is: nothing here is tuned on the
test set. The one number that looks at test scores to choose a cut, `miss_rate_at_1pct_false_rejects`, ranks
models.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from burnish.core import stats
from burnish.core.conformal import Threshold
from burnish.core.pixels import PixelScores
from burnish.core.stats import Rate
from burnish.errors import BurnishError, DatasetError
from burnish.inspect.calibrate import Calibration
from burnish.inspect.gallery import Gallery, Pictures
from burnish.inspect.price import Price
from burnish.media.dataset import PartSet
from burnish.media.image import fit_mask, fit_size
from burnish.media.part import GOOD, Part, Problem

Scorer = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""uint8 (H, W, 3) -> (score, heat map float (H, W) in [0, 1] at the picture's own size); higher is worse."""

PIXEL_SIDE = 256
"""Pixels are compared at an area of 256 x 256 and the picture's aspect; smaller pictures at their own
size."""


@dataclass(frozen=True)
class Judged:
    """One part's verdict. `name` is the path inside the data set."""

    name: str
    label: str
    group: str
    score: float
    rejected: bool
    milliseconds: float


@dataclass(frozen=True)
class Held:
    """A part that could not be judged, and why. It is neither passed nor rejected, and counted."""

    name: str
    label: str
    reason: str


@dataclass(frozen=True)
class Evaluation:
    """All that was measured. `to_json` gives the keys that commands and benches share.

    Attributes:
        image_auroc: Over judged parts; None without goods or without defects, as every rate's `value`.
        pixel_ap, aupro: Over all pixels of good parts and of defects with a mask or outline, at
        `pixel_side`; None
            when no defect has one.
        threshold: In force; reject when score > threshold.
        calibration: Where the threshold comes from (`Calibration.to_json`, `Threshold.to_json`), or None.
        false_reject_rate, miss_rate: With two-sided 95 % Clopper-Pearson bounds.
        miss_rate_at_1pct_false_rejects: Misses at the lowest cut that rejects at most floor(n / 100) of the
            n goods.
        by_class: For each defect class its miss rate, AUROC and misses at 1 %.
        latency_ms: p50, p95 and p99 of one call of the scorer, after one unmeasured call.
        proof: For each promised rate: the one-sided 95 % bound now, and how many more parts would prove it.
        money: EUR per 1,000 parts (`Price.per_1000`).
    """

    image_auroc: float | None
    pixel_ap: float | None
    aupro: float | None
    threshold: float
    calibration: dict[str, Any] | None
    false_reject_rate: Rate
    miss_rate: Rate
    miss_rate_at_1pct_false_rejects: float | None
    by_class: dict[str, dict[str, Any]]
    latency_ms: dict[str, float]
    train_seconds: float
    model_hash: str
    data_hash: str
    proof: dict[str, dict[str, Any]]
    money: dict[str, Any]
    parts: tuple[Judged, ...]
    held: tuple[Held, ...] = ()
    notes: tuple[str, ...] = ()
    pixel_side: int = PIXEL_SIDE
    pixel_parts: int = 0
    pictures: Pictures = field(default=Pictures(), repr=False)

    def to_json(self) -> dict[str, Any]:
        """Everything but the pictures, as plain JSON values."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "pictures"}
        plain["false_reject_rate"] = self.false_reject_rate.to_json()
        plain["miss_rate"] = self.miss_rate.to_json()
        plain["parts"] = [asdict(part) for part in self.parts]
        plain["held"] = {"count": len(self.held), "parts": [asdict(part) for part in self.held]}
        plain["notes"] = list(self.notes)
        return plain

    def verdict(self) -> str:
        """The result in a few plain sentences with numbers and bounds."""
        miss, false = self.miss_rate, self.false_reject_rate
        said = []
        if miss.of:
            said.append(
                f"Of {miss.of} bad parts {miss.count} {_were(miss.count)} missed: {in_percent(miss)}."
            )
        if false.of:
            said.append(
                f"Of {false.of} good parts {false.count} {_were(false.count)} rejected: {in_percent(false)}."
            )
        if self.held:
            said.append(f"{len(self.held)} could not be judged and {_were(len(self.held))} held.")
        return " ".join(said)


def evaluate(
    scorer: Scorer,
    parts: PartSet,
    threshold: float | Threshold | Calibration,
    *,
    train_seconds: float = 0.0,
    model_hash: str = "",
    data_hash: str | None = None,
    price: Price = Price(),
    wanted_false_rejects: float | None = None,
    wanted_misses: float = 0.01,
    pixel_side: int = PIXEL_SIDE,
    show: int = 6,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Judges every part once and measures.

    Args:
        scorer: The inspector.
        parts: The test parts; a file that cannot be read is held and named, and the rest goes on.
        threshold: The verdict rule from calibration on good parts.
        train_seconds: Wall time of training.
        model_hash: Of the bundle.
        data_hash: Of the test parts; computed from the files when None.
        price: Assumptions about money.
        wanted_false_rejects: The rate to prove; from the calibration when None (0.01 for a bare number).
        wanted_misses: The miss rate to prove.
        pixel_side: Working resolution of the pixel metrics.
        show: Most pictures of each kind to keep.
        progress: Called with (done, of).

    Raises:
        DatasetError: Not one part could be judged.
    """
    collected = _Collector(parts, pixel_side, show)
    rule = threshold.threshold if isinstance(threshold, Calibration) else threshold
    value = rule.value if isinstance(rule, Threshold) else float(rule)
    problems: list[Problem] = []
    for i, (part, image, mask) in enumerate(parts.read(problems)):
        collected.judge(part, image, mask, scorer, value)
        if progress:
            progress(i + 1, len(parts))
    collected.note(problems)
    judged = collected.judged
    if not judged:
        raise DatasetError(
            parts.root,
            f"not one of {len(parts)} parts could be judged" if len(parts) else "holds no parts to evaluate",
            "Check it with `burnish data check`, and that split.csv has rows with split `test`",
        )
    good = np.array([p.score for p in judged if p.label == GOOD])
    bad = np.array([p.score for p in judged if p.label != GOOD])
    false_rejects = stats.rate(int((good > value).sum()), len(good))
    misses = stats.rate(int((bad <= value).sum()), len(bad))
    if wanted_false_rejects is None:
        wanted_false_rejects = rule.wanted if isinstance(rule, Threshold) else 0.01
    times = np.array([p.milliseconds for p in judged])
    pixels = collected.pixels if collected.pixels.regions else PixelScores()
    return Evaluation(
        image_auroc=stats.auroc(good, bad),
        pixel_ap=pixels.average_precision(),
        aupro=pixels.aupro(),
        threshold=value,
        calibration=threshold.to_json() if isinstance(threshold, Calibration | Threshold) else None,
        false_reject_rate=false_rejects,
        miss_rate=misses,
        miss_rate_at_1pct_false_rejects=_missed_at_1pct(good, bad),
        by_class=_by_class(judged, good, value),
        latency_ms={f"p{q}": float(np.percentile(times, q)) for q in (50, 95, 99)},
        train_seconds=float(train_seconds),
        model_hash=model_hash,
        data_hash=parts.hash() if data_hash is None else data_hash,
        proof={
            "false_rejects": _proof(false_rejects, wanted_false_rejects),
            "misses": _proof(misses, wanted_misses),
        },
        money=price.per_1000(float(times.mean()) / 1000, false_rejects, misses, train_seconds),
        parts=tuple(judged),
        held=tuple(collected.held),
        notes=(*collected.notes, *(f"left out when opening: {problem}" for problem in parts.problems)),
        pixel_side=pixel_side,
        pixel_parts=collected.pixel_parts if collected.pixels.regions else 0,
        pictures=collected.gallery.pictures(),
    )


def in_percent(rate: Rate) -> str:
    """ "18.9 % (13.2 to 25.8)", or "unknown"."""
    if rate.value is None:
        return "unknown"
    return f"{100 * rate.value:.1f} % ({100 * rate.low:.1f} to {100 * rate.high:.1f})"


class _Collector:
    """Judges parts one by one and keeps only what the figures and the few pictures need."""

    def __init__(self, parts: PartSet, pixel_side: int, show: int) -> None:
        self.parts, self.side = parts, pixel_side
        self.judged: list[Judged] = []
        self.held: list[Held] = []
        self.notes: list[str] = []
        self.pixels, self.pixel_parts = PixelScores(), 0
        self.gallery = Gallery(show)
        self._warm = False

    def judge(
        self,
        part: Part,
        image: np.ndarray,
        mask: np.ndarray | None,
        scorer: Scorer,
        cut: float,
    ) -> None:
        name = self.parts.name(part)
        try:
            if not self._warm:
                scorer(image)
                self._warm = True
            begin = time.perf_counter()
            score, heat = scorer(image)
            milliseconds = 1000 * (time.perf_counter() - begin)
        except BurnishError as error:
            self.held.append(Held(name, part.label, error.reason))
            return
        score, heat = float(score), np.asarray(heat, dtype=np.float32)
        if not np.isfinite(score) or heat.shape != image.shape[:2] or not np.isfinite(heat).all():
            self.held.append(Held(name, part.label, f"the inspector gave no usable answer (score {score})"))
            return
        self.judged.append(Judged(name, part.label, part.group, score, score > cut, milliseconds))
        if mask is not None:
            self.pixels.add(_heat_at(heat, self.side), _mask_at(mask, self.side))
            self.pixel_parts += 1
        self.gallery.offer(name, part.label, score, score > cut, image, heat, mask)

    def note(self, problems: list[Problem]) -> None:
        """Holds the parts whose picture could not be read, and notes the unusable masks."""
        labels = {self.parts.name(part): part.label for part in self.parts}
        for problem in problems:
            if problem.kind == "broken":
                self.held.append(Held(problem.thing, labels.get(problem.thing, ""), problem.reason))
            else:
                self.notes.append(str(problem))


def _heat_at(heat: np.ndarray, side: int) -> np.ndarray:
    size = _working_size(heat.shape[0], heat.shape[1], side)
    if size is None:
        return heat
    return np.asarray(Image.fromarray(heat).resize((size[1], size[0]), Image.Resampling.BILINEAR))


def _mask_at(mask: np.ndarray, side: int) -> np.ndarray:
    whole = _working_size(mask.shape[0], mask.shape[1], side) is None
    return mask if whole else fit_mask(mask, side, 1)


def _working_size(height: int, width: int, side: int) -> tuple[int, int] | None:
    """The size at which pixels are compared; None: the picture's own."""
    if height * width <= side * side:
        return None
    return fit_size(height, width, side, 1)


def _missed_at_1pct(good: np.ndarray, bad: np.ndarray) -> float | None:
    if not len(good) or not len(bad):
        return None
    return float((bad <= stats.threshold_at_false_rejects(good, 0.01)).mean())


def _by_class(judged: list[Judged], good: np.ndarray, cut: float) -> dict[str, dict[str, Any]]:
    found = {}
    for name in sorted({p.label for p in judged} - {GOOD}):
        scores = np.array([p.score for p in judged if p.label == name])
        found[name] = {
            "miss_rate": stats.rate(int((scores <= cut).sum()), len(scores)).to_json(),
            "image_auroc": stats.auroc(good, scores),
            "miss_rate_at_1pct_false_rejects": _missed_at_1pct(good, scores),
        }
    return found


def _proof(rate: Rate, wanted: float) -> dict[str, Any]:
    """What the count proves about a wanted rate (one-sided 95 %), and how many more parts would."""
    return {
        "wanted": wanted,
        "upper_95": stats.clopper_pearson(rate.count, rate.of, 0.95, "upper")[1],
        "more_if_none_fails": stats.more_parts_to_prove(rate.count, rate.of, wanted),
        "more_as_so_far": stats.more_parts_to_prove(rate.count, rate.of, wanted, rate=rate.value or 0.0),
    }


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
