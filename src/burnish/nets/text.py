r"""The text network: a small transformer that corrects what a Markov chain already knows.

The denoiser's answer at a masked place is

    log p(v | x_t) = g(h) log q(v | x_t) + h . E_v + const,

a product of experts (Hinton 2002) of the exact posterior q of a Markov chain (`core.chain`) and a transformer
with output h and tied embeddings E. The gate g is 1 and h . E is 0 at first, so an untrained denoiser is the
chain. On a few thousand lines the chain knows most of what there is to know; what it cannot see, what is more
than one token away, is left to the network. Mixing n-grams with neural models is old (Bengio et al. 2003,
section 3.2); here the n-gram is conditioned on both sides.

It is not told t: the best answer depends on what is visible alone (RADD, arXiv:2406.03736).
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from burnish.nets.blocks import RMSNorm


@dataclass(frozen=True)
class TextConfig:
    """The shape of a text denoiser.

    Args:
        size: Tokens of the vocabulary.
        mask, begin, end, pad: Its special tokens; none of them is ever an answer.
        width: Of the transformer, a multiple of `head`.
        depth: Blocks.
        head: Width of an attention head.
        reach: Distances beyond this share one attention bias.
        dropout: Share of activations dropped while training.
        causal: An autoregressive model instead: place i is answered from places before it alone.
    """

    size: int
    mask: int
    begin: int
    end: int
    pad: int
    width: int = 128
    depth: int = 3
    head: int = 32
    reach: int = 12
    dropout: float = 0.1
    causal: bool = False

    def allowed(self) -> Tensor:
        """What can be an answer, bool (size,): no special token, but the end for a causal model."""
        allowed = torch.ones(self.size, dtype=torch.bool)
        allowed[[self.mask, self.begin, self.pad]] = False
        allowed[self.end] = self.causal
        return allowed

    def to_json(self) -> dict[str, Any]:
        """For a bundle."""
        return asdict(self)


class TextBlock(nn.Module):
    """Attention with a learned bias for each signed distance (arXiv:1910.10683), then a gated layer."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        c = self.config = config
        self.heads = c.width // c.head
        self.norm, self.drop = RMSNorm(), nn.Dropout(c.dropout)
        self.qkv = nn.Linear(c.width, 3 * c.width, bias=False)
        self.out = nn.Linear(c.width, c.width)
        self.encoder = nn.Embedding(2 * c.reach + 1, self.heads)
        self.gate, self.rise = nn.Linear(c.width, 2 * c.width), nn.Linear(c.width, 2 * c.width)
        self.fall = nn.Linear(2 * c.width, c.width)
        for layer in (self.encoder, self.out, self.fall):
            nn.init.zeros_(layer.weight)

    def forward(self, x: Tensor, blocked: Tensor) -> Tensor:
        """(B, L, width) to the same; `blocked` is -inf where place i must not see place j, (B, 1, L, L)."""
        b, length, width = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        place = torch.arange(length, device=x.device)
        apart = (place[None] - place[:, None]).clamp(-self.config.reach, self.config.reach)
        bias = self.encoder(apart + self.config.reach).permute(2, 0, 1) + blocked
        mixed = F.scaled_dot_product_attention(self.norm(q), self.norm(k), v, attn_mask=bias)
        x = x + self.drop(self.out(mixed.transpose(1, 2).reshape(b, length, width)))
        y = self.norm(x)
        return x + self.drop(self.fall(F.silu(self.gate(y)) * self.rise(y)))


class TextNet(nn.Module):
    """The network of the module's equation: g and h; `core.corrected` brings q.

    Args:
        config: Its shape.
    """

    allowed: Tensor

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = c = config
        self.register_buffer("allowed", c.allowed(), persistent=False)
        self.encoder = nn.Embedding(c.size, c.width)
        nn.init.normal_(self.encoder.weight, std=c.width**-0.5)
        self.drop = nn.Dropout(c.dropout)
        self.blocks = nn.ModuleList(TextBlock(c) for _ in range(c.depth))
        self.norm = RMSNorm()
        self.head = nn.Linear(c.width, c.width)
        self.trust = nn.Linear(c.width, 1)
        for layer in (self.head, self.trust):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x_t: Tensor, belief: Tensor | None = None, where: Tensor | None = None) -> Tensor:
        """log p of every token at every place up to a constant, (B, L, size); -inf for special ones.

        Args:
            x_t: int64 (B, L): begin, tokens or masks, end, padding.
            belief: log q, (B, L, size); None for none.
            where: Bool (B, L): answer these places alone, (N, size).
        """
        h = self.features(x_t, belief)
        h = h if where is None else h[where]
        logits = self.head(h) @ self.encoder.weight.T
        if belief is not None:
            logits = logits + (1 + self.trust(h)) * (belief if where is None else belief[where])
        return logits.masked_fill(~self.allowed, -torch.inf)

    def features(self, x_t: Tensor, belief: Tensor | None) -> Tensor:
        """h, (B, L, width): of a causal model, at place i of what stands before it."""
        c, e = self.config, self.encoder.weight
        x = e[x_t] * c.width**0.5
        if c.causal:
            x = F.pad(x[:, :-1], (0, 0, 1, 0))
        elif belief is not None:
            hidden = (x_t == c.mask)[..., None]
            x = x + torch.where(hidden, (belief.exp() @ e) * c.width**0.5, 0.0)
        length = x_t.shape[1]
        blocked = (x_t == c.pad)[:, None, None, :].expand(-1, 1, length, -1)
        if c.causal:
            later = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
            blocked = blocked & ~torch.eye(length, dtype=torch.bool, device=x.device) | later
        bias = torch.zeros(blocked.shape, device=x.device).masked_fill(blocked, -1e9)
        x = self.drop(x)
        for block in self.blocks:
            x = block(x, bias)
        return self.norm(x)
