"""Any diffusion bundle, ready to be asked: pictures, clips or text."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from burnish.errors import BundleError
from burnish.store.bundle import Bundle, read_bundle

Opener = Callable[[Bundle, torch.device], Any]


def _images() -> Opener:
    from burnish.verbs.diffusion import open_images

    return open_images


def _clips() -> Opener:
    from burnish.verbs.clip_model import open_clips

    return open_clips


def _texts() -> Opener:
    from burnish.verbs.text_model import open_texts

    return open_texts


OPENERS: dict[str, Callable[[], Opener]] = {"image": _images, "clip": _clips, "text": _texts}
"""By `meta["media"]`, what imports that medium's opener: a bundle and a device in, the medium's model out."""


def media_of(bundle: Bundle) -> str:
    """`image`, `clip` or `text`; bundles from before there were three hold pictures."""
    return bundle.meta.get("media", "image")


def load(path: str | Path, device: str | None = None) -> Any:
    """Loads a bundle of kind `diffusion`.

    Args:
        path: The bundle, or `starter` for the one that comes with Burnish.
        device: None takes CUDA where there is one.

    Returns:
        The medium's model: `verbs.diffusion.Diffusion` for pictures, `verbs.clip_model.ClipModel` for clips,
        `verbs.text_model.TextModel` for text.

    Raises:
        BundleError: Not such a bundle, damaged, of a newer format, or of an unknown medium.
    """
    bundle = read_bundle(path, kind="diffusion")
    medium = media_of(bundle)
    if medium not in OPENERS:
        raise BundleError(path, f"makes {medium!r}, which this Burnish does not know", "Update Burnish")
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    return OPENERS[medium]()(bundle, place)
