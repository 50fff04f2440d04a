"""Contact sheets and heat-map overlays: the pictures a person judges by. numpy and Pillow only."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PAPER, INK, FAINT = (247, 247, 245), (28, 30, 34), (110, 114, 120)
OUTLINE = (255, 255, 255)

# Control points of a ramp of even lightness, dark violet to pale yellow (after matplotlib's "inferno", CC0).
_RAMP = np.array(
    [
        (0, 0, 4), (31, 12, 72), (85, 15, 109), (136, 34, 106), (186, 54, 85),
        (227, 89, 51), (249, 140, 10), (249, 201, 50), (252, 255, 164),
    ],
    np.float32,
)  # fmt: skip


def as_rgb(image: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) of a picture given as uint8 or bool, (H, W), (H, W, 1) or (H, W, 3).

    Raises:
        ValueError: Any other shape or type.
    """
    if image.dtype == bool:
        image = image.astype(np.uint8) * np.uint8(255)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, -1)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"a picture of {image.dtype} {image.shape}; expected uint8 (H, W, 3) or (H, W)")
    return image


def _tile(image: np.ndarray, side: int) -> Image.Image:
    """The picture letterboxed into a square; small ones are enlarged without smoothing them away."""
    picture = Image.fromarray(as_rgb(image))
    scale = side / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    how = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC
    square = Image.new("RGB", (side, side), PAPER)
    square.paste(picture.resize(size, how), ((side - size[0]) // 2, (side - size[1]) // 2))
    return square


def _clip(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width: int
) -> str:
    """The text, shortened with an ellipsis to fit `width` pixels."""
    if draw.textlength(text, font=font) <= width:
        return text
    while text and draw.textlength(text + "…", font=font) > width:
        text = text[:-1]
    return text + "…"


def contact_sheet(
    images: Sequence[np.ndarray],
    columns: int,
    tile: int = 128,
    captions: Sequence[str] | None = None,
    title: str | None = None,
) -> np.ndarray:
    """A sheet of pictures in rows, filled left to right.

    Args:
        images: uint8 (H, W, 3) or (H, W), or bool masks; of any size, letterboxed into square tiles.
        columns: Tiles a row, at least 1.
        tile: Side of a tile in pixels, at least 8.
        captions: One short line under each picture; shortened to fit.
        title: One line above the sheet.

    Returns:
        uint8 (H, W, 3).

    Raises:
        ValueError: No pictures, columns < 1, tile < 8, or as many captions as there are not pictures.
    """
    if not len(images) or columns < 1 or tile < 8:
        raise ValueError(
            f"{len(images)} pictures, {columns} columns, tile {tile}; expected at least 1, 1 and 8"
        )
    if captions is not None and len(captions) != len(images):
        raise ValueError(f"{len(captions)} captions for {len(images)} pictures; expected one each")
    columns = min(columns, len(images))
    gap = max(2, tile // 32)
    small = ImageFont.load_default(max(9, min(14, tile // 10)))
    large = ImageFont.load_default(max(12, min(20, tile // 7)))
    line = int(small.getbbox("Ag")[3]) + 4 if captions is not None else 0
    head = int(large.getbbox("Ag")[3]) + 2 * gap if title else 0
    rows = -(-len(images) // columns)
    width, height = gap + columns * (tile + gap), head + gap + rows * (tile + line + gap)
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    if title:
        draw.text((gap, gap), _clip(draw, title, large, width - 2 * gap), fill=INK, font=large)
    for k, image in enumerate(images):
        x, y = gap + k % columns * (tile + gap), head + gap + k // columns * (tile + line + gap)
        sheet.paste(_tile(image, tile), (x, y))
        if captions is not None:
            draw.text((x + 1, y + tile + 1), _clip(draw, captions[k], small, tile), fill=FAINT, font=small)
    return np.asarray(sheet)


def heat_colours(heat: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) colours of a heat map (H, W) in [0, 1], dark violet to pale yellow; NaN counts as 0."""
    place = np.clip(np.nan_to_num(heat), 0, 1).astype(np.float32) * (len(_RAMP) - 1)
    low = np.minimum(place.astype(np.int32), len(_RAMP) - 2)
    part = (place - low)[..., None]
    return (_RAMP[low] * (1 - part) + _RAMP[low + 1] * part + 0.5).astype(np.uint8)


def outline(mask: np.ndarray, width: int = 1) -> np.ndarray:
    """bool (H, W): the pixels just outside a mask, `width` pixels wide (4-neighbours)."""
    grown = mask.astype(bool)
    for _ in range(width):
        padded = np.pad(grown, 1)
        grown = grown | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return grown & ~mask.astype(bool)


def overlay(image: np.ndarray, heat: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """The picture with its heat map laid over it: what is cold keeps the picture's own colours.

    Args:
        image: uint8 (H, W, 3) or (H, W).
        heat: (h, w), clipped to [0, 1]; resized to the picture where it is smaller or larger.
        mask: bool (H, W), outlined in white, or None.

    Returns:
        uint8 (H, W, 3).

    Raises:
        ValueError: A mask that has not the picture's size, or a heat map that is no (h, w) plane.
    """
    base = as_rgb(image)
    height, width = base.shape[:2]
    if heat.ndim != 2 or not heat.size:
        raise ValueError(f"a heat map of shape {heat.shape}; expected (h, w)")
    plane = np.clip(np.nan_to_num(heat), 0, 1).astype(np.float32)
    if plane.shape != (height, width):
        resized = Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR)
        plane = np.clip(np.asarray(resized, np.float32), 0, 1)
    weight = (0.75 * plane**0.8)[..., None]
    blend = (base * (1 - weight) + heat_colours(plane) * weight + 0.5).astype(np.uint8)
    if mask is not None:
        if mask.shape != (height, width):
            raise ValueError(
                f"a mask of shape {mask.shape} on a picture of {(height, width)}; expected the same"
            )
        blend[outline(mask, max(1, round(min(height, width) / 300)))] = OUTLINE
    return blend
