"""Faults planted in real test clips, and the rows of `bench/surprise.py` for clips.

Two frames swapped, or one frame of another clip: which frames do not belong (AUROC over frames). A run of six
frames played backwards: which clips hold it (AUROC over clips, by their most surprising frame). A foreign
part: a patch of another clip, a quarter of the side wide, pasted into one frame. The baseline is the mean
absolute difference of a frame to its neighbours, averaged over the same blocks in the same way.
"""

from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

import clip_sets
import form
from burnish.core.left_out import BLOCK, SHARE, top_blocks
from burnish.inspect.clip import surprise
from burnish.verbs.load import load

CLIPS = 16
FAULTS = ("two frames swapped", "a frame of another clip", "a foreign part", "six frames reversed")


def plant(
    fault: str, clip: np.ndarray, other: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, set[int]]:
    """A clip with a fault, and the frames that do not belong."""
    clip, length = clip.copy(), len(clip)
    if fault == "two frames swapped":
        a = int(rng.integers(1, length - 5))
        b = int(rng.integers(a + 3, length - 1))
        clip[[a, b]] = clip[[b, a]]
        return clip, {a, b}
    at = int(rng.integers(1, length - 1))
    if fault == "a frame of another clip":
        clip[at] = other[at % len(other)]
        return clip, {at}
    if fault == "a foreign part":
        side = clip.shape[1] // 4
        (top, left), (y, x) = rng.integers(0, clip.shape[1] - side, (2, 2))
        clip[at, top : top + side, left : left + side] = other[at % len(other), y : y + side, x : x + side]
        return clip, {at}
    start = int(rng.integers(1, length - 7))
    clip[start : start + 6] = clip[start : start + 6][::-1].copy()
    return clip, set(range(start, start + 6))


def difference(film: np.ndarray) -> np.ndarray:
    """The baseline: difference to both neighbours by blocks, the most changed ones averaged, (N,)."""
    values = torch.from_numpy(film.astype(np.float32)).mean(-1)
    steps = top_blocks((values[1:] - values[:-1]).abs()[None], BLOCK, SHARE)[0].numpy()
    both = np.full((2, len(film)), np.nan)
    both[0, 1:], both[1, :-1] = steps, steps
    return np.nanmean(both, 0)


def rows(seeds: list[int]) -> list[dict[str, Any]]:
    """A row for each fault and each set that `bench/clips.py` has trained.

    Raises:
        FileNotFoundError: None is.
    """
    from clips import real_clips

    found = []
    for name in clip_sets.SETS:
        bundles = {seed: clip_sets.WORK / name / f"clip_{seed}" for seed in seeds}
        if not all((path / "bundle.json").exists() for path in bundles.values()):
            continue
        _, test = clip_sets.split(name)
        pairs = {
            fault: np.mean(
                [measure(load(bundles[seed]), real_clips(test, CLIPS, seed), fault, seed) for seed in seeds],
                0,
            )
            for fault in FAULTS
        }
        for fault, (ours, baseline) in pairs.items():
            found.append(
                form.row(
                    f"clips: {name}, {fault}", ours, "AUROC", peer=baseline, target=baseline, seeds=seeds
                )
            )
    if not found:
        raise FileNotFoundError("no clips are trained yet: make bench-clips")
    return found


def measure(model: Any, real: list[np.ndarray], fault: str, seed: int) -> tuple[float, float]:
    """(AUROC of surprise, AUROC of the difference)."""
    rng, whole = np.random.default_rng((seed, 3)), [clip for clip in real if len(clip) == model.length]
    truth: list[bool] = []
    ours: list[float] = []
    plain: list[float] = []
    for index, clip in enumerate(whole):
        other = whole[(index + len(whole) // 2) % len(whole)]
        spoiled, bad = plant(fault, clip, other, rng)
        scores, changes = surprise(model, spoiled), difference(spoiled)
        if fault == "six frames reversed":
            truth += [False, True]
            ours += [float(surprise(model, clip).max()), float(scores.max())]
            plain += [float(difference(clip).max()), float(changes.max())]
        else:
            truth += [k in bad for k in range(len(clip))]
            ours += list(scores)
            plain += list(changes)
    return float(roc_auc_score(truth, ours)), float(roc_auc_score(truth, plain))
