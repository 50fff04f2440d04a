"""Inspection without diffusion: four rivals that know good parts only, and one that is trained on pasted
defects.

All see the same training parts and are judged on the same test parts as the inspector, by AUROC: it needs no
threshold, so that none is favoured by where its threshold lies.
"""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import torch
from torch import Tensor

from burnish.core import stats
from burnish.errors import DatasetError
from burnish.inspect.detector import for_line, load_inspector, peak
from burnish.inspect.judge import as_scorer, parts_to_judge
from burnish.inspect.learn import Settings
from burnish.inspect.reference import LiteReference, shared_maps
from burnish.inspect.surprise import learn_surprise
from burnish.inspect.train import train_inspector
from burnish.media.dataset import PartSet, open_parts
from burnish.media.image import fit
from burnish.media.part import GOOD, Problem
from burnish.nets.backbone import load_lite0
from burnish.prove.baseline import REGISTRY, Comparison, Rival, confidence_of, register

Score = Callable[[np.ndarray], float]
"""uint8 (H, W, 3) to a score; higher is more suspicious."""

TASK = "inspect"
AXES, MEMORY = 64, 1000


class Fit(Protocol):
    """Fits a rival to good parts."""

    def __call__(self, goods: Sequence[np.ndarray], side: int, seed: int) -> Score:
        """From good parts, uint8 (H, W, 3) at the working resolution, to a score of such a picture."""
        ...


def median_filter(goods: Sequence[np.ndarray], side: int, seed: int) -> Score:
    """Nothing is learned: the largest difference of a gray picture from its own median over 15 x 15."""

    def score(image: np.ndarray) -> float:
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return _highest(cv2.absdiff(gray, cv2.medianBlur(gray, 15)))

    return score


def nearest_part(goods: Sequence[np.ndarray], side: int, seed: int) -> Score:
    """The largest difference from the good part that is nearest, in gray at 64 px and a small blur."""
    memory = np.stack([_small(good) for good in goods])

    def score(image: np.ndarray) -> float:
        away = np.abs(memory - _small(image))
        return float(away[away.mean((1, 2)).argmin()].max())

    return score


def patch_pca(goods: Sequence[np.ndarray], side: int, seed: int) -> Score:
    """What the leading axes (95 % of variance) of good patches' frozen features cannot express."""
    describe = _Describe()
    maps = [describe(good) for good in goods]
    flat = torch.cat([m[0].flatten(1).T for m in maps])
    centre = flat.mean(0)
    centred = flat - centre
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(flat))
    share = values.flip(0).clamp_min(0).cumsum(0) / values.clamp_min(0).sum()
    axes = vectors.flip(1)[:, : int((share < 0.95).sum()) + 1]

    def score(image: np.ndarray) -> float:
        x = describe(image)[0]
        x = x.flatten(1).T - centre
        left = (x - (x @ axes) @ axes.T).norm(dim=1)
        return float(peak(left.view(1, 1, *describe.grid)))

    return score


def patch_memory(goods: Sequence[np.ndarray], side: int, seed: int) -> Score:
    """The distance of the farthest patch from its nearest remembered good patch, in frozen features."""
    describe = _Describe()
    rng = torch.Generator().manual_seed(seed)
    surprise = learn_surprise([describe(good)[0] for good in goods], AXES, MEMORY, rng)

    def score(image: np.ndarray) -> float:
        with torch.inference_mode():
            return float(peak(surprise(describe(image))))

    return score


FITS: dict[str, Fit] = {}
for fitting, told in (
    (median_filter, ("median filter", "difference of a picture from its own median", "textbook")),
    (nearest_part, ("nearest good part", "difference from the most similar good part", "textbook")),
    (patch_pca, ("patch PCA", "what the principal axes of good patches cannot express", "Pearson 1901")),
    (
        patch_memory,
        ("patch memory", "distance to the nearest good patch, PatchCore-like", "arXiv:2106.08265"),
    ),
):
    register(Rival(told[0], TASK, told[1], told[2]))
    FITS[told[0]] = fitting
