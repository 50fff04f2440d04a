"""What each part would have scored had it not been learned from: the base of weights and of the threshold."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from burnish.core.process import seeded
from burnish.core.stats import auroc
from burnish.inspect.calibrate import Calibration, calibrate, fold_of
from burnish.inspect.detector import Fusion, peak
from burnish.inspect.fuse import GUESSED, PRIOR, Marked, weigh
from burnish.inspect.learn import Report, as_tensor
from burnish.inspect.pairs import Shot
from burnish.inspect.reference import DinoReference, LiteReference, shared_maps
from burnish.inspect.segmenter import Segmenter
from burnish.inspect.surprise import Surprise, learn_surprise
from burnish.nets.backbone import load_lite0

FOLDS, MEMORY_FOLDS = 2, 8
"""Of the segmenter and of the memory, for held-out judgements."""
KEPT = 1
"""The segmenter that is kept: it learns from the good parts of the other fold and from all defects, so its
judgements of its own fold's good parts are held out."""
STEADY = 10
"""A segmenter's spread over few good parts is drawn to both segmenters' as if it had this many more."""
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
    reference: LiteReference | DinoReference,
    seed: int,
    report: Report,
) -> Memory:
    """Learns what good parts look like, and judges every part by good parts of other folds.

    Args:
        shots: All parts.
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
    fold = deal_goods([shots[i].group for i in good.tolist()], MEMORY_FOLDS, np.random.default_rng((seed, 3)))
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


def deal(shots: Sequence[Shot], rng: np.random.Generator) -> list[Shot]:
    """The parts, each with its fold: good parts by group, defects evenly within their class.

    Where some are dealt already, the new ones are of the fold that the kept segmenter learns from.
    """
    if any(shot.fold is not None for shot in shots):
        return [replace(s, fold=1 - KEPT) if s.fold is None else s for s in shots]
    fold = np.zeros(len(shots), int)
    good = [i for i, shot in enumerate(shots) if shot.label == "good"]
    fold[good] = deal_goods([shots[i].group for i in good], FOLDS, rng)
    for label in sorted({s.label for s in shots} - {"good"}):
        mine = [i for i, s in enumerate(shots) if s.label == label]
        start = int(rng.integers(FOLDS))
        fold[rng.permutation(mine)] = (np.arange(len(mine)) + start) % FOLDS
    return [replace(shot, fold=int(k)) for shot, k in zip(shots, fold, strict=True)]


def taught(shots: Sequence[Shot], segmenter: int) -> list[Shot]:
    """The parts that a segmenter learns from: the kept one from all defects, so that none is wasted."""
    return [s for s in shots if s.fold != segmenter or (segmenter == KEPT and s.label != "good")]


@dataclass
class Held:
    """Held-out judgements.

    Attributes:
        peaks: (n, 2), of the segmenter in units of its own spread over unseen good parts, and of surprise.
        judged: Which parts were held out, bool (n,): all good ones, and the defects that one segmenter did
            not learn from.
        scale: Centre and spread of the kept segmenter's peaks.
        marked: Maps of held-out parts whose defects are drawn.
    """

    peaks: np.ndarray
    judged: np.ndarray
    scale: tuple[float, float]
    marked: list[Marked]


@torch.no_grad()
def judge_held_out(
    shots: Sequence[Shot], models: Sequence[Segmenter], memory: Memory, report: Report
) -> Held:
    """Judges each part by the segmenter that did not see it, and by the other parts' memory.

    Two segmenters learn for the same time from one half of the good parts each. So the scores of good parts
    that they did not see are alike but for their level, which differs from training to training: each one's
    peaks are standardised on the good parts that it did not see.

    Args:
        shots: All parts, dealt.
        models: The two segmenters, by fold; or none.
        memory: Of the good parts.
        report: Told the share done.
    """
    peaks, judged, marked = np.zeros((len(shots), 2)), np.zeros(len(shots), bool), []
    for i, shot in enumerate(shots):
        surprise = memory.maps[i][None, None]
        peaks[i, 1] = float(peak(surprise))
        judged[i] = shot.label == "good" or shot.fold != KEPT or not models
        if models and judged[i]:
            assert shot.fold is not None
            logit = models[shot.fold](as_tensor(shot.image))
            peaks[i, 0] = float(peak(logit))
            if shot.label != "good" and shot.mask is not None and not shot.weak:
                marked.append(_marked(shot, logit, surprise))
        report("judging held-out parts", (i + 1) / len(shots))
    scale = (0.0, 1.0)
    if models:
        good = np.array([shot.label == "good" for shot in shots])
        fold = np.array([shot.fold for shot in shots])
        centre, spread = _scales([peaks[good & (fold == k), 0] for k in range(FOLDS)])
        peaks[:, 0] = np.where(judged, (peaks[:, 0] - centre[fold]) / spread[fold], 0)
        scale = float(centre[KEPT]), float(spread[KEPT])
    return Held(peaks, judged, scale, marked)


def _scales(unseen: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Centre and spread of each segmenter's peaks over good parts that it did not see, (segmenters,) each."""
    centre = np.array([np.median(peaks) for peaks in unseen])
    off = [np.abs(peaks - c) for peaks, c in zip(unseen, centre, strict=True)]
    own, count = np.array([np.median(one) for one in off]), np.array([len(one) for one in off])
    drawn = (count * own**2 + STEADY * np.median(np.concatenate(off)) ** 2) / (count + STEADY)
    return centre, 1.4826 * np.sqrt(drawn) + 1e-3 * (1 + np.abs(centre))


def _marked(shot: Shot, logit: Tensor, surprise: Tensor) -> Marked:
    """A part's maps and mask at the logits' resolution."""
    size = (logit.shape[-2], logit.shape[-1])
    true = F.adaptive_avg_pool2d(torch.from_numpy(shot.mask)[None, None].float(), size)[0, 0].numpy() > 0.3
    fine = F.interpolate(surprise, size=size, mode="bilinear", align_corners=False)[0, 0].numpy()
    return logit[0, 0].numpy(), fine, true


def conclude(
    shots: Sequence[Shot], held: Held, seen: bool, wanted: float
) -> tuple[Fusion, Calibration, dict[str, float]]:
    """Weighs the judges and sets the threshold from the good parts' held-out scores.

    Args:
        shots: All parts.
        held: See `judge_held_out`.
        seen: Whether there are segmenters.
        wanted: False-reject rate.

    Returns:
        The fusion, the calibration, and the held-out AUROC of each judge and of both, for the record.
    """
    good = np.array([s.label == "good" for s in shots])
    bad = ~good & held.judged
    guessed = [s.weak for s in shots if s.label != "good" and s.mask is not None]
    prior = GUESSED if guessed and all(guessed) else PRIOR
    unit = weigh(held.peaks[good], held.peaks[bad], held.marked, seen, prior)
    scores = unit.score(held.peaks)
    fusion = replace(
        unit,
        centre=(held.scale[0] + held.scale[1] * unit.centre[0], unit.centre[1]),
        spread=(held.scale[1] * unit.spread[0], unit.spread[1]),
    )
    facts: dict[str, float] = {}
    if bad.any():
        facts = {
            name: float(auroc(s[good], s[bad]) or 0)
            for name, s in (("segmenter", held.peaks[:, 0]), ("surprise", held.peaks[:, 1]), ("both", scores))
        }
    folds = FOLDS if seen else min(MEMORY_FOLDS, int(good.sum()))
    return fusion, calibrate(scores[good], wanted, folds=folds), facts
