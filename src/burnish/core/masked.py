r"""Masked (absorbing) diffusion on tokens.

Each token is masked on its own with probability t, and what is not masked is clean (arXiv:2107.03006). With the
linear schedule alpha_t = 1 - t, going back from t to s < t a masked token is revealed with probability
(t - s) / t, drawn from the denoiser's p(x_0 | x_t); a revealed one stays (MDLM, arXiv:2406.07524).

**The bound.** In continuous time the negative evidence lower bound is

    -log p(x_0) <= NELBO = int_0^1 (1 / t) E sum_{i masked} -log p(x_0[i] | x_t) dt.

The best denoiser does not depend on t: it is the data's conditional given what is visible (RADD,
arXiv:2406.03736). Integrating t out leaves a sum over how many of the n tokens are masked (the same as
order-agnostic autoregression, arXiv:2110.02037):

    NELBO = sum_{k=1}^{n} E_{|M| = k} mean_{i in M} -log p(x_0[i] | the others but M),

M a random subset of k places. `nelbo` takes nested subsets of a random order: for every order the sum is
unbiased. If the conditionals are those of one joint distribution, each order gives -log p(x_0) by the chain
rule, and the bound is tight.
"""

from collections.abc import Iterator, Sequence

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

        Two numbers are drawn for each place whether or not it is masked, so what one place shows does not shift
        the noise of another.
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


@torch.no_grad()
def nelbo(
    denoiser: Denoiser,
    mask: int,
    x_0: Tensor,
    places: Tensor,
    rng: torch.Generator,
    batch: int = 256,
    orders: int = 1,
) -> Tensor:
    """An unbiased estimate of the NELBO of each sequence, (B,), in nats, t integrated out; see the module.

    It costs one denoiser's answer for each token and order.

    Args:
        denoiser: Answers with a `Categorical`; asked at time k / n.
        mask: The masking token.
        x_0: Clean sequences, int64 (B, L).
        places: Bool (B, L): the tokens that count. The others (begin, end, padding) are always visible.
        rng: Chooses the orders.
        batch: Most sequences asked at once.
        orders: Random orders of each sequence; the standard error falls with their root.
    """
    total = torch.zeros(len(x_0), dtype=torch.float64)
    for _ in range(orders):
        for rows, x_t, hidden, t in nested(mask, x_0, places, rng, batch):
            posterior = _categorical(denoiser(x_t, t, None))
            surprise = -posterior.log_likelihood(x_0[rows]).double()
            mean = (surprise * hidden).sum(-1) / hidden.sum(-1)
            total.index_add_(0, rows, mean.cpu())
    return total / orders


def nested(
    mask: int, x_0: Tensor, places: Tensor, rng: torch.Generator, batch: int
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """For each sequence, its corruptions along one random order, from all masked to one masked.

    Yields:
        Numbers of sequences (N,), x_t (N, L), where it is masked (N, L), and the share masked (N,); N <= batch.
    """
    counts = places.sum(-1)
    chance = torch.rand(x_0.shape, generator=rng, dtype=torch.float64).masked_fill(~places.cpu(), 2.0)
    rank = chance.argsort(-1).argsort(-1).to(x_0.device)
    row = torch.repeat_interleave(torch.arange(len(x_0)), counts.cpu())
    masked = torch.cat([torch.arange(1, int(n) + 1) for n in counts]) if len(row) else row
    for part in torch.arange(len(row)).split(batch):
        rows, k = row[part], masked[part].to(x_0.device)
        hidden = (rank[rows] < k[:, None]) & places[rows]
        x_t = torch.where(hidden, mask, x_0[rows])
        yield rows, x_t, hidden, k / counts[rows]


@torch.no_grad()
def left_to_right(denoiser: Denoiser, mask: int, x_0: Tensor, places: Tensor, batch: int = 256) -> Tensor:
    """-log p of each sequence when its tokens are revealed from left to right, (B,), in nats: exact, no bound.

    Any fixed order of revealing is a sampler of its own, whose likelihood the chain rule gives.

    Args:
        denoiser, mask, x_0, places, batch: See `nelbo`.
    """
    total = torch.zeros(len(x_0), dtype=torch.float64)
    rank = (places.cumsum(-1) - 1).masked_fill(~places, -1)
    counts = places.sum(-1)
    row = torch.repeat_interleave(torch.arange(len(x_0)), counts.cpu())
    nth = torch.cat([torch.arange(int(n)) for n in counts]) if len(row) else row
    for part in torch.arange(len(row)).split(batch):
        rows, k = row[part], nth[part].to(x_0.device)
        x_t, t = torch.where(rank[rows] >= k[:, None], mask, x_0[rows]), 1 - k / counts[rows]
        surprise = -_categorical(denoiser(x_t, t, None)).log_likelihood(x_0[rows]).double()
        total.index_add_(0, rows, (surprise * (rank[rows] == k[:, None])).sum(-1).cpu())
    return total


def _wide(t: Tensor, x: Tensor) -> Tensor:
    return t if t.ndim == x.ndim else t[:, None].expand(x.shape[0] if len(t) == 1 else len(t), x.shape[1])


def _categorical(posterior: Posterior) -> Categorical:
    if not isinstance(posterior, Categorical):
        raise TypeError(f"masked diffusion needs a Categorical posterior, not {type(posterior).__name__}")
    return posterior
