"""Codes of a tiny autoencoder instead of pixels: for pictures too large to denoise pixel by pixel.

A code has 32 numbers for every 8 x 8 pixels, brought to mean 0 and variance 1, as the preconditioning
assumes. The autoencoder's two files are the user's (a folder, or a name on the hub); a bundle carries a copy
in half precision, so that it needs nothing else.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from burnish.errors import BundleError, BurnishError
from burnish.nets.tae import FACTOR, TinyAutoencoder

WEIGHTS = "autoencoder.safetensors"
HALVES = ("encoder", "decoder")
MOST = 256
"""Pictures that the mean and deviation of codes are taken from."""


class Latents:
    """Pictures as codes of a tiny autoencoder, and back; the form of `media.codec.Pixels`.

    Args:
        net: The autoencoder.
        mean, deviation: Of each channel of its codes.
        gray: Whether all pictures are gray; decoded ones then are, too.
        reads: Whether the encoder's weights are there.
    """

    factor = FACTOR

    def __init__(
        self,
        net: TinyAutoencoder,
        mean: Sequence[float],
        deviation: Sequence[float],
        gray: bool = False,
        reads: bool = True,
    ) -> None:
        self.net, self.gray, self.reads = net, gray, reads
        self.mean, self.deviation = tuple(mean), tuple(deviation)

    @property
    def channels(self) -> int:
        """Channels of a code."""
        return len(self.mean)

    @classmethod
    def of(cls, images: Sequence[np.ndarray], net: TinyAutoencoder) -> "Latents":
        """The codec that suits some pictures.

        Args:
            images: uint8 (H, W, 3), of any sizes of at least 8 px; at least one.
            net: The autoencoder.
        """
        gray = all((image == image[..., :1]).all() for image in images)
        plain = cls(net, [0.0] * net.latent, [1.0] * net.latent)
        codes = [plain.encode(image[None])[0].reshape(net.latent, -1) for image in images[:MOST]]
        flat = np.concatenate(codes, 1).astype(np.float64)
        deviation = np.maximum(flat.std(1), 1e-2)
        return cls(net, flat.mean(1).tolist(), deviation.tolist(), gray)

    @torch.no_grad()
    def encode(self, images: np.ndarray) -> np.ndarray:
        """Levels in [0, 255], uint8 or float (B, H, W, 3), to float32 (B, channels, H // 8, W // 8); what is
        over at the edge is cut off.

        Raises:
            BurnishError: The bundle came without the encoder.
        """
        if not self.reads:
            raise BurnishError(
                "this bundle",
                "cannot read pictures: its encoder was left out",
                "Use one that was trained here",
            )
        height, width = (side // FACTOR * FACTOR for side in images.shape[1:3])
        pictures = torch.from_numpy(np.ascontiguousarray(images[:, :height, :width])).permute(0, 3, 1, 2)
        mean, deviation = self._statistics()
        codes = [self.net.encode(part.float() / 255) for part in pictures.split(8)]
        return ((torch.cat(codes) - mean) / deviation).numpy()

    @torch.no_grad()
    def levels(self, code: np.ndarray) -> np.ndarray:
        """float (B, channels, h, w) to levels in [0, 255], float32 (B, 8 h, 8 w, 3), not rounded."""
        mean, deviation = self._statistics()
        codes = torch.from_numpy(np.ascontiguousarray(code)).float() * deviation + mean
        # One by one: over a batch a convolution rounds differently, and no picture may know its neighbours.
        pictures = torch.cat([self.net.decode(one[None]) for one in codes])
        if self.gray:
            pictures = pictures.mean(1, keepdim=True).expand(-1, 3, -1, -1)
        return (pictures.clamp(0, 1) * 255).permute(0, 2, 3, 1).contiguous().numpy()

    def decode(self, code: np.ndarray) -> np.ndarray:
        """float (B, channels, h, w) to uint8 (B, 8 h, 8 w, 3), rounded and clipped."""
        return np.rint(self.levels(code)).astype(np.uint8)

    def _statistics(self) -> tuple[Tensor, Tensor]:
        mean, deviation = torch.tensor(self.mean), torch.tensor(self.deviation)
        return mean[None, :, None, None], deviation[None, :, None, None]

    def to_json(self) -> dict[str, Any]:
        """For a bundle, beside the weights that `save` writes; `Latents.open` reads both."""
        return {
            "kind": "latents",
            "width": self.net.width,
            "mean": list(self.mean),
            "deviation": list(self.deviation),
            "gray": self.gray,
            "reads": self.reads,
        }

    def save(self, folder: Path) -> None:
        """Writes the autoencoder in half precision into a bundle's folder."""
        halves = HALVES if self.reads else HALVES[1:]
        state = {
            name: value.half().contiguous()
            for name, value in self.net.state_dict().items()
            if name.split(".")[0] in halves
        }
        save_file(state, folder / WEIGHTS)

    @classmethod
    def open(cls, data: dict[str, Any], folder: Path) -> "Latents":
        """From `to_json` and the folder that `save` wrote to."""
        net = TinyAutoencoder(data["width"], len(data["mean"]))
        state = {name: value.float() for name, value in load_file(folder / WEIGHTS).items()}
        missing, unknown = net.load_state_dict(state, strict=False)
        if unknown or (data["reads"] and missing) or any(name.startswith("decoder") for name in missing):
            raise BundleError(folder / WEIGHTS, "is not the autoencoder of this bundle", "Train again")
        return cls(net, data["mean"], data["deviation"], data["gray"], data["reads"])


def load_autoencoder(place: str | Path) -> TinyAutoencoder:
    """A tiny autoencoder from its two files, `*encoder.safetensors` and `*decoder.safetensors` or `.pth`.

    Args:
        place: A folder, or the name of a repository on the Hugging Face hub (which takes a network).

    Raises:
        BurnishError: No such folder or name, or files of another network. `.pth` files are read with
            `weights_only=True`, so that they cannot run code.
    """
    folder = Path(place) if Path(place).is_dir() else _download(str(place))
    states = {half: _read(folder, half) for half in HALVES}
    first, last = states["encoder"].get("0.weight"), states["encoder"].get("14.weight")
    if first is None or last is None:
        raise BurnishError(place, "holds another autoencoder", "Give one of the form of taef2")
    net = TinyAutoencoder(len(first), len(last))
    for half in HALVES:
        try:
            getattr(net, half).load_state_dict({k: v.float() for k, v in states[half].items()})
        except RuntimeError as error:
            raise BurnishError(
                place, f"holds another {half} ({str(error).splitlines()[0]})", "Give one of the form of taef2"
            ) from error
    return net


def _read(folder: Path, half: str) -> dict[str, Tensor]:
    files = sorted(
        f for f in folder.iterdir() if f.stem.endswith(half) and f.suffix in (".safetensors", ".pth")
    )
    if not files:
        raise BurnishError(folder, f"holds no *{half}.safetensors or .pth", "Copy the file there")
    file = files[-1]
    try:
        return (
            load_file(file)
            if file.suffix == ".safetensors"
            else torch.load(file, map_location="cpu", weights_only=True)
        )
    except (SafetensorError, RuntimeError, ValueError, EOFError, OSError) as error:
        raise BurnishError(file, f"cannot be read ({error})", "Copy the file again") from error
    except Exception as error:  # pickle.UnpicklingError: anything but tensors is refused
        raise BurnishError(file, "holds more than tensors, and was not opened", "Use safetensors") from error


def _download(name: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError as error:
        raise BurnishError(
            name, "is no folder, and names on the hub need an extra", "pip install 'burnish[hub]'"
        ) from error
    try:
        return Path(snapshot_download(name, allow_patterns=["*coder.safetensors", "*coder.pth"]))
    except (OSError, ValueError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        raise BurnishError(
            name, "is neither a folder nor a name that the hub answers to", "Check the path"
        ) from error
