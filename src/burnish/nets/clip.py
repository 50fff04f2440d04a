"""The clip network: the image hourglass on every frame, and frames that see each other at its waist.

Each frame goes down the hourglass to 8 x 8 places; two frames of a place become one token, so a token stands
for a tubelet of (2, 8, 8) pixels at 64 px (arXiv:2103.15691) and 16 frames for 512. At the waist all tokens
attend to all (full), or blocks attend within a frame and along time by turns (factorised, as in
arXiv:2103.15691, model 3). Fine detail does not pass the waist, so each frame also sees the pixels of the
nearest clearer frames beside it. Each frame has its own time, so a known frame says so.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from burnish.nets.blocks import GlobalBlock, Stack
from burnish.nets.condition import Condition
from burnish.nets.hourglass import Hourglass, HourglassConfig

ATTENTION = ("factorised", "full")
TUBELET = 2
"""Frames of a token."""


@dataclass(frozen=True)
class ClipConfig:
    """The shape of a clip network; `clip_preset` gives a good one.

    Args:
        channels: Of a frame.
        frames: Of a clip, even.
        patch, widths, depths: See `HourglassConfig`; the last depth counts the waist's blocks.
        attention: `factorised` or `full`.
        context: Whether each frame also sees the pixels of a frame before and one after it, see `beside`.
        classes, buckets, views, told: See `ConditionEncoder`.
    """

    channels: int = 3
    frames: int = 16
    patch: int = 2
    widths: tuple[int, ...] = (48, 96, 192)
    depths: tuple[int, ...] = (1, 1, 4)
    attention: str = "factorised"
    context: bool = True
    classes: int = 0
    buckets: int = 0
    views: int = 0
    told: int = 192

    def __post_init__(self) -> None:
        if self.frames < TUBELET or self.frames % TUBELET:
            raise ValueError(f"frames must be a multiple of {TUBELET}; got {self.frames}")
        if self.attention not in ATTENTION:
            raise ValueError(f"attention must be one of {ATTENTION}; got {self.attention!r}")

    def to_json(self) -> dict[str, Any]:
        """For a bundle; `ClipConfig.from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "ClipConfig":
        """From `to_json`; shapes from before there was a context have none."""
        return cls(
            **{"context": False, **data, "widths": tuple(data["widths"]), "depths": tuple(data["depths"])}
        )


def clip_preset(size: int, **changes: Any) -> ClipConfig:
    """The network for clips of `size` px, a multiple of 32: 8 x 8 places at the waist whatever the size.

    Args:
        size: Side in pixels.
        changes: Fields of `ClipConfig` to set.
    """
    return ClipConfig(**{"patch": max(1, size // 32), **changes})


class FullBlock(GlobalBlock):
    """A block whose attention sees all tokens of the clip.

    Args:
        width, told: See `GlobalBlock`.
        steps: Tokens of a place along time.
    """

    def __init__(self, width: int, told: int, steps: int) -> None:
        super().__init__(width, told)
        self.steps = steps

    def attend(self, x: Tensor) -> Tensor:
        """(B T, H, W, C) to the same."""
        rows, height, width, channels = x.shape
        return super().attend(x.reshape(rows // self.steps, self.steps * height, width, channels)).view_as(x)


class TimeBlock(FullBlock):
    """A block whose attention sees the tokens of one place, along time."""

    def attend(self, x: Tensor) -> Tensor:
        """(B T, H, W, C) to the same."""
        rows, height, width, channels = x.shape
        batch = rows // self.steps
        along = x.reshape(batch, self.steps, height * width, channels).transpose(1, 2)
        mixed = GlobalBlock.attend(self, along.reshape(-1, self.steps, 1, channels))
        mixed = mixed.reshape(batch, height * width, self.steps, channels).transpose(1, 2)
        return mixed.reshape(x.shape)


class Waist(nn.Module):
    """Frames become tubelets, tubelets see each other, and go back into their frames.

    Args:
        config: Of the network.
    """

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        width, told, steps = config.widths[-1], config.told, config.frames // TUBELET
        self.frames, self.steps = config.frames, steps
        self.merge = nn.Linear(TUBELET * width, width)
        self.moment = nn.Parameter(0.02 * torch.randn(steps, 1, 1, width))
        blocks: list[GlobalBlock] = []
        for index in range(config.depths[-1]):
            if config.attention == "full":
                blocks.append(FullBlock(width, told, steps))
            else:
                blocks.append(TimeBlock(width, told, steps) if index % 2 else GlobalBlock(width, told))
        self.blocks = Stack(blocks)
        self.split = nn.Linear(width, TUBELET * width)

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        """(B T, H, W, C) and (B T, told) to (B T, H, W, C)."""
        rows, height, width, channels = x.shape
        pairs = x.reshape(-1, TUBELET, height, width, channels).movedim(1, 3)
        y = self.merge(pairs.reshape(-1, height, width, TUBELET * channels))
        y = y + self.moment.repeat(rows // self.frames, 1, 1, 1)
        y = self.split(self.blocks(y, vector.reshape(-1, TUBELET, vector.shape[1]).mean(1)))
        y = y.reshape(-1, height, width, TUBELET, channels).movedim(3, 1)
        return x + y.reshape(x.shape)


class ClipNet(nn.Module):
    """The network F of `core.frames.FramePreconditioned`; answers zero before training.

    Args:
        config: Its shape.
    """

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        self.config, c = config, config
        shape = HourglassConfig(
            channels=c.channels,
            extra=c.channels + 1 + 2 * c.channels * c.context,
            patch=c.patch,
            widths=c.widths,
            depths=(*c.depths[:-1], 0),
            classes=c.classes,
            buckets=c.buckets,
            views=c.views,
            told=c.told,
        )
        self.frame = Hourglass(shape)
        self.frame.add_module("waist", Waist(c))

    def forward(self, inputs: Tensor, t: Tensor, condition: Condition | None = None) -> Tensor:
        """The network's answer, (B, C, T, H, W).

        Args:
            inputs: The scaled clip, the filtered clip and c_out, (B, 2C + 1, T, H, W).
            t: Times of the frames, (B, T).
            condition: What else is told of each clip, (B, ...).
        """
        if self.config.context:
            clip = inputs[:, : self.config.channels]
            inputs = torch.cat([inputs, *(taken(clip, index) for index in beside(t))], 1)
        batch, channels, frames, height, width = inputs.shape
        each = inputs.transpose(1, 2).reshape(batch * frames, channels, height, width)
        told = replace(of_frames(condition or Condition(), frames), extra=each[:, self.config.channels :])
        out = self.frame(each[:, : self.config.channels], t.reshape(-1).to(inputs.dtype), told)
        return out.reshape(batch, frames, -1, height, width).transpose(1, 2)


def beside(t: Tensor) -> tuple[Tensor, Tensor]:
    """For each frame the nearest one before and after it that is clearer (has a smaller t), else its direct
    neighbour; indices, (B, T) each. At the ends a frame is its own neighbour.

    Args:
        t: Times of the frames, (B, T).
    """
    place = torch.arange(t.shape[1], device=t.device)
    clearer = t[:, None, :] < t[:, :, None]
    earlier, later = place[None, :] < place[:, None], place[None, :] > place[:, None]
    before = torch.where(clearer & earlier, place, -1).amax(2)
    after = torch.where(clearer & later, place, len(place)).amin(2)
    before = torch.where(before < 0, (place - 1).clamp_min(0), before)
    return before, torch.where(after == len(place), (place + 1).clamp_max(len(place) - 1), after)


def taken(clip: Tensor, index: Tensor) -> Tensor:
    """Frames of clips (B, C, T, H, W) by their indices (B, T), shaped as the clips."""
    return torch.stack([one[:, places] for one, places in zip(clip, index, strict=True)])


def of_frames(condition: Condition, frames: int) -> Condition:
    """A condition of clips as one of their frames: each row repeated `frames` times."""
    said = {field.name: getattr(condition, field.name) for field in fields(condition)}
    return Condition(
        **{
            name: value.repeat_interleave(frames, 0) if isinstance(value, Tensor) else value
            for name, value in said.items()
        }
    )
