"""The frozen trunk in whose features surprise is measured."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from burnish.inspect.segmenter import FROZEN
from burnish.nets.backbone import Lite0, load_lite0
from burnish.nets.dinov2 import DinoTrunk, load_dinov2_small

Shared = tuple[Tensor, list[Tensor], int]
"""What the segmenter's frozen blocks hand on, see `Lite0.early`."""

BACKBONES = ("lite0", "dinov2-small")


class LiteReference(nn.Module):
    """Features of a pretrained Lite0 at strides 8 and 16, which goes on from blocks that the segmenter has run.

    Args:
        trunk: Pretrained; nothing of it is trained.
    """

    channels = 152

    def __init__(self, trunk: Lite0) -> None:
        super().__init__()
        self.trunk = trunk.requires_grad_(False)
        self.trunk.stem = nn.Identity()  # type: ignore[assignment]
        for i in [*range(FROZEN), *range(11, 16)]:
            self.trunk.blocks[i] = nn.Identity()

    def forward(self, x: Tensor, shared: Shared) -> Tensor:
        """Features (B, 152, H / 16, W / 16), each smoothed over its 3 x 3 neighbours."""
        fine, coarse = self.trunk.late(*shared, stop=11)[2:]
        return torch.cat([F.avg_pool2d(smooth(fine), 2), smooth(coarse)], 1)


class DinoReference(nn.Module):
    """Maps of two blocks of DINOv2-small: more accurate, an order slower.

    Args:
        trunk: Pretrained; nothing of it is trained.
    """

    channels = 768

    def __init__(self, trunk: DinoTrunk) -> None:
        super().__init__()
        self.trunk = trunk.requires_grad_(False)

    def forward(self, x: Tensor, shared: Shared) -> Tensor:
        """Features (B, 768, H / 16, W / 16) of two blocks."""
        return torch.cat(self.trunk(x), 1)


def smooth(maps: Tensor) -> Tensor:
    """Each place averaged with its neighbours."""
    return F.avg_pool2d(maps, 3, 1, 1, count_include_pad=False)


def load_reference(backbone: str, pretrained: bool = True) -> LiteReference | DinoReference:
    """The reference of a name in `BACKBONES`, or with DINOv2-small weights from a path or a hub name.

    Raises:
        BurnishError: The weights are not to be had.
    """
    if backbone == "lite0":
        return LiteReference(load_lite0() if pretrained else Lite0())
    from burnish.nets.dinov2 import Dinov2

    source = None if backbone == "dinov2-small" else (Path(backbone) if Path(backbone).exists() else backbone)
    vit = load_dinov2_small(source) if pretrained else Dinov2()
    return DinoReference(DinoTrunk(vit, (5, 8)))


@torch.no_grad()
def shared_maps(trunk: Lite0, x: Tensor) -> Shared:
    """What `LiteReference` needs of the segmenter's trunk."""
    return trunk.early(x, FROZEN)
