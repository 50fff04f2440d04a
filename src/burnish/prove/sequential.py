r"""Exactly uniform p-values of a stream, so that a chart over them has the run length it was computed for.

A control limit from a hundred reference parts is itself an estimate, and a chart on it alarms too often or
too seldom by a factor nobody knows. Ranks avoid that. If $x_1, \dots, x_n$ are exchangeable, the rank of the
newest among all of them, ties broken at random,

$$ p_n = \frac{\#\{i < n : x_i > x_n\} + U_n (1 + \#\{i < n : x_i = x_n\})}{n} $$

is uniform on (0, 1) *and independent of all earlier* $p_i$, whatever the distribution of x (sequential ranks:
Bhattacharya and Frierson, Annals of Statistics 9, 1981; conformal p-values: Vovk, Gammerman and Shafer 2005).
$\Phi^{-1}(1 - p_n)$ is then exactly standard normal, from the first part on.

The same holds for windows of features: the rank of a window's MMD^2 to all features before it, among random
relabellings of window and past together. Where the past grows beyond `memory` features, what is dropped is
drawn evenly, which keeps the argument. The price: the past takes in what it is shown, so a shift fades from
these charts after about as many parts as the past holds. They alarm early or not at all.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from torch import Tensor


def sequential_p_values(values: Iterable[float], rng: np.random.Generator) -> Iterator[float]:
    """Yields the p-value in (0, 1) of each value among those up to it; small where it is high.

    Args:
        values: Finite numbers in their order.
        rng: Breaks ties and spreads ranks evenly.
    """
    seen: list[float] = []
    for value in values:
        number = float(value)
        below, up_to = bisect_left(seen, number), bisect_right(seen, number)
        higher, equal = len(seen) - up_to, up_to - below
        yield (higher + _open(rng) * (1 + equal)) / (len(seen) + 1)
        insort(seen, number)


def window_p_values(
    past: np.ndarray,
    stream: np.ndarray,
    window: int,
    rng: np.random.Generator,
    *,
    permutations: int = 199,
    memory: int = 400,
) -> Iterator[float]:
    """Yields the p-value in (0, 1) of each whole window of features among the past; small where it is new.

    Args:
        past: Features of parts known to be in order, (n, D), n >= 2.
        stream: Features of what follows, (m, D).
        window: Parts judged together, at least 2.
        rng: Draws relabellings, breaks ties and drops what exceeds `memory`.
        permutations: Relabellings a window; the least p-value is below 1 / (1 + permutations).
        memory: Features of the past at most.

    Raises:
        ValueError: Too small a window or past, or features of another width.
    """
    import torch

    from burnish.core.mmd import gaussian_of, permuted_mmd2

    if window < 2 or past.ndim != 2 or len(past) < 2 or stream.ndim != 2 or stream.shape[1] != past.shape[1]:
        raise ValueError(
            f"needs (n, D) and (m, D), n >= 2 and window >= 2, got {past.shape} {stream.shape} {window}"
        )
    draw = torch.Generator().manual_seed(int(rng.integers(2**62)))
    held = torch.from_numpy(np.ascontiguousarray(past, dtype=np.float64))
    fresh = torch.from_numpy(np.ascontiguousarray(stream, dtype=np.float64))
    held = _drop(held, memory, rng)
    for start in range(0, len(fresh) - window + 1, window):
        both = torch.cat([held, fresh[start : start + window]])
        figures = permuted_mmd2(gaussian_of(both), window, permutations, draw)
        relabelled = figures[1:]
        higher = int((relabelled > figures[0] + 1e-12).sum())
        equal = int(((relabelled - figures[0]).abs() <= 1e-12).sum())
        yield (higher + _open(rng) * (1 + equal)) / (permutations + 1)
        held = _drop(both, memory, rng)


def normal_scores(p_values: Iterable[float]) -> Iterator[float]:
    """Yields standard normal values, high where the p-value is small."""
    return (float(-special.ndtri(p)) for p in p_values)


def _open(rng: np.random.Generator) -> float:
    """Uniform on (0, 1), never 0."""
    return 1.0 - float(rng.random())


def _drop(held: "Tensor", memory: int, rng: np.random.Generator) -> "Tensor":
    """At most `memory` rows, those dropped drawn evenly."""
    if len(held) <= memory:
        return held
    return held[np.sort(rng.permutation(len(held))[:memory])]
