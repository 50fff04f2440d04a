"""What each part would have scored had it not been learned from: the base of weights and of the threshold."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from burnish.core.process import seeded
from burnish.core.stats import auroc
from burnish.inspect.calibrate import Calibration, calibrate, fold_of
from burnish.inspect.detector import Fusion, peak
from burnish.inspect.fuse import Marked, weigh
from burnish.inspect.learn import Report, as_tensor
from burnish.inspect.pairs import Shot
from burnish.inspect.reference import DinoReference, LiteReference, shared_maps
from burnish.inspect.segmenter import Segmenter
from burnish.inspect.surprise import Surprise, learn_surprise
from burnish.nets.backbone import load_lite0

FOLDS, MEMORY_FOLDS = 2, 8
"""Of the segmenter and of the memory, for held-out judgements."""
AXES, MEMORY = 64, 2500
"""Principal axes and features of the surprise's memory."""


@dataclass
class Memory:
    """The surprise of all good parts, and what each part (good or bad) would have scored held out, (h, w)."""

    surprise: Surprise
    maps: list[Tensor]


@torch.no_grad()
def remember(
    shots: Sequence[Shot],
    groups: Sequence[str],
    reference: LiteReference | DinoReference,
    seed: int,
    report: Report,
) -> Memory:
    """Learns what good parts look like, and judges every part by good parts of other folds.

    Args:
        shots: All parts.
        groups: Of each part.
        reference: Where features come from.
        seed: Of the memory and of the folds.
        report: Told the share done.
    """
    trunk, features = load_lite0(), []
    for i, shot in enumerate(shots):
        x = as_tensor(shot.image)
        features.append(reference(x, shared_maps(trunk, x))[0])
        report("remembering good parts", (i + 1) / (len(shots) + 20))
    good = np.flatnonzero([shot.label == "good" for shot in shots])
    surprise = learn_surprise([features[i] for i in good.tolist()], AXES, MEMORY, seeded(seed, 1))
    maps = [surprise(f[None])[0, 0] for f in features]
    fold = deal_goods([groups[i] for i in good.tolist()], MEMORY_FOLDS, np.random.default_rng((seed, 3)))
    for k in range(int(fold.max()) + 1):
        others = learn_surprise(
            [features[i] for i in good[fold != k].tolist()], AXES, MEMORY, seeded(seed, 1, k)
        )
        for i in good[fold == k].tolist():
            maps[int(i)] = others(features[i][None])[0, 0]
        report("remembering good parts", (len(shots) + 20 * (k + 1) / (fold.max() + 1)) / (len(shots) + 20))
    surprise.level.copy_(torch.cat([maps[i].flatten() for i in good.tolist()]).median())
    return Memory(surprise, [m / surprise.level for m in maps])


def deal_goods(groups: Sequence[str], folds: int, rng: np.random.Generator) -> np.ndarray:
    """The fold each good part is held out in; parts of one group together, unless there is one group only."""
    alone = len(set(groups)) == 1
    return fold_of([""] * len(groups) if alone else groups, folds, rng)


def deal(shots: Sequence[Shot], groups: Sequence[str], folds: int, rng: np.random.Generator) -> np.ndarray:
    """The fold each part is held out in, (n,): good parts by group, defects evenly within their class."""
    fold = np.zeros(len(shots), int)
    good = [i for i, shot in enumerate(shots) if shot.label == "good"]
    fold[good] = deal_goods([groups[i] for i in good], folds, rng)
    for label in sorted({s.label for s in shots} - {"good"}):
        mine = [i for i, s in enumerate(shots) if s.label == label]
        start = int(rng.integers(folds))
        fold[rng.permutation(mine)] = (np.arange(len(mine)) + start) % folds
    return fold


@dataclass
class Held:
    """Held-out judgements.

    Attributes:
        peaks: (n, 2) in the parts' order: the segmenter's in units of its own spread over good parts,
        surprise. scale: Centre and spread that bring the final segmenter's peaks to that unit. pixels:
        Sampled pixels of the defects, see `sample_pixels`.
    """

    peaks: np.ndarray
    scale: tuple[float, float]
    marked: list[Marked]


