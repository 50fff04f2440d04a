"""Split-conformal thresholds on scores of good parts (Vovk et al. 2005; Bates et al., arXiv:2104.08279).

numpy only: the line computes p-values with it.
"""

import numpy as np
from numpy.typing import ArrayLike


def p_value(score: ArrayLike, good_scores: ArrayLike) -> np.ndarray:
    """The conformal p-value of a new part: (1 + #{good scores >= score}) / (n + 1).

    Args:
        score: Scores of new parts, any shape; higher is more suspicious.
        good_scores: Held-out scores of n good parts, shape (n,).

    Returns:
        P-values in [1 / (n + 1), 1], shaped as `score`. For an exchangeable good part P(p <= a) <= a.
    """
    ordered = np.sort(np.asarray(good_scores, dtype=np.float64))
    at_least = len(ordered) - np.searchsorted(ordered, np.asarray(score, dtype=np.float64), side="left")
    return (1 + at_least) / (len(ordered) + 1)
