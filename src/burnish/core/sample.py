"""The one loop: from a corrupted thing to a clean one. Every verb calls it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from burnish.core.posterior import Denoiser, Posterior
from burnish.core.process import Process, Rng
from burnish.core.schedule import grid
from burnish.core.solve import Solver, ab2


@dataclass(frozen=True)
class Step:
    """What a callback sees after each step.

    Args:
        index: Steps done, 1 to `of`.
        of: Steps in all.
        t: The time reached.
        x: The sample at that time, (B, *).
        clean: The denoiser's clean estimate at this step, with the known parts in place, (B, *).
    """

    index: int
    of: int
    t: float
    x: Tensor
    clean: Tensor


@torch.no_grad()
def sample(
    denoiser: Denoiser,
    process: Process,
    x_or_shape: Tensor | Sequence[int],
    times: Tensor | int,
    solver: Solver = ab2,
    known: Tensor | None = None,
    known_mask: Tensor | None = None,
    condition: Any = None,
    start_t: float = 1.0,
    callback: Callable[[Step], bool | None] | None = None,
    rng: Rng = None,
    corrupted: bool = False,
) -> Tensor:
    """Walks from `start_t` to 0.

    Args:
        denoiser: Answers with the clean-data posterior.
        process: The corruption it was trained on.
        x_or_shape: A shape (B, *) to start from the prior; or a clean thing (B, *) which is corrupted to
            `start_t` first (refine).
        times: Falling times from `start_t` to 0, (steps + 1,); or a number of even steps.
        solver: See `core.solve`.
        known: Clean values to keep, (B, *); None takes `x_or_shape`, when that is a thing.
        known_mask: Bool, broadcasts over (B, *); True is known: it has t = 0 and is restored at every step.
        condition: Passed to the denoiser.
        start_t: First time, in (0, 1].
        callback: Called after every step; answering True stops the walk, and the clean estimate so far is
            returned.
        rng: Randomness, one generator or one a sample.
        corrupted: `x_or_shape` is x_t at `start_t` already, such as a noisy picture times 1 - t, so no noise
            is added.

    Returns:
        The clean thing, (B, *); equal to `known` to the bit where `known_mask`.

    Raises:
        ValueError: Times that do not fall from `start_t` to 0, a shape without start_t = 1, a mask without
            values.
    """
    times = grid(times, start_t) if isinstance(times, int) else times
    _check_times(times, start_t)
    given = isinstance(x_or_shape, Tensor)
    if not given and start_t < 1:
        raise ValueError(f"start_t = {start_t} needs a thing to start from, not a shape")
    known = x_or_shape if known is None and given else known
    if known_mask is not None and known is None:
        raise ValueError("known_mask needs the known values: give `known`")
    device = _device(denoiser, x_or_shape)
    x = _start(process, x_or_shape, start_t, rng, corrupted).to(device)
    kept = (
        Kept(known.to(device), known_mask.to(device))
        if known_mask is not None and known is not None
        else None
    )
    x, past, steps = x if kept is None else kept(x), None, len(times) - 1
    times = times.to(device, x.dtype if x.dtype.is_floating_point else torch.float64)
    for index in range(steps):
        t, s = times[index].expand(1), times[index + 1].expand(1)
        x, clean, past = advance(denoiser, process, x, t, s, solver, past, condition, kept)
        if callback and callback(Step(index + 1, steps, float(s), x, clean)):
            return clean
    return x


@dataclass(frozen=True)
class Kept:
    """What is known, and put back at every step.

    Args:
        values: Clean values, (B, *).
        mask: Bool, broadcasts over (B, *); True is known.
    """

    values: Tensor
    mask: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """x with the known values in their places."""
        return torch.where(self.mask, self.values, x)

    def times(self, t: Tensor, x: Tensor) -> Tensor:
        """The time t (B,) of each token of x: 0 where it is known."""
        return t.reshape(-1, *[1] * (x.ndim - 1)) * ~_one_channel(self.mask, x)


@torch.no_grad()
def advance(
    denoiser: Denoiser,
    process: Process,
    x: Tensor,
    t: Tensor,
    s: Tensor,
    solver: Solver = ab2,
    past: Any = None,
    condition: Any = None,
    kept: Kept | None = None,
) -> tuple[Tensor, Tensor, Any]:
    """One step of the loop, from t to s < t.

    Args:
        denoiser, process, solver, condition: See `sample`.
        x: The sample at t, (B, *).
        t, s: Times, (1,), or (B,) of their own.
        past: What the solver handed back at the step before; None at the first, and where the walk was left.
        kept: What is known.

    Returns:
        The sample at s, the clean estimate at t (both with the known values in place), and what the solver
        wants back.
    """

    def ask(x_t: Tensor, at: Tensor) -> Posterior:
        at = at.expand(x_t.shape[0])
        return denoiser(x_t, at if kept is None else kept.times(at, x_t), condition)

    x, posterior, past = solver(process, ask, x, t, s, past)
    return (x, posterior.mean, past) if kept is None else (kept(x), kept(posterior.mean), past)


def _start(
    process: Process, x_or_shape: Tensor | Sequence[int], start_t: float, rng: Rng, corrupted: bool
) -> Tensor:
    if not isinstance(x_or_shape, Tensor):
        return process.prior(x_or_shape, rng)
    if corrupted:
        return x_or_shape
    return process.corrupt(x_or_shape, torch.full((len(x_or_shape),), start_t, device=x_or_shape.device), rng)


def _one_channel(mask: Tensor, x: Tensor) -> Tensor:
    """A mask over (B, C, *) as one of (B, 1, *): a token is known when all its channels are."""
    mask = mask if mask.ndim == x.ndim else mask.reshape(*[1] * (x.ndim - mask.ndim), *mask.shape)
    if x.ndim == 4:
        return mask.all(1, keepdim=True).expand(x.shape[0], 1, *x.shape[2:])
    if x.ndim == 3:
        return mask.all(2, keepdim=True).expand(*x.shape[:2], 1)
    return mask


def _device(denoiser: Denoiser, x_or_shape: Tensor | Sequence[int]) -> torch.device:
    if isinstance(x_or_shape, Tensor):
        return x_or_shape.device
    inner: Any = denoiser
    while not isinstance(inner, torch.nn.Module) and hasattr(inner, "denoiser"):
        inner = inner.denoiser
    if isinstance(inner, torch.nn.Module):
        for parameter in inner.parameters():
            return parameter.device
    return torch.device("cpu")


def _check_times(times: Tensor, start_t: float) -> None:
    falling = times.ndim == 1 and len(times) >= 2 and bool((times[1:] < times[:-1]).all())
    if not falling or float(times[-1]) != 0 or abs(float(times[0]) - start_t) > 1e-6 or start_t > 1:
        raise ValueError(f"times must fall from start_t = {start_t} to 0; got {times.tolist()}")
