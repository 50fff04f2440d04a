"""A diffusion bundle of clips, ready to be asked."""

from dataclasses import dataclass

import numpy as np
import torch
from safetensors.torch import load_file

from burnish.core.frames import FramePath, FramePreconditioned, doubt
from burnish.core.schedule import SHIFT, grid
from burnish.errors import BundleError
from burnish.media.clip import shrink
from burnish.media.codec import Pixels
from burnish.nets.clip import ClipConfig, ClipNet
from burnish.nets.condition import Condition
from burnish.nets.hourglass import HourglassConfig
from burnish.store.bundle import WEIGHTS, Bundle
from burnish.verbs.diffusion import Diffusion, open_outline


@dataclass(frozen=True)
class ClipModel(Diffusion):
    """A trained diffusion model of clips; its denoiser and process take codes (B, C, T, size, size)."""

    process: FramePath

    @property
    def net(self) -> ClipNet:
        """The network.

        Raises:
            TypeError: The denoiser has another one.
        """
        net = self.denoiser.net
        if not isinstance(net, ClipNet):
            raise TypeError(f"a clip model needs a clip network, not {type(net).__name__}")
        return net

    @property
    def config(self) -> HourglassConfig:
        """The shape of the network on each frame; says what it can be told."""
        return self.net.frame.config

    @property
    def length(self) -> int:
        """Frames of a window."""
        return self.net.config.frames

    def times(self, steps: int, known: torch.Tensor) -> torch.Tensor:
        """Times of a walk, (steps + 1,), spent where noise is as large as what is open. Where frames are
        known it begins at noise.

        Args:
            steps: How many, >= 1.
            known: Which frames are, (T,), bool.
        """
        start = 1.0 if known.any() else self.start(steps)
        return grid(steps, start, SHIFT * float(doubt(known[None], self.process.matrix)))

    def begin(self, noise: torch.Tensor, t: float, condition: Condition) -> torch.Tensor:
        """x_t of white noise (B, C, T, size, size), for a walk that begins at t."""
        return self.process.alike(super().begin(noise, t, condition))

    def fit(self, frame: np.ndarray) -> np.ndarray:
        """A picture as the model's frame, uint8 (size, size, 3): made small, cut square in the middle."""
        return shrink(frame, self.size, (self.size, self.size))

    def encode(self, frames: np.ndarray) -> torch.Tensor:
        """uint8 (T, size, size, 3) to codes (1, C, T, size, size)."""
        return torch.from_numpy(self.codec.encode(frames)).transpose(0, 1)[None].to(self.device)

    def decode(self, code: torch.Tensor) -> np.ndarray:
        """Codes (1, C, T, size, size) to uint8 (T, size, size, 3)."""
        return self.codec.decode(code[0].transpose(0, 1).cpu().numpy())


def open_clips(bundle: Bundle, device: torch.device) -> ClipModel:
    """The model of a bundle of clips.

    Raises:
        BundleError: Its description or weights do not fit.
    """
    meta = bundle.meta
    try:
        shape = {key: value for key, value in meta["architecture"].items() if key != "name"}
        config = ClipConfig.from_json(shape)
        matrix = torch.eye(config.frames, dtype=torch.float64)
        denoiser = FramePreconditioned(ClipNet(config), matrix)
        denoiser.load_state_dict(load_file(bundle.path / WEIGHTS))
        codec = Pixels.from_json(meta["codec"])
        size, classes = meta["size"], tuple(meta["classes"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise BundleError(
            bundle.path, f"cannot be read ({error})", "Update Burnish, or train again"
        ) from error
    denoiser = denoiser.to(device).eval().requires_grad_(False)
    outline = open_outline(bundle, device)
    return ClipModel(bundle, denoiser, FramePath(denoiser.matrix), codec, size, classes, outline)  # type: ignore[arg-type]
