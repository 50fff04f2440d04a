r"""How far two samples are from one distribution: the maximum mean discrepancy, and KID.

For a kernel k, MMD^2(P, Q) = E k(x, x') + E k(y, y') - 2 E k(x, y), with x, x' from P and y, y' from Q
(Gretton et al., JMLR 13, 2012). The estimate here leaves the diagonal out, so it is unbiased: over samples of
one distribution it is 0 on average, and may be below 0. It has the kernel's unit.

KID (arXiv:1801.01401) is MMD^2 of features with the cubic kernel (x . y / D + 1)^3. It depends on the
features' scale: figures compare only when they come from the same features, and those here come from
`burnish.train.features`, not from the Inception network of the paper.
"""

from collections.abc import Callable

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


def _within(gram: Tensor) -> Tensor:
    """The mean of a Gram matrix without its diagonal."""
    n = len(gram)
    return (gram.sum() - gram.diagonal().sum()) / (n * (n - 1))
