r"""Which of two sets of samples is nearer to a reference, with an interval.

The difference of two unbiased MMD^2 to one reference, $D = MMD^2(Y, R) - MMD^2(X, R)$, is asymptotically
normal as long as X and Y differ from R (Bounliphone et al., arXiv:1511.04581, theorem 2). R's own term
cancels, and the variance is that of the Hajek projection of the U-statistics: each sample's share of D.
"""

from scipy import stats
from torch import Tensor

from burnish.core.mmd import Kernel, cubic
from burnish.core.stats import Interval


def relative_mmd2(
    x: Tensor, y: Tensor, reference: Tensor, confidence: float = 0.95, kernel: Kernel = cubic
) -> Interval:
    """MMD^2 of y from the reference less that of x: above zero x is nearer.

    Args:
        x, y: Samples, (n, D) and (m, D).
        reference: (r, D). n, m, r >= 2.
        confidence: Of the interval.
        kernel: Symmetric.

    Raises:
        ValueError: Fewer than two samples of one.
    """
    if min(len(x), len(y), len(reference)) < 2:
        raise ValueError(f"needs two samples of each, got {len(x)}, {len(y)} and {len(reference)}")
    x, y, reference = (part.double() for part in (x, y, reference))
    own_x, own_y = _others(kernel(x, x)), _others(kernel(y, y))
    to_x, to_y = kernel(x, reference), kernel(y, reference)
    value = (own_y.mean() - 2 * to_y.mean()) - (own_x.mean() - 2 * to_x.mean())
    shares_x = 2 * (own_x - to_x.mean(1))
    shares_y = 2 * (own_y - to_y.mean(1))
    shares_r = 2 * (to_x.mean(0) - to_y.mean(0))
    variance = sum(float(share.var(correction=1)) / len(share) for share in (shares_x, shares_y, shares_r))
    half = float(stats.norm.ppf((1 + confidence) / 2)) * variance**0.5
    return Interval(float(value), float(value) - half, float(value) + half)


def _others(gram: Tensor) -> Tensor:
    """Each sample's mean kernel with the others, (n,)."""
    return (gram.sum(1) - gram.diagonal()) / (len(gram) - 1)
