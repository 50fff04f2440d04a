"""Marks stamped or moulded into a part, from Pillow's own font."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from burnish.samples.field import Field, blur, lookup


@lru_cache(maxsize=8)
def _stamp(text: str) -> Field:
    font = ImageFont.load_default(56)
    left, top, right, bottom = font.getbbox(text)
    width, height = int(right - left) + 16, int(bottom - top) + 16
    image = Image.new("L", (width, height))
    ImageDraw.Draw(image).text((8 - left, 8 - top), text, fill=255, font=font)
    return blur(np.asarray(image, np.float32) / 255, 1.3)


def lettering(text: str, height: float, u: Field, v: Field) -> Field:
    """Depth of the mark `text`, 0 to 1, `height` local units tall and centred on u = v = 0."""
    stamp = _stamp(text)
    rows, columns = stamp.shape
    k = np.float32(rows / height)
    row, column = v * k + np.float32(rows / 2), u * k + np.float32(columns / 2)
    inside = (row > 0) & (row < rows - 1) & (column > 0) & (column < columns - 1)
    return np.where(inside, lookup(stamp, row, column), np.float32(0))
