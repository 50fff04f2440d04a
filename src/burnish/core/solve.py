"""Solvers of the deterministic path, each one step from t to s < t.

A solver is `solver(process, ask, x_t, t, s, past) -> (x_s, posterior, past)`: `ask(x, t)` is the denoiser
with its condition filled in, t and s are (1,) or (B,), in (0, 1] and [0, t), `past` is whatever the solver
wants back at the next step (None at the first). `posterior` is the denoiser's answer at x_t, for previews.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from burnish.core.posterior import Posterior
from burnish.core.process import Process

Ask = Callable[[Tensor, Tensor], Posterior]
Solver = Callable[[Process, Ask, Tensor, Tensor, Tensor, Any], tuple[Tensor, Posterior, Any]]


def euler(
    process: Process, ask: Ask, x_t: Tensor, t: Tensor, s: Tensor, past: Any
) -> tuple[Tensor, Posterior, Any]:
    """Euler's step (order 1, one call): DDIM (arXiv:2010.02502) on the straight path. Serves every
    process.
    """
    posterior = ask(x_t, t)
    return process.step(x_t, posterior, t, s), posterior, None


def heun(
    process: Process, ask: Ask, x_t: Tensor, t: Tensor, s: Tensor, past: Any
) -> tuple[Tensor, Posterior, Any]:
    """Heun's step (order 2, two calls), the last one Euler's (EDM, arXiv:2206.00364, algorithm 1)."""
    posterior = ask(x_t, t)
    if float(s) <= 0:
        return process.step(x_t, posterior, t, s), posterior, None
    slope = process.slope(x_t, posterior, t)
    guess = x_t + (s - t) * slope
    return x_t + (s - t) / 2 * (slope + process.slope(guess, ask(guess, s), s)), posterior, None


def ab2(
    process: Process, ask: Ask, x_t: Tensor, t: Tensor, s: Tensor, past: Any
) -> tuple[Tensor, Posterior, Any]:
    """The two-step Adams-Bashforth method with uneven steps (order 2, one call); Euler's step first.

    With h = s - t and the step before it, g: x_s = x_t + h [(1 + h / 2g) f_t - (h / 2g) f_before]
    (Hairer, Norsett, Wanner, Solving ODEs I, III.5).
    """
    posterior = ask(x_t, t)
    slope = process.slope(x_t, posterior, t)
    h = (s - t).reshape(-1, *[1] * (x_t.ndim - 1))
    if past is None:
        return process.step(x_t, posterior, t, s), posterior, (slope, h)
    before, g = past
    lean = h / (2 * g)
    return x_t + h * ((1 + lean) * slope - lean * before), posterior, (slope, h)


SOLVERS: dict[str, Solver] = {"euler": euler, "heun": heun, "ab2": ab2}
"""By the name a command line knows."""
