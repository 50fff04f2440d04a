r"""Masked (absorbing) diffusion on tokens.

Each token is masked on its own with probability t, and what is not masked is clean (arXiv:2107.03006). With
the linear schedule alpha_t = 1 - t, going back from t to s < t a masked token is revealed with probability
(t - s) / t, drawn from the denoiser's p(x_0 | x_t); a revealed one stays (MDLM, arXiv:2406.07524).

**The bound.** In continuous time the negative evidence lower bound is

    -log p(x_0) <= NELBO = int_0^1 (1 / t) E sum_{i masked} -log p(x_0[i] | x_t) dt.

The best denoiser does not depend on t: it is the data's conditional given what is visible (RADD,
arXiv:2406.03736). Integrating t out leaves a mean over the orders in which tokens can be
revealed (order-agnostic autoregression, arXiv:2110.02037):

    NELBO = E_order sum_{k=1}^{n} -log p(x_0[order_k] | those before it in the order).

If the conditionals are those of one joint distribution, every order gives -log p(x_0) by the chain rule,
and the bound is tight; the more consistent a denoiser, the less one order differs from another.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from burnish.core.posterior import Categorical, Denoiser, Posterior, draw
from burnish.core.process import Process, Rng
from burnish.core.solve import Ask, Solver


def uniform(shape: Sequence[int], rng: Rng = None) -> Tensor:
    """Uniform numbers in [0, 1), float64, from one generator or one a sample, see `core.process.normal`.

    Raises:
        ValueError: The number of generators differs from the batch.
    """
    if rng is None or isinstance(rng, torch.Generator):
        return torch.rand(tuple(shape), generator=rng, dtype=torch.float64)
    if len(rng) != shape[0]:
        raise ValueError(f"got {len(rng)} generators for a batch of {shape[0]}; give one, or one a sample")
    return torch.stack([torch.rand(tuple(shape[1:]), generator=one, dtype=torch.float64) for one in rng])


class Masked:
    """The masking process; x is int64 (B, L), a posterior is `Categorical`.

    Args:
        mask: The token that hides another.
    """

    def __init__(self, mask: int) -> None:
        self.mask = mask

    def prior(self, shape: Sequence[int], rng: Rng = None) -> Tensor:
        """All masked, (B, L)."""
        return torch.full(tuple(shape), self.mask)

    def corrupt(self, x_0: Tensor, t: Tensor, rng: Rng = None) -> Tensor:
        """Each token masked with probability t, (B,) or (B, L); 0 keeps it for sure."""
        hidden = uniform(x_0.shape, rng).to(x_0.device) < _wide(t, x_0)
        return torch.where(hidden, self.mask, x_0)

    def loss(self, posterior: Posterior, x_0: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
        """One sample of the NELBO: the sum over masked places of -log p / t, (B,), in nats; t > 0 there."""
        hidden = x_t == self.mask
        surprise = -_categorical(posterior).log_likelihood(x_0)
        return torch.where(hidden, surprise / _wide(t, x_0).clamp_min(1e-9), 0.0).sum(-1)

    def step(self, x_t: Tensor, posterior: Posterior, t: Tensor, s: Tensor, rng: Rng = None) -> Tensor:
        """From t to s: each masked token is revealed with probability (t - s) / t, (B, L).

        Two numbers are drawn for each place whether or not it is masked, so what one place shows does not
        shift the noise of another.
        """
        t, s = _wide(t, x_t), _wide(s, x_t)
        chance = torch.where(t > 0, (t - s) / t.clamp_min(1e-12), 0.0)
        noise = uniform((*x_t.shape, 2), rng).to(x_t.device)
        drawn = draw(_categorical(posterior).logits.double().softmax(-1), noise[..., 1])
        return torch.where((x_t == self.mask) & (noise[..., 0] < chance), drawn, x_t)

    def slope(self, x_t: Tensor, posterior: Posterior, t: Tensor) -> Tensor:
        """There is none: tokens jump.

        Raises:
            TypeError: Always; use the solver `ancestral`.
        """
        raise TypeError("tokens jump and have no slope; sample them with core.masked.ancestral")


def ancestral(rng: Rng = None, temperature: float = 1.0) -> Solver:
    """A solver for processes whose steps are random: `process.step` with a generator.

    Args:
        rng: One generator, or one a sample.
        temperature: Divides the logits; below 1 is more careful, above 1 bolder. Only 1 samples the model.
    """

    def solve(process: Process, ask: Ask, x_t: Tensor, t: Tensor, s: Tensor, past: object):
        posterior = ask(x_t, t)
        used = posterior
        if temperature != 1:
            used = Categorical(_categorical(posterior).logits / temperature)
        return process.step(x_t, used, t, s, rng), posterior, None

    return solve


def paced(rng: Rng = None, temperature: float = 1.0) -> Solver:
    """A solver that reveals as many masked tokens as is expected, (t - s) / t of them, at random places.

    With as many even steps as there are masks it reveals one at a time, which samples the limit of ever
    smaller steps of `ancestral` without its steps in which nothing happens (arXiv:2409.02908). It works for
    `Masked` alone.

    Args:
        rng, temperature: See `ancestral`.
    """

    def solve(process: Process, ask: Ask, x_t: Tensor, t: Tensor, s: Tensor, past: object):
        posterior = _categorical(ask(x_t, t))
        hidden = x_t == process.mask  # type: ignore[attr-defined]
        noise = uniform((*x_t.shape, 2), rng).to(x_t.device)
        count = (hidden.sum(-1) * (1 - s / t)).round()[:, None]
        height = noise[..., 0].masked_fill(~hidden, -1)
        shown = hidden & (height.argsort(-1, descending=True).argsort(-1) < count)
        drawn = draw((posterior.logits / temperature).double().softmax(-1), noise[..., 1])
        return torch.where(shown, drawn, x_t), posterior, None

    return solve


@torch.no_grad()
def surprise_along(
    denoiser: Denoiser, mask: int, x_0: Tensor, places: Tensor, height: Tensor, batch: int = 256
) -> Tensor:
    """-log p of each sequence when its tokens are revealed in a given order, (B,), in nats, exactly.

    A fixed order is a sampler of its own, whose likelihood the chain rule gives. It costs one answer of the
    denoiser for each token.

    Args:
        denoiser: Answers with a `Categorical`; asked at time k / n. Columns more than one behind the last
            place of a batch are cut off.
        mask: The masking token.
        x_0: Clean sequences, int64 (B, L).
        places: Bool (B, L): the tokens that count. The others (begin, end, padding) are always visible.
        height: The order, (B, L): the highest place is revealed first.
        batch: Most sequences asked at once.
    """
    counts = places.sum(-1)
    rank = height.double().masked_fill(~places, torch.inf).argsort(-1).argsort(-1)
    by_length = counts.cpu().argsort()
    row = torch.repeat_interleave(by_length, counts.cpu()[by_length])
    k = torch.cat([torch.arange(1, int(n) + 1) for n in counts.cpu()[by_length]] or [row])
    columns = torch.arange(x_0.shape[1], device=x_0.device)
    total = torch.zeros(len(x_0), dtype=torch.float64)
    for part in torch.arange(len(row)).split(batch):
        rows, several = row[part].to(x_0.device), k[part].to(x_0.device)
        width = int((places[rows] * columns).max()) + 2
        ranks, x = rank[rows][:, :width], x_0[rows][:, :width]
        hidden = (ranks < several[:, None]) & places[rows][:, :width]
        posterior = denoiser(torch.where(hidden, mask, x), several / counts[rows], None)
        shown = (ranks == several[:, None] - 1).double().argmax(-1, keepdim=True)
        log_p = _categorical(posterior).log_likelihood(x).gather(1, shown)[:, 0]
        total.index_add_(0, row[part], -log_p.double().cpu())
    return total


def surprise_orders(
    denoiser: Denoiser,
    mask: int,
    x_0: Tensor,
    places: Tensor,
    rng: torch.Generator,
    orders: int = 1,
    batch: int = 256,
) -> Tensor:
    """`surprise_along` random orders, (orders, B), in nats.

    The mean over orders estimates the NELBO without bias. `tighter` makes a tighter bound of the same
    numbers.
    """
    heights = torch.rand((orders, *x_0.shape), generator=rng, dtype=torch.float64).to(x_0.device)
    return torch.stack([surprise_along(denoiser, mask, x_0, places, h, batch) for h in heights])


def nelbo(
    denoiser: Denoiser, mask: int, x_0: Tensor, places: Tensor, rng: torch.Generator, orders: int = 1
) -> Tensor:
    """An unbiased estimate of the NELBO of each sequence, (B,), in nats, t integrated out; see the module."""
    return surprise_orders(denoiser, mask, x_0, places, rng, orders).mean(0)


def tighter(surprise: Tensor) -> Tensor:
    """A bound on -log p of the sampler that reveals in a random order, nearer than the NELBO, (B,), in nats.

    That sampler's p is the mean of p along each order, so -log of a mean over K orders is an upper bound in
    expectation that falls with K (arXiv:1509.00519).

    Args:
        surprise: -log p along K random orders, (K, B).
    """
    return math.log(len(surprise)) - torch.logsumexp(-surprise, 0)


def left_to_right(denoiser: Denoiser, mask: int, x_0: Tensor, places: Tensor, batch: int = 256) -> Tensor:
    """-log p of each sequence when its tokens are revealed from left to right, (B,), in nats."""
    height = torch.arange(x_0.shape[1], 0, -1, device=x_0.device).expand_as(x_0)
    return surprise_along(denoiser, mask, x_0, places, height, batch)


def _wide(t: Tensor, x: Tensor) -> Tensor:
    return t if t.ndim == x.ndim else t[:, None].expand(x.shape[0] if len(t) == 1 else len(t), x.shape[1])


def _categorical(posterior: Posterior) -> Categorical:
    if not isinstance(posterior, Categorical):
        raise TypeError(f"masked diffusion needs a Categorical posterior, not {type(posterior).__name__}")
    return posterior
