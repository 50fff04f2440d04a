"""Where a defect may lie when only its label is known: weaker than a drawn mask, and marked as such."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from burnish.inspect.pairs import Shot, disc
from burnish.inspect.placement import foreground

Heat = Callable[[np.ndarray], np.ndarray]
"""A picture, uint8 (h, w, 3), to a map of suspicion, float (h, w): a detector of novelty, say."""


def with_masks(goods: list[Shot], defects: list[Shot], heat: Heat | None = None) -> list[Shot]:
    """Gives each defect without a mask a guessed one, and marks it `weak`; those left without any are
    dropped.

    Args:
        goods: Good parts to compare with.
        defects: Defective parts.
        heat: A better map of suspicion than the difference from the nearest good parts.
    """
    out = []
    for shot in defects:
        if shot.mask is None:
            mask = weak_mask(shot.image, [g.image for g in goods], heat)
            shot = replace(shot, mask=mask, weak=True)
        if shot.mask is not None and shot.mask.any():
            out.append(shot)
    return out


def weak_mask(image: np.ndarray, goods: list[np.ndarray], heat: Heat | None = None) -> np.ndarray:
    """The most suspicious places of a part, bool (h, w), possibly empty; at most a quarter of the picture.

    Suspicion is `heat`, or the smallest smoothed difference from the three most alike good parts, shifted to
    fit.

    Args:
        image: uint8 (h, w, 3).
        goods: Good parts, uint8 (h', w', 3).
        heat: See above.
    """
    h, w = image.shape[:2]
    if heat is not None:
        map_ = np.asarray(heat(image), np.float32)
    elif goods:
        map_ = _difference(image, goods)
    else:
        return np.zeros((h, w), bool)
    map_ = map_ - np.median(map_)
    spread = 1.4826 * float(np.median(np.abs(map_))) + 1e-6
    mask = map_ > max(4 * spread, 0.45 * float(map_.max()), float(np.quantile(map_, 0.75)))
    mask = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc(1))
    count, pieces, facts, _ = cv2.connectedComponentsWithStats(mask)
    order = sorted(range(1, count), key=lambda k: -float(map_[pieces == k].sum()))
    kept = [k for k in order[:3] if facts[k, cv2.CC_STAT_AREA] >= 9]
    return np.isin(pieces, kept)


def _difference(image: np.ndarray, goods: list[np.ndarray]) -> np.ndarray:
    """Smallest difference from the three nearest goods, float32 (h, w)."""
    h, w = image.shape[:2]

    def small(picture: np.ndarray) -> np.ndarray:
        return cv2.resize(picture, (48, 48), interpolation=cv2.INTER_AREA).astype(np.float32)

    own = small(image)
    near = sorted(goods, key=lambda g: float(np.abs(small(g) - own).mean()))[:3]
    blurred = cv2.GaussianBlur(image, (0, 0), 2).astype(np.float32)
    least, part = np.full((h, w), np.inf, np.float32), foreground(image)
    for good in near:
        fitted = _fitted(cv2.resize(good, (w, h), interpolation=cv2.INTER_AREA), image)
        gap = cv2.absdiff(cv2.GaussianBlur(fitted, (0, 0), 2).astype(np.float32), blurred).max(axis=2)
        least = np.minimum(least, cv2.erode(gap, disc(1)))
        part |= foreground(fitted)
    return least * cv2.dilate(part.astype(np.uint8), disc(3))


def _fitted(good: np.ndarray, image: np.ndarray) -> np.ndarray:
    """The good part shifted and turned onto the other (ECC, Evangelidis and Psarakis 2008)."""
    h, w = image.shape[:2]
    scale = 128 / max(h, w)
    size = (max(8, round(w * scale)), max(8, round(h * scale)))
    own, other = (
        cv2.resize(p, size, interpolation=cv2.INTER_AREA).mean(axis=2).astype(np.float32)
        for p in (image, good)
    )
    move = np.eye(2, 3, dtype=np.float32)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
    try:
        sure, found = cv2.findTransformECC(own, other, move, cv2.MOTION_EUCLIDEAN, stop)
    except cv2.error:  # no overlap, or nothing to hold on to
        return good
    if sure < 0.5 or np.abs(found[:, 2]).max() > 25:
        return good
    found = found.copy()
    found[:, 2] /= scale
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(good, found, (w, h), flags=flags, borderMode=cv2.BORDER_REPLICATE)
