"""A tiny autoencoder: pictures to 32 numbers at an eighth of the side, and back.

The networks of madebyollin's TAESD family (github.com/madebyollin/taesd, MIT) in their form for FLUX.2's
latent space, `taef2`: 64 channels, blocks of three 3 x 3 convolutions, and at the smallest side a branch that
sees the whole picture through its group norm. The weights are a file that the user has; see `docs/create.md`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTH, LATENT, FACTOR = 64, 32, 8
GROUPS = 4


def _conv(inputs: int, outputs: int, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=bias)


class Block(nn.Module):
    """Three convolutions around a skip; with `pool`, first a pointwise branch whose group norm sees the whole
    picture.

    Args:
        width: Channels.
        pool: Whether the branch is there.
    """

    def __init__(self, width: int = WIDTH, pool: bool = False) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            _conv(width, width), nn.ReLU(), _conv(width, width), nn.ReLU(), _conv(width, width)
        )
        wide = 4 * width
        self.pool = (
            nn.Sequential(
                nn.Conv2d(width, wide, 1, bias=False),
                nn.GroupNorm(GROUPS, wide),
                nn.ReLU(),
                nn.Conv2d(wide, width, 1, bias=False),
            )
            if pool
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) to the same."""
        if self.pool is not None:
            x = x + self.pool(x)
        return F.relu(self.conv(x) + x)


def _encoder(width: int, latent: int) -> nn.Sequential:
    layers: list[nn.Module] = [_conv(3, width), Block(width)]
    for level in range(3):
        layers.append(_conv(width, width, stride=2, bias=False))
        layers += [Block(width, pool=level == 2) for _ in range(3)]
    return nn.Sequential(*layers, _conv(width, latent))


class _Clamp(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x / 3) * 3


def _decoder(width: int, latent: int) -> nn.Sequential:
    layers: list[nn.Module] = [_Clamp(), _conv(latent, width), nn.ReLU()]
    for level in range(3):
        layers += [Block(width, pool=level == 0) for _ in range(3)]
        layers += [nn.Upsample(scale_factor=2), _conv(width, width, bias=False)]
    return nn.Sequential(*layers, Block(width), _conv(width, 3))


class TinyAutoencoder(nn.Module):
    """Encoder and decoder, frozen.

    Args:
        width: Channels inside.
        latent: Channels of the code.
    """

    def __init__(self, width: int = WIDTH, latent: int = LATENT) -> None:
        super().__init__()
        self.width, self.latent = width, latent
        self.encoder, self.decoder = _encoder(width, latent), _decoder(width, latent)
        self.eval().requires_grad_(False)

    def encode(self, pictures: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1], sides multiples of 8, to codes (B, latent, H / 8, W / 8)."""
        return self.encoder(pictures)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes to (B, 3, H, W), about in [0, 1]."""
        return self.decoder(codes)
