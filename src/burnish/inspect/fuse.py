"""Weighing the two judges on parts that neither learned from."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize

from burnish.core.stats import average_precision
from burnish.inspect.detector import Fusion, squash

PRIOR = np.array([0.6, 0.4])
"""Weights of segmenter and surprise where nothing speaks against them."""
GUESSED = np.array([0.25, 0.75])
"""The same where every defect's place was guessed, so that the segmenter may have learned the wrong ones."""
SHARES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Weights of surprise beside the segmenter's logit that a heat map may have."""

Marked = tuple[np.ndarray, np.ndarray, np.ndarray]
"""A held-out part's logit, surprise and mask, (h, w) each at one resolution."""


def weigh(
    good: np.ndarray,
    bad: np.ndarray,
    marked: Sequence[Marked] = (),
    seen: bool = True,
    prior: np.ndarray = PRIOR,
) -> Fusion:
    """The weights of segmenter and surprise.

    Args:
        good: Held-out peaks of good parts, (n, 2), n >= 1: segmenter, surprise.
        bad: Held-out peaks of defective parts, (m, 2); m may be 0.
        marked: Held-out maps of parts whose defects are marked, and of some good ones.
        seen: Whether the segmenter learned from anything; if not, surprise alone counts.
        prior: Weights where nothing speaks against them.

    Returns:
        A fusion whose score is near 0 for good parts and grows with the logarithm of their spread. With few
        defects the weights stay near the prior, since nothing speaks against it; more defects move them.
    """
    centre = np.median(good, axis=0)
    spread = 1.4826 * np.median(np.abs(good - centre), axis=0) + 1e-3 * (1 + np.abs(centre))
    if not seen:
        weight = np.array([0.0, 1.0])
    elif len(bad):
        z = squash(np.maximum((np.concatenate([good, bad]) - centre) / spread, (0, -np.inf)))
        true = np.r_[np.zeros(len(good)), np.ones(len(bad))]
        weight = _logistic(z, true, prior, strength=0.05)[1:]
        weight = weight / weight.sum() if weight.sum() > 1e-6 else prior
    else:
        weight = prior
    return Fusion(_two(centre), _two(spread), _two(weight), _pixel_weights(marked, centre, spread, weight))


def _pixel_weights(
    marked: Sequence[Marked], centre: np.ndarray, spread: np.ndarray, weight: np.ndarray
) -> tuple[float, float, float]:
    """Offset and weights of the heat map's logit.

    The surprise's weight is the one of `SHARES` with the best held-out average precision; heat is 0.5 where
    precision and recall are in balance (F1). Without marked defects a part's typical peak gives heat 0.1.
    """
    if not any(mask.any() for _, _, mask in marked):
        slope = weight / spread
        return float(np.log(0.1 / 0.9) - slope @ centre), float(slope[0]), float(slope[1])
    logit, surprise, true = (np.concatenate([m[i].ravel() for m in marked]) for i in range(3))
    best = (-1.0, 0.0, 0.0)
    for share in SHARES:
        value = logit + share * surprise
        order = np.argsort(-value)
        hits = np.cumsum(true[order])
        found = average_precision(value, true) or 0.0
        f1 = 2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
        if found > best[0]:
            best = found, share, float(value[order[int(f1.argmax())]])
    return -best[2], 1.0, best[1]


def _logistic(x: np.ndarray, true: np.ndarray, prior: np.ndarray, strength: float) -> np.ndarray:
    """Offset and non-negative weights of a logistic regression, both kinds counted alike, drawn to
    `prior`."""
    balance = np.where(true > 0, 0.5 / max(true.sum(), 1), 0.5 / max((1 - true).sum(), 1))

    def cost(p: np.ndarray) -> tuple[float, np.ndarray]:
        logit = p[0] + x @ p[1:]
        value = (balance * (np.logaddexp(0, logit) - true * logit)).sum() + strength * (
            (p[1:] - prior) ** 2
        ).sum()
        slope = balance * (1 / (1 + np.exp(-np.clip(logit, -60, 60))) - true)
        return float(value), np.r_[slope.sum(), x.T @ slope + 2 * strength * (p[1:] - prior)]

    bounds = [(None, None)] + [(0.0, None)] * x.shape[1]
    return minimize(cost, np.r_[0.0, prior], jac=True, bounds=bounds, method="L-BFGS-B").x


def _two(values: Sequence[float] | np.ndarray) -> tuple[float, float]:
    return float(values[0]), float(values[1])
