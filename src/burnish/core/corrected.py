"""A Markov chain corrected by a network: the denoiser of lines, see `nets.text` for the equation."""

import math
from typing import Any

from torch import Tensor, nn

from burnish.core.chain import Chain
from burnish.core.posterior import Categorical


class Corrected(nn.Module):
    """A denoiser of tokens; before training it is the chain itself.

    Args:
        net: Called as `net(x_t, log q, where)`, answers logits; its `config` names the special tokens.
        chain: None for the network alone; its shape (entries, states) when its state is to be loaded.
    """

    def __init__(self, net: Any, chain: Chain | tuple[int, int] | None = None) -> None:
        super().__init__()
        c = net.config
        self.net = net
        read = isinstance(chain, tuple)
        self.chain = Chain(chain[0], chain[1], c.size, c.mask, c.allowed()) if read else chain

    def forward(
        self,
        x_t: Tensor,
        t: Tensor | None = None,
        condition: Any = None,
        chain: Chain | None = None,
        where: Tensor | None = None,
    ) -> Categorical:
        """The posterior of each token, logits (B, L, V), or (N, V) with `where`.

        Only masked places are asked for; at a visible one the answer knows the token.

        Args:
            x_t: int64 (B, L): begin, tokens or masks, end, padding.
            t, condition: Not used.
            chain: Another chain than its own, such as one that has not seen these lines.
            where: Bool (B, L): answer these places alone.
        """
        chain = chain or self.chain
        belief = self.believe(x_t, chain) if chain is not None else None
        return Categorical(self.net(x_t, belief, where))

    def believe(self, x_t: Tensor, chain: Chain) -> Tensor:
        """The chain's log q, (B, L, V); for a causal network that of the next step alone."""
        return chain.ahead(x_t) if self.net.config.causal else chain(x_t).log_probabilities


class Seen:
    """A denoiser that wraps a denoiser: only tokens that the texts held are drawn.

    A byte that no text held has a chance, for likelihoods must be finite, but a walk has no use for it.

    Args:
        denoiser: Without a chain nobody knows what was seen, and all is drawn.
    """

    def __init__(self, denoiser: Corrected) -> None:
        self.denoiser = denoiser

    def __call__(self, x_t: Tensor, t: Tensor, condition: Any = None) -> Categorical:
        """See `core.posterior.Denoiser`."""
        answer, chain = self.denoiser(x_t, t, condition), self.denoiser.chain
        if chain is None:
            return answer
        return Categorical(answer.logits.masked_fill(chain.floor <= chain.floor[chain.mask], -math.inf))