CUTPASTE = register(
    Rival(
        "cut-paste",
        TASK,
        "the same inspector, trained with pasted defects in place of painted ones",
        "arXiv:2104.04015",
    )
)


@dataclass(frozen=True)
class Judged:
    """Scores of all judges on the same parts.

    Attributes:
        labels: `good` or a defect class, of each part.
        scores: {judge: (n,)}.
        seconds: {judge: mean seconds a part}.
        left_out: Parts that could not be read.
    """

    labels: tuple[str, ...]
    scores: dict[str, np.ndarray]
    seconds: dict[str, float]
    left_out: tuple[str, ...]


def compare_inspector(
    bundle: str | Path,
    root: str | Path,
    *,
    seed: int = 0,
    resamples: int = 1999,
    cutpaste_minutes: float = 0.0,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Comparison], dict[str, Any]]:
    """An inspector against the rivals, on a folder's test parts.

    Args:
        bundle: The inspector's.
        root: The folder it was trained from: rivals learn from its training parts.
        seed: Of the rivals and the bootstrap.
        resamples: Of the bootstrap over parts.
        cutpaste_minutes: Also train the inspector with pasted defects, so long; 0 leaves it out.
        limit: Judge the first so many good and so many bad test parts; None for all.
        progress: Called with (done, of).

    Returns:
        A comparison a rival, and facts of the run: `data_hash`, `model_hash`, `train`, `left_out`.

    Raises:
        DatasetError: No good training part, or no good or no bad test part.
    """
    inspector, meta, _ = for_line(bundle)
    side, multiple = int(meta["side"]), int(meta.get("multiple", 32))
    test = first_of_each(parts_to_judge(root)[0], limit)
    goods = _training_goods(root, side, multiple)
    ours: Score = _scalar(as_scorer(inspector, side, multiple))
    judges: dict[str, Score] = {"": ours}
    fit_seconds = {}
    for name, make in FITS.items():
        begin = time.perf_counter()
        scored = make(goods, side, seed)
        judges[name] = _fitted(scored, side, multiple)
        fit_seconds[name] = time.perf_counter() - begin
    if cutpaste_minutes > 0:
        begin = time.perf_counter()
        judges[CUTPASTE.name] = _train_cutpaste(root, cutpaste_minutes, seed, side, multiple)
        fit_seconds[CUTPASTE.name] = time.perf_counter() - begin
    judged = judge_all(test, judges, progress)
    strata = ["good" if label == GOOD else "bad" for label in judged.labels]
    if len(set(strata)) < 2:
        raise DatasetError(root, "has no good or no bad test part", "Rivals are compared on both")
    rivals = [name for name in judges if name]
    confidence = confidence_of(len(rivals))
    found = []
    for name in rivals:
        rng = np.random.default_rng((seed, 71))
        mine, theirs = judged.scores[""], judged.scores[name]
        found.append(
            Comparison(
                name,
                TASK,
                _how(name),
                "image AUROC",
                "higher",
                _auroc(mine, strata),
                _auroc(theirs, strata),
                paired_auroc(mine, theirs, strata, rng, resamples, confidence),
                confidence,
                len(strata),
                fit_seconds[name],
                (judged.seconds[""], judged.seconds[name]),
            )
        )
    facts = {
        "data_hash": test.hash(),
        "model_hash": meta["model_hash"],
        "train": len(goods),
        "left_out": judged.left_out,
    }
    return found, facts


def judge_all(
    parts: PartSet, judges: Mapping[str, Score], progress: Callable[[int, int], None] | None = None
) -> Judged:
    """Every judge's score of every part; each picture is read once."""
    problems: list[Problem] = []
    labels: list[str] = []
    scores: dict[str, list[float]] = {name: [] for name in judges}
    spent = dict.fromkeys(judges, 0.0)
    for i, (part, image, _) in enumerate(parts.read(problems)):
        labels.append(part.label)
        for name, judge in judges.items():
            begin = time.perf_counter()
            scores[name].append(judge(image))
            spent[name] += time.perf_counter() - begin
        if progress:
            progress(i + 1, len(parts))
    n = max(1, len(labels))
    return Judged(
        tuple(labels),
        {name: np.asarray(values) for name, values in scores.items()},
        {name: seconds / n for name, seconds in spent.items()},
        tuple(p.thing for p in problems if p.kind == "broken"),
    )


