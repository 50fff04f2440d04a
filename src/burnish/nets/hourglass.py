"""The image network: an hourglass over patches, convolutions at its wide ends and attention at its waist.

A picture of side S is cut into (S / 32)-pixel patches (2 at 64 px), giving 32 x 32 places; each level halves
the sides, to 8 x 8 = 64 tokens at the waist. Hourglass transformers over pixels: arXiv:2401.11605.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from burnish.nets.blocks import Conv, GlobalBlock, LocalBlock, RMSNorm, Stack
from burnish.nets.condition import Condition, ConditionEncoder


@dataclass(frozen=True)
class HourglassConfig:
    """The shape of an hourglass; `preset` gives good ones.

    Args:
        channels: Of the picture.
        extra: Extra input channels (mask, masked picture), given as `Condition.extra`.
        patch: Pixels along a patch of the finest level.
        widths: Channels of each level, finest first.
        depths: Blocks of each level on the way down, and again up; at the waist in all.
        layout: Channels of a layout at the waist that is drawn from the condition alone, `places` square; 0
            for none. It lets a few words say where what belongs before anything is seen of it.
        places: Side of the layout.
        classes, buckets, views, text, paces: See `ConditionEncoder`.
        told: Width of the condition's vector.
    """

    channels: int = 3
    extra: int = 0
    patch: int = 2
    widths: tuple[int, ...] = (48, 96, 192)
    depths: tuple[int, ...] = (1, 2, 4)
    classes: int = 0
    buckets: int = 0
    views: int = 0
    told: int = 192
    text: int = 0
    paces: int = 0
    layout: int = 0
    places: int = 8

    @property
    def multiple(self) -> int:
        """Height and width of a picture must be multiples of this."""
        return self.patch * 2 ** (len(self.widths) - 1)

    def to_json(self) -> dict[str, Any]:
        """For a bundle; `HourglassConfig.from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "HourglassConfig":
        """From `to_json`."""
        return cls(**{**data, "widths": tuple(data["widths"]), "depths": tuple(data["depths"])})


def preset(size: int, **changes: Any) -> HourglassConfig:
    """The hourglass for pictures of side `size` px (64, 128, ...): 64 tokens at the waist whatever the size.

    Args:
        size: Side in pixels, a multiple of 32.
        changes: Fields of `HourglassConfig` to set.
    """
    return HourglassConfig(**{"patch": max(1, size // 32), **changes})


def preset_latent(side: int, **changes: Any) -> HourglassConfig:
    """The network for codes of side `side` (an eighth of the picture's): the waist alone, for a code has no
    fine texture left. At most 256 tokens: 64 for pictures of 64 px, 256 for those of 128 and 256 px.

    Args:
        side: Side of the codes, a multiple of 4.
        changes: Fields of `HourglassConfig` to set.
    """
    return HourglassConfig(**{"patch": max(1, side // 16), "widths": (192,), "depths": (4,), **changes})


class Hourglass(nn.Module):
    """The network F(x, t, condition) of `core.gaussian.Preconditioned`; answers zero before training.

    Args:
        config: Its shape.
    """

    def __init__(self, config: HourglassConfig) -> None:
        super().__init__()
        self.config, c = config, config
        self.encoder = ConditionEncoder(c.told, c.classes, c.buckets, c.views, c.text, c.paces)
        self.stem = Conv(c.channels + c.extra + 1, c.widths[0], c.patch + 2, stride=c.patch, padding=1)
        self.down, self.up, self.merge, self.split, self.join = (nn.ModuleList() for _ in range(5))
        for width, below, depth in zip(c.widths, c.widths[1:], c.depths, strict=False):
            self.down.append(Stack(LocalBlock(width, c.told) for _ in range(depth)))
            self.up.append(Stack(LocalBlock(width, c.told) for _ in range(depth)))
            self.merge.append(Conv(width, below, 2, stride=2))
            self.split.append(nn.Linear(below, 4 * width))
            self.join.append(nn.Linear(2 * width, width))
        self.waist = Stack(GlobalBlock(c.widths[-1], c.told) for _ in range(c.depths[-1]))
        self.place = nn.Linear(16, c.widths[-1])
        self.layout = Layout(c.told, c.layout, c.places, c.widths[-1]) if c.layout else None
        self.norm = RMSNorm()
        self.head = Conv(c.widths[0], c.channels * c.patch**2, 3, padding=1).reset_to_zero()

    def forward(self, x: Tensor, t: Tensor, condition: Condition | None = None) -> Tensor:
        """The network's answer, (B, channels, H, W).

        Args:
            x: Pictures of unit variance, (B, channels, H, W); H and W multiples of `config.multiple`.
            t: Times, (B,), or (B, 1, H, W) with 0 where a pixel is known.
            condition: What else is told.

        Raises:
            ValueError: Sides that are no multiple of `config.multiple`, or extra channels that do not fit.
        """
        vector = self.encoder(t if t.ndim == 1 else t.flatten(1).amax(1), condition)
        x = self.stem(self._inputs(x, t, condition))
        skips = []
        for blocks, merge in zip(self.down, self.merge, strict=True):
            x = blocks(x, vector)
            skips.append(x)
            x = merge(x)
        x = x + self.place(places(x.shape[1], x.shape[2], x.device))
        if self.layout is not None:
            x = x + self.layout(vector, x.shape[1], x.shape[2])
        x = self.waist(x, vector)
        for blocks, split, join, skip in reversed(
            list(zip(self.up, self.split, self.join, skips, strict=True))
        ):
            x = join(torch.cat([unfold(split(x), 2), skip], -1))
            x = blocks(x, vector)
        return unfold(self.head(self.norm(x)), self.config.patch).permute(0, 3, 1, 2)

    def _inputs(self, x: Tensor, t: Tensor, condition: Condition | None) -> Tensor:
        """Picture, map of times and extra channels, (B, H, W, channels + 1 + extra)."""
        c, (height, width) = self.config, x.shape[-2:]
        if height % c.multiple or width % c.multiple:
            raise ValueError(f"sides must be multiples of {c.multiple}; got {height} x {width}")
        extra = condition.extra if condition is not None else None
        if (0 if extra is None else extra.shape[1]) != c.extra:
            raise ValueError(
                f"needs {c.extra} extra channels, got {None if extra is None else extra.shape[1]}"
            )
        times = (t if t.ndim == 4 else t[:, None, None, None]).expand(-1, 1, height, width)
        parts = [x, times.to(x.dtype)] if extra is None else [x, times.to(x.dtype), extra.to(x.dtype)]
        return torch.cat(parts, 1).permute(0, 2, 3, 1).contiguous()


class Layout(nn.Module):
    """A coarse drawing of what was said, nothing at first.

    Args:
        told: Width of the condition's vector.
        channels: Of the drawing.
        side: Of the drawing; it is stretched to other sizes.
        width: Of the waist.
    """

    def __init__(self, told: int, channels: int, side: int, width: int) -> None:
        super().__init__()
        self.side = side
        self.draw = nn.Linear(told, channels * side**2)
        self.head = nn.Linear(channels, width)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, vector: Tensor, height: int, width: int) -> Tensor:
        """(B, told) to (B, height, width, C)."""
        drawn = self.draw(F.silu(vector)).unflatten(1, (-1, self.side, self.side))
        if (height, width) != (self.side, self.side):
            drawn = F.interpolate(drawn, (height, width), mode="bilinear", align_corners=False)
        return self.head(drawn.permute(0, 2, 3, 1))


def unfold(x: Tensor, side: int) -> Tensor:
    """Channels to pixels: (B, H, W, side^2 C) to (B, H side, W side, C)."""
    b, h, w, c = x.shape
    x = x.reshape(b, h, w, side, side, c // side**2).transpose(2, 3)
    return x.reshape(b, h * side, w * side, c // side**2)


def places(height: int, width: int, device: torch.device) -> Tensor:
    """Sines and cosines of the position in the frame, (height, width, 16)."""
    rows = (torch.arange(height, device=device) + 0.5) / height
    columns = (torch.arange(width, device=device) + 0.5) / width
    angles = torch.pi * torch.tensor([0.5, 1.0, 2.0, 4.0], device=device)
    r, c = rows[:, None] * angles, columns[:, None] * angles
    r, c = torch.cat([r.sin(), r.cos()], 1), torch.cat([c.sin(), c.cos()], 1)
    return torch.cat([r[:, None].expand(height, width, 8), c[None].expand(height, width, 8)], -1)
