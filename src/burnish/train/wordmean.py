r"""Fitting the mean that words tell, in closed form: ridge regression on the leading axes of the codes.

With Phi (n, buckets) the bags of n-grams of n descriptions, X (n, p) their centred codes, U S V^T the leading
`rank` terms of the singular value decomposition of X, the weights are those of kernel ridge regression of
the coordinates U S (Hoerl and Kennard, Technometrics 12, 1970):

    W = Phi^T (Phi Phi^T + lambda I)^-1 U S,        mean(phi) = centre + phi W V^T.

It costs seconds, where gradient descent takes hours to learn some thousand names by heart.

With a small lambda the mean is each picture itself. `cross_fit_word_mean` chooses the lambda that foretells
pictures it has not seen; and while the network learns, each picture gets the mean that was fitted without it,
so that the network learns how far a mean is to be trusted.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from burnish.nets.condition import hash_text
from burnish.nets.wordmean import WordMean, bag

RIDGE = 0.01
RIDGES = (0.1, 0.3, 1.0, 3.0, 10.0)
FOLDS = 5
RANK, MOST = 128, 3000
"""Axes of a cross-fitted mean, and most pictures that it is fitted to."""
LEAST, TOLD = 100, 0.05
"""Fewer pictures, or less of their variance that words foretell, and there is no cross-fitted mean."""
CLOSE = 0.01
"""Of the variance: the smallest lambda that comes so close to the best is taken, for it says most."""


@torch.no_grad()
def fit_word_mean(
    codes: Tensor, descriptions: Sequence[str], buckets: int, rank: int, ridge: float = RIDGE
) -> tuple[WordMean, float]:
    """The fitted mean, and the standard deviation of what it leaves.

    Args:
        codes: (n, C, h, w).
        descriptions: n of them; one may describe several codes, whose average it then tells.
        buckets: Number of n-grams' ids.
        rank: Axes that are kept, at most n - 1 are useful.
        ridge: Lambda, above 0.
    """
    x, centre, axes, places = _leading(codes, rank)
    phi = bag(hash_text(descriptions, buckets), buckets).double()
    words = phi.T @ _ridge(phi @ phi.T, places, ridge)
    mean = _word_mean(codes, buckets, words, axes, centre)
    left = x - phi @ words @ axes
    return mean, float(left.square().mean().sqrt())


@torch.no_grad()
def cross_fit_word_mean(
    codes: Tensor, descriptions: Sequence[str], buckets: int, seed: int
) -> tuple[WordMean, float, float, np.ndarray] | None:
    """A mean that foretells pictures it was not fitted to.

    Args:
        codes: (n, C, h, w).
        descriptions: n of them; pictures of one description are held out together.
        buckets: Number of n-grams' ids.
        seed: Of the folds.

    Returns:
        The mean, whose `folds` were fitted without a fold each; the standard deviation of what it leaves of
        held-out pictures; the share of their variance that it tells; and each picture's fold, int (n,), from
        1. None where words tell next to nothing.
    """
    different = sorted(set(descriptions))
    if len(codes) < LEAST or len(different) < 2 * FOLDS:
        return None
    dealt = np.random.default_rng((seed, 13)).permutation(len(different)) % FOLDS + 1
    number = {text: int(k) for text, k in zip(different, dealt, strict=True)}
    fold = np.array([number[text] for text in descriptions])
    used = np.sort(np.random.default_rng((seed, 14)).permutation(len(codes))[:MOST])
    x, centre, axes, places = _leading(codes[used], RANK)
    said = [str(descriptions[i]) for i in used.tolist()]
    phi = bag(hash_text(said, buckets), buckets).double()
    whole, rest = float(x.square().sum()), float(x.square().sum() - places.square().sum())
    gram, among = phi @ phi.T, torch.from_numpy(fold[used])
    parted = [(among == k, among != k) for k in range(1, FOLDS + 1)]

    def weights(ins: Tensor, ridge: float) -> Tensor:
        return _ridge(gram[ins][:, ins], places[ins], ridge)

    told = {}
    for ridge in RIDGES:
        errors = [places[out] - gram[out][:, ins] @ weights(ins, ridge) for out, ins in parted]
        told[ridge] = 1 - (rest + sum(float(error.square().sum()) for error in errors)) / whole
    best = max(told.values())
    if best < TOLD:
        return None
    ridge = min(r for r, share in told.items() if share >= best - CLOSE)
    mean = _word_mean(codes, buckets, phi.T @ _ridge(gram, places, ridge), axes, centre)
    mean.folds = torch.stack([phi[ins].T @ weights(ins, ridge) for _, ins in parted]).float()
    deviation = ((1 - told[ridge]) * whole / x.numel()) ** 0.5
    return mean, deviation, told[ridge], fold


def _leading(codes: Tensor, rank: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Centred codes (n, p), their centre (p,), leading axes (rank, p) and coordinates (n, rank); float64."""
    x = codes.flatten(1).double()
    centre = x.mean(0)
    x = x - centre
    rank = min(rank, len(x), x.shape[1])
    values, vectors = torch.linalg.eigh(x @ x.T)
    scale, u = values[-rank:].clamp_min(0).sqrt(), vectors[:, -rank:]
    return x, centre, (u.T @ x) / scale.clamp_min(1e-9)[:, None], u * scale


def _ridge(gram: Tensor, places: Tensor, ridge: float) -> Tensor:
    """The weight of each picture in kernel ridge regression, (n, rank); times Phi^T they are those of
    n-grams."""
    return torch.linalg.solve(gram + ridge * torch.eye(len(gram), dtype=gram.dtype), places)


def _word_mean(codes: Tensor, buckets: int, words: Tensor, axes: Tensor, centre: Tensor) -> WordMean:
    mean = WordMean(buckets, words.shape[1], (codes.shape[1], codes.shape[2], codes.shape[3]))
    mean.words.copy_(words)
    mean.axes.copy_(axes)
    mean.centre.copy_(centre)
    return mean.requires_grad_(False)
