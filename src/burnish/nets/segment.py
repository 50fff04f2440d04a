"""A light decoder that turns the maps of a trunk into a defect map."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


class _Mix(nn.Module):
    """Depthwise 5 x 5, then pointwise, with a skip: spatial mixing at a hundredth of a full convolution's
    cost."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.norm = nn.GroupNorm(8, width)
        self.up = nn.Conv2d(width, 2 * width, 1)
        self.down = nn.Conv2d(2 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(F.silu(self.up(self.norm(self.depthwise(x)))))


class Decoder(nn.Module):
    """Feature pyramid (Lin et al., arXiv:1612.03144): from coarse to fine, each level adds its own map.

    Args:
        channels: Channels of the maps, fine to coarse, each at half the resolution of the one before.
        width: Channels inside.
    """

    def __init__(self, channels: Sequence[int], width: int = 64) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1) for c in channels)
        self.mix = nn.ModuleList(_Mix(width) for _ in channels)
        self.head = nn.Conv2d(width, 1, 1)
        nn.init.constant_(self.head.bias, -4.0)  # type: ignore[arg-type]

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Logits of `defective` at the resolution of the finest map, (B, 1, h, w)."""
        x = None
        for level in range(len(maps) - 1, -1, -1):
            y = self.lateral[level](maps[level])
            if x is not None:
                y = y + F.interpolate(x, size=y.shape[-2:], mode="bilinear", align_corners=False)
            x = self.mix[level](y)
        return self.head(x)
