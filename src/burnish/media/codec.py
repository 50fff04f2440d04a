"""Pictures to numbers that a diffusion model likes, and back."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Pixels:
    """Pixels themselves as the code, brought to mean 0 and variance 1, as the preconditioning assumes.

    Attributes:
        mean: Of each channel, in [0, 255]; one entry for a gray data set.
        deviation: Of each channel, in gray levels, above 0.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @property
    def factor(self) -> int:
        """Pixels along a number of the code."""
        return 1

    @property
    def gray(self) -> bool:
        """Whether all pictures are gray."""
        return self.channels == 1

    @property
    def channels(self) -> int:
        """Channels of a code: 3, or 1 when all pictures are gray."""
        return len(self.mean)

    @classmethod
    def of(cls, images: Sequence[np.ndarray]) -> "Pixels":
        """The codec that suits some pictures.

        Args:
            images: uint8 (H, W, 3), of any sizes; at least one.

        Raises:
            ValueError: No picture.
        """
        if not len(images):
            raise ValueError("a codec needs at least one picture")
        gray = all((image == image[..., :1]).all() for image in images)
        channels = 1 if gray else 3
        flat = [image[..., :channels].reshape(-1, channels).astype(np.float64) for image in images]
        count = sum(len(one) for one in flat)
        mean = np.sum([one.sum(0) for one in flat], 0) / count
        variance = np.sum([((one - mean) ** 2).sum(0) for one in flat], 0) / count
        deviation = np.maximum(np.sqrt(variance), 1.0)
        return cls(tuple(float(m) for m in mean), tuple(float(d) for d in deviation))

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Levels in [0, 255], uint8 or float (B, H, W, 3), to float32 (B, channels, H, W) of about unit
        variance."""
        mean, deviation = np.array(self.mean, np.float32), np.array(self.deviation, np.float32)
        code = (images[..., : self.channels].astype(np.float32) - mean) / deviation
        return np.ascontiguousarray(code.transpose(0, 3, 1, 2))

    def levels(self, code: np.ndarray) -> np.ndarray:
        """Codes, float (B, channels, H, W), to levels, float32 (B, H, W, 3), neither rounded nor clipped."""
        mean, deviation = np.array(self.mean, np.float32), np.array(self.deviation, np.float32)
        levels = code.transpose(0, 2, 3, 1) * deviation + mean
        return np.repeat(levels, 3, axis=3) if self.channels == 1 else levels

    def decode(self, code: np.ndarray) -> np.ndarray:
        """Codes, float (B, channels, H, W), to uint8 (B, H, W, 3), rounded and clipped."""
        return np.clip(np.rint(self.levels(code)), 0, 255).astype(np.uint8)

    def to_json(self) -> dict[str, Any]:
        """For a bundle; `Pixels.from_json` reads it."""
        return {"kind": "pixels", **asdict(self)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Pixels":
        """From `to_json`."""
        return cls(tuple(data["mean"]), tuple(data["deviation"]))