def paired_auroc(
    ours: np.ndarray,
    theirs: np.ndarray,
    strata: Sequence[str],
    rng: np.random.Generator,
    resamples: int = 1999,
    confidence: float = 0.95,
) -> stats.Interval:
    """AUROC of ours less that of theirs on the same parts, bootstrapped over parts within good and bad.

    Args:
        ours, theirs: Scores, (n,).
        strata: `good` or `bad` of each.
        rng: Draws the resamples.
        resamples, confidence: See `core.stats.bootstrap_over_parts`.
    """
    names = np.asarray(strata)

    def difference(chosen: np.ndarray) -> float:
        good, bad = chosen[names[chosen] == "good"], chosen[names[chosen] == "bad"]
        mine, their = (stats.auroc(scores[good], scores[bad]) for scores in (ours, theirs))
        return (mine or 0.0) - (their or 0.0)

    return stats.bootstrap_over_parts(difference, strata, rng, resamples=resamples, confidence=confidence)


def first_of_each(parts: PartSet, limit: int | None) -> PartSet:
    """The first `limit` good and the first `limit` bad parts."""
    if limit is None:
        return parts
    kept = {id(part) for side in (parts.goods, parts.defects) for part in side[:limit]}
    return replace(parts, parts=tuple(part for part in parts.parts if id(part) in kept))


class _Describe:
    """Frozen features of one fitted picture, (1, C, h, w)."""

    def __init__(self) -> None:
        self.trunk = load_lite0().eval()
        self.reference = LiteReference(load_lite0()).eval()
        self.grid = (0, 0)

    @torch.inference_mode()
    def __call__(self, image: np.ndarray) -> Tensor:
        x = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
        found = self.reference(x, shared_maps(self.trunk, x))
        self.grid = (found.shape[2], found.shape[3])
        return found


def _training_goods(root: str | Path, side: int, multiple: int) -> list[np.ndarray]:
    parts = open_parts(root)
    train = parts.only("train") if "train" in parts.splits else parts
    goods = [fit(image, side, multiple) for _, image, _ in train.only(label=GOOD).read([])]
    if not goods:
        raise DatasetError(
            root, "has no good training part", "Name the folder that the inspector was trained from"
        )
    return goods


def _train_cutpaste(root: str | Path, minutes: float, seed: int, side: int, multiple: int) -> Score:
    with tempfile.TemporaryDirectory() as folder:
        made = train_inspector(
            root, Path(folder) / "rival", Settings(minutes, seed=seed, synthesis="cutpaste")
        )
        inspector, bundle = load_inspector(made.path)
        return _scalar(as_scorer(inspector, int(bundle.meta["side"]), multiple))


def _scalar(scorer: Callable[[np.ndarray], tuple[float, np.ndarray]]) -> Score:
    return lambda image: scorer(image)[0]


def _fitted(score: Score, side: int, multiple: int) -> Score:
    return lambda image: score(fit(image, side, multiple))


def _how(name: str) -> str:
    rival = REGISTRY[TASK, name]
    return f"{rival.how} ({rival.source})"


def _auroc(scores: np.ndarray, strata: Sequence[str]) -> float:
    names = np.asarray(strata)
    return stats.auroc(scores[names == "good"], scores[names == "bad"]) or 0.0


def _small(image: np.ndarray) -> np.ndarray:
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cv2.GaussianBlur(cv2.resize(gray, (64, 64), interpolation=cv2.INTER_AREA), (3, 3), 0).astype(
        np.float32
    )


def _highest(away: np.ndarray) -> float:
    """Mean of the ten highest values of a map smoothed over 3 x 3."""
    smoothed = cv2.blur(away.astype(np.float32), (3, 3)).ravel()
    return float(np.partition(smoothed, -10)[-10:].mean())
