"""A picture file as it is, so that what a verb does not change comes out as it went in, to the bit.

8-bit gray, colour and palettes, transparency and 16-bit gray keep their form. The picture is turned upright
as its EXIF says (its pixels move, their values do not). What PNG or Pillow cannot hold is converted once, and
`note` says so: CMYK and other colour spaces to RGB, 32-bit and floating gray to 8 bits, 16-bit colour to its
high bytes.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from burnish.media.image import read_image

_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")


@dataclass(frozen=True)
class Original:
    """A picture in its own form.

    Attributes:
        pixels: uint8 (H, W) or (H, W, 3), or uint16 (H, W).
        alpha: uint8 (H, W), or None where there is no transparency.
        full: The value of `pixels` that is white: 255, or 65535 or 4095 for 16-bit gray.
        note: What had to be converted, "" for nothing.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    full: int = 255
    note: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def colour(self) -> bool:
        """Whether any pixel is not gray."""
        return self.pixels.ndim == 3 and bool((self.pixels != self.pixels[..., :1]).any())

    def levels(self) -> np.ndarray:
        """What is seen, transparency on white: float32 (H, W, 3) in [0, 255]."""
        values = self.pixels.astype(np.float32) * (255 / self.full)
        values = np.repeat(values[..., None], 3, 2) if values.ndim == 2 else values
        if self.alpha is None:
            return values
        opaque = self.alpha.astype(np.float32)[..., None] / 255
        return values * opaque + 255 * (1 - opaque)

    def with_levels(self, levels: np.ndarray, where: np.ndarray | None = None) -> "Original":
        """The picture with other levels, in its own form; transparency stays.

        Args:
            levels: As of `levels`, float (H, W, 3).
            where: bool (H, W), the only pixels to change; None for all.
        """
        if self.alpha is not None:
            opaque = self.alpha.astype(np.float32)[..., None] / 255
            levels = (levels - 255 * (1 - opaque)) / np.maximum(opaque, 1 / 255)
        if self.pixels.ndim == 2:
            levels = levels.mean(2)
        values = np.clip(np.rint(levels * (self.full / 255)), 0, self.full).astype(self.pixels.dtype)
        if where is not None:
            values = np.where(where if values.ndim == 2 else where[..., None], values, self.pixels)
        return replace(self, pixels=values)

    def extended(self, left: int, top: int, right: int, bottom: int) -> "Original":
        """With so many pixels more at each side, repeating the edge, opaque."""
        sides = ((top, bottom), (left, right))
        pixels = np.pad(self.pixels, (*sides, (0, 0))[: self.pixels.ndim], mode="edge")
        alpha = None if self.alpha is None else np.pad(self.alpha, sides, constant_values=255)
        return replace(self, pixels=pixels, alpha=alpha)

    def enlarged(self, factor: int) -> "Original":
        """`factor` times as large, by Lanczos resampling."""
        height, width = self.size
        wide = (width * factor, height * factor)

        def grow(plane: np.ndarray, most: int) -> np.ndarray:
            picture = Image.fromarray(plane.astype(np.float32)).resize(wide, Image.Resampling.LANCZOS)
            return np.clip(np.rint(np.asarray(picture)), 0, most).astype(plane.dtype)

        planes = [self.pixels] if self.pixels.ndim == 2 else [self.pixels[..., k] for k in range(3)]
        grown = [grow(plane, self.full) for plane in planes]
        pixels = grown[0] if self.pixels.ndim == 2 else np.stack(grown, 2)
        return replace(self, pixels=pixels, alpha=None if self.alpha is None else grow(self.alpha, 255))

    def array(self) -> np.ndarray:
        """As `write_png` takes it: the pixels, with alpha as their last channel."""
        if self.alpha is None:
            return self.pixels
        pixels = self.pixels if self.pixels.ndim == 3 else self.pixels[..., None]
        return np.concatenate([pixels, self.alpha[..., None]], 2)


def read_original(path: str | Path) -> Original:
    """Reads a picture in its own form.

    Raises:
        ImageError: As `image.read_image`.
    """
    seen = read_image(path)  # refuses whatever cannot be read, with its reason
    with Image.open(path) as file:
        file.load()
        deep = file.mode in ("RGB", "RGBA") and any("16" in str(tile[3]) for tile in file.tile)
        picture = ImageOps.exif_transpose(file)
    note = "16-bit colour became 8 bits a channel" if deep else ""
    if picture.mode.startswith("I;16") or (picture.mode == "I" and _fits(picture)):
        values = np.asarray(picture).astype(np.uint16)
        return Original(values, full=4095 if values.max(initial=0) <= 4095 else 65535)
    if picture.mode in ("I", "F"):
        return Original(seen[..., 0], note=f"{picture.mode} gray became 8-bit gray")
    if picture.mode in _ALPHA or "transparency" in picture.info:
        layer = np.asarray(picture.convert("RGBA"))
        gray = picture.mode in ("LA", "La", "L", "1")
        return Original(
            layer[..., 0].copy() if gray else layer[..., :3].copy(), layer[..., 3].copy(), note=note
        )
    if picture.mode in ("L", "1"):
        return Original(np.asarray(picture.convert("L")).copy())
    if picture.mode not in ("RGB", "P"):
        note = f"{picture.mode} became RGB"
    return Original(np.asarray(picture.convert("RGB")).copy(), note=note)


def _fits(picture: Image.Image) -> bool:
    low, high = np.asarray(picture).min(initial=0), np.asarray(picture).max(initial=0)
    return bool(low >= 0 and high <= 65535)