@torch.no_grad()
def judge_held_out(
    shots: Sequence[Shot],
    fold: np.ndarray,
    models: Sequence[Segmenter],
    memory: Memory,
    report: Report,
) -> Held:
    """Judges each part by the segmenter that did not see it, and by the other parts' memory.

    Segmenters differ in how high they score good parts, and score those they learned from lower. So each
    one's peaks are standardised: by the centre and spread over the good parts that it learned from, corrected
    by how much higher and wider the held-out ones lie, which the folds tell on average.

    Args:
        shots: All parts.
        fold: The fold each is held out in, (n,).
        models: One a fold, then the one to keep; or none.
        memory: Of the good parts.
        report: Told the share done.
    """
    peaks, marked = np.zeros((len(shots), 2)), []
    raw = np.zeros((len(models), len(shots)))
    for i, shot in enumerate(shots):
        surprise = memory.maps[i][None, None]
        peaks[i, 1] = float(peak(surprise))
        for k, model in enumerate(models):
            if shot.label == "good" or k == fold[i]:
                logit = model(as_tensor(shot.image))
                raw[k, i] = float(peak(logit))
                if k == fold[i] and shot.mask is not None and not shot.weak:
                    marked.append(_marked(shot, logit, surprise))
        report("judging held-out parts", (i + 1) / len(shots))
    good = np.array([shot.label == "good" for shot in shots])
    scale = (0.0, 1.0)
    if models:
        centre, spread = _scales(raw, good, fold)
        peaks[:, 0] = (raw[fold, np.arange(len(shots))] - centre[fold]) / spread[fold]
        scale = float(centre[-1]), float(spread[-1])
    return Held(peaks, scale, marked)


def _scales(raw: np.ndarray, good: np.ndarray, fold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre and spread of each model's peaks over unseen good parts, (models,) each; the last saw all."""

    def of(values: np.ndarray) -> tuple[float, float]:
        centre = float(np.median(values))
        return centre, 1.4826 * float(np.median(np.abs(values - centre))) + 1e-3 * (1 + abs(centre))

    seen = np.array([of(row[good & (fold != k)]) for k, row in enumerate(raw)])
    held = np.array([of(raw[k, good & (fold == k)]) for k in range(len(raw) - 1)])
    wider = float(np.exp(np.mean(np.log(held[:, 1] / seen[:-1, 1]))))
    higher = float(np.mean((held[:, 0] - seen[:-1, 0]) / seen[:-1, 1]))
    return seen[:, 0] + higher * seen[:, 1], seen[:, 1] * max(1.0, wider)


def _marked(shot: Shot, logit: Tensor, surprise: Tensor) -> Marked:
    """A part's maps and mask at the logits' resolution."""
    size = (logit.shape[-2], logit.shape[-1])
    true = F.adaptive_avg_pool2d(torch.from_numpy(shot.mask)[None, None].float(), size)[0, 0].numpy() > 0.3
    fine = F.interpolate(surprise, size=size, mode="bilinear", align_corners=False)[0, 0].numpy()
    return logit[0, 0].numpy(), fine, true


def conclude(
    shots: Sequence[Shot], held: Held, seen: bool, wanted: float, folds: int
) -> tuple[Fusion, Calibration, dict[str, Any]]:
    """Weighs the judges and sets the threshold from the good parts' held-out scores.

    Returns:
        The fusion, the calibration, and the held-out AUROC of each judge and of both, for the record.
    """
    good = np.array([s.label == "good" for s in shots])
    unit = weigh(held.peaks[good], held.peaks[~good], held.marked, seen)
    scores = unit.score(held.peaks)
    fusion = replace(
        unit,
        centre=(held.scale[0] + held.scale[1] * unit.centre[0], unit.centre[1]),
        spread=(held.scale[1] * unit.spread[0], unit.spread[1]),
    )
    facts: dict[str, Any] = {}
    if (~good).any():
        facts = {
            name: float(auroc(s[good], s[~good]) or 0)
            for name, s in (("segmenter", held.peaks[:, 0]), ("surprise", held.peaks[:, 1]), ("both", scores))
        }
    return fusion, calibrate(scores[good], wanted, folds=folds if seen else max(2, int(good.sum()))), facts
