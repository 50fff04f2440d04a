"""Blocks of the hourglass. Pictures are (B, H, W, C) here: channels last is what CPU convolutions like best.

Each block is x + gate * f(norm(x) * (1 + scale) + shift), with scale, shift and gate from the condition's
vector by a layer that starts at zero (adaLN-zero, arXiv:2212.09748), so that a new network is the identity.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """x / rms(x) over the last axis (arXiv:1910.07467), without a gain: the modulation has one."""

    def __init__(self, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Shaped as x."""
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps)


class Modulation(nn.Module):
    """`parts` vectors of a width from the condition's vector, zero at first.

    Args:
        width: Width of the vectors.
        told: Width of the condition's vector.
        parts: How many.
    """

    def __init__(self, width: int, told: int, parts: int) -> None:
        super().__init__()
        self.parts = parts
        self.layer = nn.Linear(told, width * parts)
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)

    def forward(self, vector: Tensor) -> tuple[Tensor, ...]:
        """`parts` tensors of shape (B, 1, 1, width) from (B, told)."""
        return self.layer(F.silu(vector))[:, None, None].chunk(self.parts, -1)


class Conv(nn.Conv2d):
    """A convolution on (B, H, W, C)."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, H, W, in) to (B, H', W', out)."""
        return super().forward(input.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)

    def reset_to_zero(self) -> "Conv":
        """Answers zero from now on; returns itself."""
        nn.init.zeros_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)
        return self


class LocalBlock(nn.Module):
    """Two dense 3 x 3 convolutions. On CPUs they reach several times the arithmetic rate of depthwise ones
    or MLPs.

    Args:
        width: Channels.
        told: Width of the condition's vector.
    """

    def __init__(self, width: int, told: int) -> None:
        super().__init__()
        self.norm = RMSNorm()
        self.modulation = Modulation(width, told, 3)
        self.first = Conv(width, width, 3, padding=1)
        self.second = Conv(width, width, 3, padding=1)

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        """(B, H, W, C) and (B, told) to (B, H, W, C)."""
        scale, shift, gate = self.modulation(vector)
        y = self.first(F.silu(self.norm(x) * (1 + scale) + shift))
        return x + gate * self.second(F.silu(y))


class GlobalBlock(nn.Module):
    """Attention between all places, then a 3 x 3 convolution and a pointwise layer.

    Neither is wider than the block: a wider matrix costs Muon more than it brings.

    Args:
        width: Channels, a multiple of `head`.
        told: Width of the condition's vector.
        head: Channels of a head.
    """

    def __init__(self, width: int, told: int, head: int = 32) -> None:
        super().__init__()
        self.heads = width // head
        self.norm = RMSNorm()
        self.modulation = Modulation(width, told, 6)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.gain = nn.Parameter(torch.ones(self.heads, 1, 1))
        self.out = nn.Linear(width, width)
        self.first = Conv(width, width, 3, padding=1)
        self.second = nn.Linear(width, width)

    def attend(self, x: Tensor) -> Tensor:
        """Multi-head attention with unit queries and keys (arXiv:2302.05442), (B, H, W, C) to the same."""
        batch, height, width, channels = x.shape
        qkv = self.qkv(x).reshape(batch, height * width, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = self.norm(qkv[0]) * self.gain, self.norm(qkv[1]), qkv[2]
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.out(mixed.transpose(1, 2).reshape(batch, height, width, channels))

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        """(B, H, W, C) and (B, told) to (B, H, W, C)."""
        scale, shift, gate, scale2, shift2, gate2 = self.modulation(vector)
        x = x + gate * self.attend(self.norm(x) * (1 + scale) + shift)
        y = self.first(self.norm(x) * (1 + scale2) + shift2)
        return x + gate2 * self.second(F.silu(y))


class Stack(nn.ModuleList):
    """Blocks one after another, all told the same vector."""

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        """(B, H, W, C) and (B, told) to (B, H, W, C)."""
        for block in self:
            x = block(x, vector)
        return x
