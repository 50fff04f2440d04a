r"""The exact denoiser of a Markov chain: what is masked, given what is visible, by forward and backward sums.

For a chain with transitions P and visible tokens on both sides, the posterior of a masked place is

    p(x_i = v | visible) ~ f_i(v) b_i(v),
    f_i = (f_{i-1} o e_{i-1}) P,        b_i = P (e_{i+1} o b_{i+1}),

with e_i the evidence at place i: one token where it is visible, the allowed ones where it is masked (Rabiner
1989). Scaled at each place, float32 does. Where a neighbour is visible the sum is a row or a column of P, so
only runs of masks cost a matrix product. These conditionals are those of one joint distribution, so the chain's
NELBO is its likelihood, see `core.masked`.
"""

import torch
from torch import Tensor, nn

from burnish.core.posterior import Categorical


class Chain(nn.Module):
    """A Markov chain as a denoiser.

    Args:
        transitions: P[u, v] = p(v | u), (V, V).
        mask: The masking token.
        allowed: Bool (V,): what a masked place can be.
    """

    transitions: Tensor
    allowed: Tensor

    def __init__(self, transitions: Tensor, mask: int, allowed: Tensor) -> None:
        super().__init__()
        self.mask = mask
        self.register_buffer("transitions", transitions.float().contiguous())
        self.register_buffer("allowed", allowed.float())

    @torch.no_grad()
    def forward(self, x_t: Tensor, t: Tensor | None = None, condition: object = None) -> Categorical:
        """log p of each token at each place given the visible ones elsewhere, (B, L, V).

        A visible place is answered as well, as if it alone were masked: what the others say of it.

        Args:
            x_t: int64 (B, L); the first place must be visible.
            t, condition: Not used.
        """
        forward, _ = self.messages(x_t)
        backward = self._backward(x_t)
        return Categorical((forward * backward * self.allowed).clamp_min(1e-30).log())

    @torch.no_grad()
    def messages(self, x_t: Tensor) -> tuple[Tensor, Tensor]:
        """f, scaled to sum 1 at each place, (B, L, V), and log p(visible tokens up to there | first), (B, L).

        The masked places are summed out, so the last column is the likelihood of what is visible.
        """
        p, hidden = self.transitions, x_t == self.mask
        f = torch.ones(x_t.shape[0], len(p), device=p.device) / len(p)
        level = torch.zeros(len(f), device=p.device)
        found, known = [f], [level]
        for i in range(1, x_t.shape[1]):
            before, now = hidden[:, i - 1], hidden[:, i]
            message = p[torch.where(before, 0, x_t[:, i - 1])]
            if before.any():
                message[before] = (f[before] * self.allowed) @ p
            mass = message.sum(-1).clamp_min(1e-30)
            if i > 1:
                seen = f.gather(1, torch.where(before, 0, x_t[:, i - 1])[:, None])[:, 0]
                level = level + torch.where(before, 1.0, seen).clamp_min(1e-30).log()
            level = level + mass.log()
            f = message / mass[:, None]
            here = f.gather(1, torch.where(now, 0, x_t[:, i])[:, None])[:, 0]
            here = torch.where(now, f @ self.allowed, here)
            found.append(f)
            known.append(level + here.clamp_min(1e-30).log())
        return torch.stack(found, 1), torch.stack(known, 1)

    def _backward(self, x_t: Tensor) -> Tensor:
        """b, scaled to a maximum of 1 at each place, (B, L, V)."""
        p, hidden = self.transitions, x_t == self.mask
        columns = p.T.contiguous()
        b = torch.ones(x_t.shape[0], len(p), device=p.device)
        found = [b]
        for i in range(x_t.shape[1] - 2, -1, -1):
            after = hidden[:, i + 1]
            message = columns[torch.where(after, 0, x_t[:, i + 1])]
            if after.any():
                message[after] = (b[after] * self.allowed) @ columns
            b = message / message.amax(-1, keepdim=True).clamp_min(1e-30)
            found.append(b)
        return torch.stack(found[::-1], 1)
