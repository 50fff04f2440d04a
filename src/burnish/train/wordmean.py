r"""Fitting the mean that words tell, in closed form: ridge regression on the leading axes of the codes.

With Phi (n, buckets) the bags of n-grams of n descriptions, X (n, p) their centred codes, U S V^T the leading
`rank` terms of the singular value decomposition of X, the weights are those of kernel ridge regression of
the coordinates U S (Hoerl and Kennard, Technometrics 12, 1970):

    W = Phi^T (Phi Phi^T + lambda I)^-1 U S,        mean(phi) = centre + phi W V^T.

It costs seconds, where gradient descent takes hours to learn some thousand names by heart.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from burnish.nets.condition import hash_text
from burnish.nets.wordmean import WordMean, bag

RIDGE = 0.01


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
    x = codes.flatten(1).double()
    centre = x.mean(0)
    x = x - centre
    rank = min(rank, len(x), x.shape[1])
    values, vectors = torch.linalg.eigh(x @ x.T)
    scale, u = values[-rank:].clamp_min(0).sqrt(), vectors[:, -rank:]
    axes = (u.T @ x) / scale.clamp_min(1e-9)[:, None]
    phi = bag(hash_text(descriptions, buckets), buckets).double()
    gram = phi @ phi.T
    gram.diagonal().add_(ridge)
    words = phi.T @ torch.linalg.solve(gram, u * scale)
    mean = WordMean(buckets, rank, (codes.shape[1], codes.shape[2], codes.shape[3]))
    mean.words.copy_(words)
    mean.axes.copy_(axes)
    mean.centre.copy_(centre)
    left = x - phi @ words @ axes
    return mean.requires_grad_(False), float(left.square().mean().sqrt())
