"""Going on from a bundle of pictures instead of random weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor, nn

from burnish.errors import BundleError
from burnish.media.codec import Pixels
from burnish.nets.hourglass import HourglassConfig
from burnish.nets.latents import Latents
from burnish.store.bundle import WEIGHTS, read_bundle


@dataclass(frozen=True)
class Base:
    """What a run takes over: the bundle's hash, its network's shape and weights, its codec, its classes.

    The codec stays, for the weights know its scale; classes keep their numbers, new ones come after them. So
    does a mean that words tell, with the deviation of what it leaves.
    """

    hash: str
    config: HourglassConfig
    state: dict[str, Tensor]
    codec: Pixels | Latents
    classes: tuple[str, ...]
    text_encoder: str | None
    word_mean: int
    deviation: float


def inherit(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Copies weights into a network that may have more classes, or be told more: what is new there keeps its
    first values."""
    for name, value in model.state_dict().items():
        old = state.get(name)
        if old is not None and value.ndim and old.shape[1:] == value.shape[1:]:
            rows = min(len(old), len(value))
            value[:rows] = old[:rows]


def open_base(path: str | Path, size: int) -> Base:
    """Reads a bundle to go on from.

    Args:
        path: The bundle.
        size: Side of the pictures that will be trained on, in pixels.

    Raises:
        BundleError: Not a bundle of pictures, damaged, or of another size.
    """
    bundle = read_bundle(path, kind="diffusion")
    meta = bundle.meta
    medium = meta.get("media", "image")
    if medium != "image" or meta["size"] != size:
        raise BundleError(
            path,
            f"makes {medium}s of {meta['size']} px; these are pictures of {size} px",
            "Name a base of the same kind and --size",
        )
    try:
        shape = {key: value for key, value in meta["architecture"].items() if key != "name"}
        return Base(
            bundle.hash,
            HourglassConfig.from_json(shape),
            {name: value.float() for name, value in load_file(bundle.path / WEIGHTS).items()},
            open_codec(meta["codec"], bundle.path),
            tuple(meta["classes"]),
            meta.get("text_encoder"),
            int(meta.get("word_mean", 0)),
            float(meta["process"]["deviation"]),
        )
    except (KeyError, TypeError) as error:
        raise BundleError(path, f"cannot be read ({error})", "Update Burnish, or train again") from error


def open_codec(data: dict[str, Any], folder: Path) -> Pixels | Latents:
    """The codec of a bundle."""
    return Latents.open(data, folder) if data["kind"] == "latents" else Pixels.from_json(data)
