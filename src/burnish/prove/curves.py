r"""Learning curves: error as a function of the amount of data, fitted by several families at once.

All families have the form $y(n) = c + a \, g(n; \theta)$ with $a, c \ge 0$ and g falling to 0:

| family | g |
| --- | --- |
| power law with offset | $n^{-b}$ |
| exponential | $e^{-n / \tau}$ |
| logistic in ln n | $1 / (1 + (n / n_0)^b)$ |

(Viering and Loog, arXiv:2103.10948, review them.) For a given $\theta$ the best $a, c$ are linear least
squares in closed form (separable least squares: Golub and Pereyra, SIAM J. Numerical Analysis 10, 1973), so
$\theta$ is searched over a grid and there is no local minimum to be caught in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Basis = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(theta (K, p), n (J,)) to g (K, J)."""


@dataclass(frozen=True)
class Family:
    """A basis function and the grid of its parameters, relative to the smallest and largest n."""

    basis: Basis
    grid: Callable[[float, float], np.ndarray]
    parameters: int


@dataclass(frozen=True)
class Fits:
    """Best curves of one family to B series.

    Attributes:
        theta: (B, p). a, c: (B,). loss: Weighted squared error (B,).
    """

    family: Family
    theta: np.ndarray
    a: np.ndarray
    c: np.ndarray
    loss: np.ndarray

    def at(self, n: np.ndarray) -> np.ndarray:
        """The curves at n (J,): (B, J)."""
        return self.c[:, None] + self.a[:, None] * self.family.basis(self.theta, np.asarray(n, np.float64))


def _power(theta: np.ndarray, n: np.ndarray) -> np.ndarray:
    return np.exp(-theta[:, :1] * np.log(n)[None])


def _exponential(theta: np.ndarray, n: np.ndarray) -> np.ndarray:
    return np.exp(-n[None] / theta[:, :1])


def _logistic(theta: np.ndarray, n: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(theta[:, 1:2] * np.log(n[None] / theta[:, :1])))


def _mesh(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1).reshape(-1, 2)


FAMILIES: Mapping[str, Family] = {
    "power law": Family(_power, lambda low, high: np.geomspace(0.05, 3, 80)[:, None], 3),
    "exponential": Family(_exponential, lambda low, high: np.geomspace(low / 4, 30 * high, 100)[:, None], 3),
    "logistic": Family(
        _logistic,
        lambda low, high: _mesh(np.geomspace(low / 2, 4 * high, 36), np.geomspace(0.3, 4, 20)),
        4,
    ),
}


def fit(family: Family, n: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Fits:
    """The best curve of a family to each series.

    Args:
        family: One of `FAMILIES`.
        n: Amounts of data, (J,), J >= 3, above 0.
        y: Errors, (B, J), at least 0.
        weight: Inverse variances, (J,).

    Raises:
        ValueError: Shapes that do not match.
    """
    n, y, weight = (np.asarray(x, dtype=np.float64) for x in (n, y, weight))
    if y.ndim != 2 or n.shape != weight.shape or y.shape[1:] != n.shape or len(n) < 3:
        raise ValueError(
            f"needs n (J,), y (B, J) and weight (J,), J >= 3; got {n.shape} {y.shape} {weight.shape}"
        )
    grid = family.grid(n.min(), n.max())
    g = family.basis(grid, n)
    total = weight.sum()
    middle_g, middle_y = g @ weight / total, y @ weight / total
    spread = ((g - middle_g[:, None]) ** 2) @ weight
    common = (y * weight) @ g.T - total * middle_y[:, None] * middle_g[None]
    a = np.maximum(common / np.maximum(spread, 1e-300)[None], 0.0)
    c = middle_y[:, None] - a * middle_g[None]
    through_zero = np.maximum((y * weight) @ g.T / np.maximum((g * g) @ weight, 1e-300)[None], 0.0)
    a = np.where(c < 0, through_zero, a)
    c = np.maximum(c, 0.0)
    # sum of w (y - c - a g)^2, expanded
    loss = (
        ((y * y) @ weight)[:, None]
        + c * c * total
        + a * a * ((g * g) @ weight)[None]
        - 2 * c * total * middle_y[:, None]
        - 2 * a * ((y * weight) @ g.T)
        + 2 * a * c * total * middle_g[None]
    )
    best = loss.argmin(1)
    rows = np.arange(len(y))
    return Fits(family, grid[best], a[rows, best], c[rows, best], np.maximum(loss[rows, best], 0.0))


def family_weights(losses: Mapping[str, float], points: int) -> dict[str, float]:
    """Akaike weights exp(-AICc / 2), normalised; losses are chi-squared (Burnham and Anderson
    2002).

    Args:
        losses: Weighted squared error of each family of `FAMILIES`.
        points: How many points were fitted.
    """
    found = {}
    for name, loss in losses.items():
        k = FAMILIES[name].parameters
        found[name] = loss + 2 * k + 2 * k * (k + 1) / max(points - k - 1, 1)
    least = min(found.values())
    raw = {name: float(np.exp((least - value) / 2)) for name, value in found.items()}
    return {name: value / sum(raw.values()) for name, value in raw.items()}
