r"""The exact denoiser of a Markov chain: what is masked, given what is visible, by forward and backward sums.

For a chain with transitions P and visible tokens on both sides, the posterior of a masked place is

    p(x_i = v | visible) ~ f_i(v) b_i(v),
    f_i = (f_{i-1} o e_{i-1}) P,        b_i = P (e_{i+1} o b_{i+1}),

with e_i the evidence at place i: one token where it is visible, the allowed ones where it is masked (Rabiner
1989). Scaled at each place, float32 does. These conditionals are those of one joint distribution, so the
chain's NELBO is its likelihood, see `core.masked`.

An interpolated bigram is P = S + g u^T: what was seen, sparse, and a share g of the unigram u. So a product
costs as many steps as there are different pairs in the texts, not V^2.
"""

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from burnish.core.ngram import KneserNey
from burnish.core.posterior import Categorical

TINY = 1e-30


class Chain(nn.Module):
    """A Markov chain p(v | u) = S[u, v] + g[u] u[v] as a denoiser.

    Args:
        entries: How many numbers S has; they are read from a state, see `of` and `dense`.
        size: V.
        mask: The masking token.
        allowed: Bool (V,): what a masked place can be.
    """

    places: Tensor
    values: Tensor
    rest: Tensor
    floor: Tensor
    allowed: Tensor

    def __init__(self, entries: int, size: int, mask: int, allowed: Tensor) -> None:
        super().__init__()
        self.mask, self.size = mask, size
        self.register_buffer("places", torch.zeros(2, entries, dtype=torch.int32))
        self.register_buffer("values", torch.zeros(entries))
        self.register_buffer("rest", torch.zeros(size))
        self.register_buffer("floor", torch.zeros(size))
        self.register_buffer("allowed", allowed.float(), persistent=False)
        self._matrices: tuple[Tensor, Tensor] | None = None

    @classmethod
    def of(cls, model: KneserNey, end: int, pad: int, mask: int, allowed: Tensor) -> "Chain":
        """The chain of a bigram model; after `end` comes `pad`, and nothing else.

        Raises:
            ValueError: The model is no bigram.
        """
        if model.order != 2:
            raise ValueError(f"a chain needs a bigram, order 2, not {model.order}")
        level = model.levels[1]
        tails = [end, pad]
        known = ~np.isin(level.keys[level.contexts], tails)
        rest = np.ones(model.size)
        rest[level.keys] = level.rest
        rest[tails] = 0
        places = np.stack([level.keys[level.contexts][known], level.tokens[known]])
        places = np.concatenate([places, [tails, [pad, pad]]], 1)
        chain = cls(places.shape[1], model.size, mask, allowed)
        chain.places.copy_(torch.from_numpy(places))
        chain.values.copy_(torch.from_numpy(np.concatenate([level.extra[known], [1, 1]])))
        chain.rest.copy_(torch.from_numpy(rest))
        chain.floor.copy_(torch.from_numpy(model.levels[0].rows[0]))
        return chain

    @classmethod
    def dense(cls, transitions: Tensor, mask: int, allowed: Tensor) -> "Chain":
        """A chain of given transitions, (V, V), rows summing to 1."""
        places = transitions.nonzero().T
        chain = cls(places.shape[1], len(transitions), mask, allowed)
        chain.places.copy_(places)
        chain.values.copy_(transitions[places[0], places[1]])
        return chain

    @torch.no_grad()
    def forward(self, x_t: Tensor, t: Tensor | None = None, condition: object = None) -> Categorical:
        """log p of each token at each place given the visible ones elsewhere, (B, L, V).

        A visible place is answered as well, as if it alone were masked: what the others say of it.

        Args:
            x_t: int64 (B, L); the first place must be visible.
            t, condition: Not used.
        """
        evidence = self._evidence(x_t)
        both = torch.stack(self._forward(evidence)[0]) * torch.stack(self._backward(evidence))
        return Categorical((both * self.allowed[:, None]).permute(2, 0, 1).clamp_min(TINY).log())

    @torch.no_grad()
    def log_likelihood(self, x_t: Tensor) -> Tensor:
        """log p of what is visible given the first token, masked places summed out, (B,), in nats."""
        return self._forward(self._evidence(x_t))[1]

    @torch.no_grad()
    def next(self, tokens: Tensor) -> Tensor:
        """p(v | u) for given u, (*, V)."""
        one = torch.nn.functional.one_hot(tokens.flatten(), self.size).float().T
        return self._after(one).T.reshape(*tokens.shape, self.size)

    def _evidence(self, x_t: Tensor) -> list[Tensor]:
        """e at each place, (V, B)."""
        one = torch.nn.functional.one_hot(x_t.T, self.size).float()
        one[self.mask == x_t.T] = self.allowed
        return list(one.transpose(1, 2).contiguous())

    def _after(self, f: Tensor) -> Tensor:
        """P^T f, (V, B)."""
        return self._sparse()[0] @ f + self.floor[:, None] * (self.rest @ f)

    def _before(self, b: Tensor) -> Tensor:
        """P b, (V, B)."""
        return self._sparse()[1] @ b + self.rest[:, None] * (self.floor @ b)

    def _sparse(self) -> tuple[Tensor, Tensor]:
        """S^T and S, made once."""
        if self._matrices is None or self._matrices[0].device != self.values.device:
            shape = (self.size, self.size)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch calls the layout new at each first use
                s = torch.sparse_coo_tensor(self.places.long(), self.values, shape).coalesce()
                self._matrices = s.T.to_sparse_csr(), s.to_sparse_csr()
        return self._matrices

    def __getstate__(self) -> dict[str, Any]:
        """Copies make their own matrices: torch cannot copy sparse ones."""
        return self.__dict__ | {"_matrices": None}

    def _forward(self, evidence: list[Tensor]) -> tuple[list[Tensor], Tensor]:
        """f, scaled to sum 1, (V, B) at each place; log p of all the evidence given the first."""
        f = torch.ones_like(evidence[0]) / self.size
        found, level = [f], torch.zeros(f.shape[1], device=f.device)
        state = evidence[0]
        for e in evidence[1:]:
            f = self._after(state)
            mass = f.sum(0).clamp_min(TINY)
            f = f / mass
            found.append(f)
            state = f * e
            level = level + mass.log()
        return found, level + state.sum(0).clamp_min(TINY).log()

    def _backward(self, evidence: list[Tensor]) -> list[Tensor]:
        """b, scaled to a maximum of 1, (V, B) at each place."""
        b = torch.ones_like(evidence[0])
        found = [b]
        for e in reversed(evidence[1:]):
            b = self._before(e * b)
            b = b / b.amax(0).clamp_min(TINY)
            found.append(b)
        return found[::-1]
