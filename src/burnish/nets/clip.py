"""The clip network: the image hourglass on every frame, and frames that see each other at its waist.

Attention is factorised (arXiv:2103.15691, model 3): blocks that attend within a frame, and after every
second of them one that attends along time. The latter begin as the identity, and of a single frame they are
left out: then the network is the image hourglass, and learns from single pictures and from clips together
(arXiv:2204.03458). Fine detail does not pass the waist, so each frame of a clip also sees the pixels of the
nearest clearer frames beside it. Each frame has its own time, so a known frame says so.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from burnish.nets.blocks import GlobalBlock
from burnish.nets.condition import Condition
from burnish.nets.hourglass import Hourglass, HourglassConfig


@dataclass(frozen=True)
class ClipConfig:
    """The shape of a clip network; `clip_preset` gives a good one.

    Args:
        channels: Of a frame.
        frames: Most frames of a clip, >= 1.
        patch, widths, depths: See `HourglassConfig`; the last depth counts the waist's blocks within frames.
        classes, buckets, views, told: See `ConditionEncoder`.
    """

    channels: int = 3
    frames: int = 16
    patch: int = 2
    widths: tuple[int, ...] = (48, 96, 192)
    depths: tuple[int, ...] = (1, 2, 4)
    classes: int = 0
    buckets: int = 0
    views: int = 0
    told: int = 192

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise ValueError(f"frames must be at least 1; got {self.frames}")

    def to_json(self) -> dict[str, Any]:
        """For a bundle; `ClipConfig.from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "ClipConfig":
        """From `to_json`."""
        return cls(**{**data, "widths": tuple(data["widths"]), "depths": tuple(data["depths"])})


def clip_preset(size: int, **changes: Any) -> ClipConfig:
    """The network for clips of `size` px, a multiple of 32: 8 x 8 places at the waist whatever the size.

    Args:
        size: Side in pixels.
        changes: Fields of `ClipConfig` to set.
    """
    return ClipConfig(**{"patch": max(1, size // 32), **changes})


class TimeBlock(GlobalBlock):
    """A block whose attention sees the tokens of one place, along time.

    Args:
        width, told: See `GlobalBlock`.
        frames: Most frames of a clip; set `frames` to how many there are before it is asked.
    """

    def __init__(self, width: int, told: int, frames: int) -> None:
        super().__init__(width, told)
        self.moment = nn.Parameter(0.02 * torch.randn(frames, 1, 1, width))
        self.frames = frames

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        """(B T, H, W, C) and (B T, told) to (B T, H, W, C); single frames come back as they are."""
        return x if self.frames == 1 else super().forward(x, vector)

    def attend(self, x: Tensor) -> Tensor:
        """(B T, H, W, C) to the same."""
        rows, height, width, channels = x.shape
        x = x.reshape(-1, self.frames, height, width, channels) + self.moment[: self.frames]
        along = x.movedim(1, 3).reshape(-1, self.frames, 1, channels)
        mixed = super().attend(along).reshape(-1, height, width, self.frames, channels)
        return mixed.movedim(3, 1).reshape(rows, height, width, channels)


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
            extra=3 * c.channels + 1,
            patch=c.patch,
            widths=c.widths,
            depths=(*c.depths[:-1], 0),
            classes=c.classes,
            buckets=c.buckets,
            views=c.views,
            told=c.told,
        )
        self.frame = Hourglass(shape)
        width, depth = c.widths[-1], c.depths[-1]
        for index in range(depth):
            self.frame.waist.append(GlobalBlock(width, c.told))
            if index % 2 or index == depth - 1:
                self.frame.waist.append(TimeBlock(width, c.told, c.frames))
        nn.init.zeros_(self.frame.stem.weight[:, -2 * c.channels :])

    def forward(self, inputs: Tensor, t: Tensor, condition: Condition | None = None) -> Tensor:
        """The network's answer, (B, C, T, H, W).

        Args:
            inputs: The scaled clip, the filtered clip and c_out, (B, 2C + 1, T, H, W).
            t: Times of the frames, (B, T).
            condition: What else is told of each clip, (B, ...).
        """
        batch, _, frames, height, width = inputs.shape
        clip = inputs[:, : self.config.channels]
        seen = [taken(clip, index) for index in beside(t)] if frames > 1 else [clip * 0] * 2
        inputs = torch.cat([inputs, *seen], 1)
        each = inputs.transpose(1, 2).reshape(batch * frames, -1, height, width)
        told = replace(of_frames(condition or Condition(), frames), extra=each[:, self.config.channels :])
        for block in self.modules():
            if isinstance(block, TimeBlock):
                block.frames = frames
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
