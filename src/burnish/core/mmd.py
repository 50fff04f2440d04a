r"""How far two samples are from one distribution: the maximum mean discrepancy, and KID.

For a kernel k, MMD^2(P, Q) = E k(x, x') + E k(y, y') - 2 E k(x, y), with x, x' from P and y, y' from Q
(Gretton et al., JMLR 13, 2012). The estimate here leaves the diagonal out, so it is unbiased: over samples of
one distribution it is 0 on average, and may be below 0. It has the kernel's unit.

KID (arXiv:1801.01401) is MMD^2 of features with the cubic kernel (x . y / D + 1)^3. It depends on the
features' scale: figures compare only when they come from the same features, and those here come from
`burnish.train.features`, not from the Inception network of the paper.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Kernel = Callable[[Tensor, Tensor], Tensor]


def cubic(x: Tensor, y: Tensor) -> Tensor:
    """The cubic kernel (x . y / D + 1)^3, (n, m), of x (n, D) and y (m, D)."""
    return (x @ y.mT / x.shape[1] + 1) ** 3


def mmd2(x: Tensor, y: Tensor, kernel: Kernel = cubic) -> float:
    """The unbiased estimate of MMD^2, in the kernel's unit.

    Args:
        x: Samples of the one distribution, (n, D), n >= 2.
        y: Samples of the other, (m, D), m >= 2.
        kernel: Symmetric, (n, D) and (m, D) to (n, m).

    Raises:
        ValueError: Fewer than two samples, or another D.
    """
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < 2:
        raise ValueError(f"needs (n, D) and (m, D), n and m >= 2; got {tuple(x.shape)} and {tuple(y.shape)}")
    x, y = x.double(), y.double()
    return float(_within(kernel(x, x)) + _within(kernel(y, y)) - 2 * kernel(x, y).mean())


def kid(features: Tensor, reference: Tensor) -> float:
    """Kernel inception distance of features (n, D) from reference features (m, D): `mmd2` with `cubic`.

    Computed over all pairs, not averaged over blocks as in the paper: the same mean, less variance. Its unit
    is that of the cubic kernel of the features, without a factor.
    """
    return mmd2(features, reference, cubic)


def gaussian_of(x: Tensor) -> Tensor:
    """The Gaussian kernel of samples (n, D) with each other, (n, n), as wide as their median distance.

    The width is 1 where half of the samples are equal. It does not depend on the samples' order.
    """
    distances = torch.cdist(x, x)
    upper = distances[torch.triu(torch.ones_like(distances, dtype=torch.bool), 1)]
    width = float(upper.median()) if len(upper) else 0.0
    return torch.exp(-distances.square() / (2 * (width if width > 0 else 1.0) ** 2))


def permuted_mmd2(gram: Tensor, members: int, permutations: int, rng: torch.Generator) -> Tensor:
    """The unbiased MMD^2 between the last `members` samples and the rest, and after random relabellings.

    Args:
        gram: Kernel of all samples with all, (n, n).
        members: Samples of the second group, 2 <= members <= n - 2.
        permutations: How many relabellings.
        rng: Draws them.

    Returns:
        (1 + permutations,): first the labels as they are. If both groups come from one distribution all
        orders of these figures are equally likely, so their rank is an exact test (Gretton et al. 2012).

    Raises:
        ValueError: Too few samples in a group.
    """
    n = len(gram)
    rest = n - members
    if min(members, rest) < 2:
        raise ValueError(f"both groups need at least two samples, got {rest} and {members}")
    gram = gram.double()
    gram = gram - torch.diag(gram.diagonal())
    chosen = torch.rand(permutations, n, generator=rng).topk(members, dim=1).indices
    second = torch.zeros(1 + permutations, n, dtype=torch.float64)
    second[0, rest:] = 1
    second[1:].scatter_(1, chosen, 1)
    rows = second @ gram
    within = (rows * second).sum(1)
    across = rows.sum(1) - within
    others = gram.sum() - 2 * across - within
    return others / (rest * (rest - 1)) + within / (members * (members - 1)) - 2 * across / (rest * members)


def mmd_test(
    x: Tensor,
    y: Tensor,
    rng: torch.Generator,
    *,
    permutations: int = 999,
    kernel: Kernel | None = None,
) -> tuple[float, float]:
    """Permutation test of whether x (n, D) and y (m, D) come from one distribution.

    Args:
        x, y: The samples.
        rng: Draws the relabellings.
        permutations: How many; the least p-value is 1 / (1 + permutations).
        kernel: Gaussian of the median width over both samples when None.

    Returns:
        MMD^2 and the p-value (1 + #{relabelled >= as it is}) / (1 + permutations), valid at every n and m.
    """
    both = torch.cat([x, y]).double()
    gram = kernel(both, both) if kernel else gaussian_of(both)
    found = permuted_mmd2(gram, len(y), permutations, rng)
    return float(found[0]), float((found >= found[0] - 1e-12).double().mean())


def _within(gram: Tensor) -> Tensor:
    """The mean of a Gram matrix without its diagonal."""
    n = len(gram)
    return (gram.sum() - gram.diagonal().sum()) / (n * (n - 1))
