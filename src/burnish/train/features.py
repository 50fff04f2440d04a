"""Frozen features of pictures, by which what is made is compared with what is real.

The last map (stride 32) of EfficientNet-Lite0 with ImageNet weights, averaged over the picture: 320
numbers. They are not those of the Inception network that published KIDs rest on, so figures compare with
each other alone.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from burnish.nets.backbone import Lite0, load_lite0

SIDE = 128
"""Pictures are brought to this side: at 64 px the last map would have four places, and its channels were
trained at 224."""
WIDTH = 320


class Features:
    """Turns uint8 pictures into features; made once, for loading the weights takes a moment.

    Args:
        side: Side in pixels that pictures are brought to, bilinear, a multiple of 32.
        batch: Pictures at a time.

    Raises:
        BurnishError: The weights are not installed.
    """

    def __init__(self, side: int = SIDE, batch: int = 32) -> None:
        self.side, self.batch = side, batch
        self.net: Lite0 = load_lite0()

    @torch.no_grad()
    def __call__(self, images: np.ndarray | Sequence[np.ndarray]) -> Tensor:
        """Features, (N, 320), float32.

        Args:
            images: uint8 (N, H, W, 3), or N pictures (H, W, 3) of any sizes.

        Raises:
            ValueError: No pictures, or not uint8 of three channels.
        """
        if not len(images):
            raise ValueError("no pictures to describe")
        parts: list[Tensor] = []
        for start in range(0, len(images), self.batch):
            batch = torch.stack([self._prepare(one) for one in images[start : start + self.batch]])
            parts.append(self.net(batch)[-1].mean((2, 3)))
        return torch.cat(parts)

    def _prepare(self, image: np.ndarray) -> Tensor:
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"expected uint8 (H, W, 3), got {image.dtype} {image.shape}")
        picture = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
        smaller = max(image.shape[:2]) > self.side
        return F.interpolate(
            picture, (self.side, self.side), mode="bilinear", align_corners=False, antialias=smaller
        )[0]
