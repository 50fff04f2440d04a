"""A perceptual hash: 256 bits that stay nearly the same when a picture is saved again or resized.

The signs of the 16 x 16 slowest cosines of the brightness at 32 x 32, without the mean, against their median
(Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010, with 256 bits instead of
64: parts on one fixture look alike). A crop moves everything and changes many bits; that is what the
watermark is for.
"""

import numpy as np
from PIL import Image
from scipy.fft import dctn

SIDE, SLOW = 32, 16
BITS = SLOW * SLOW
ALIKE = 20
"""Bits that may differ between a picture and its record's."""
APART = 12
"""Bits by which the next record must be farther away; else the hash names no record."""


def perceptual_hash(image: np.ndarray) -> bytes:
    """The hash of a picture, uint8 (H, W, 3), 32 bytes."""
    gray = Image.fromarray(image).convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    slow = np.asarray(dctn(np.asarray(gray, np.float64), norm="ortho"))[:SLOW, :SLOW].ravel()
    slow[0] = 0.0
    return np.packbits(slow > np.median(slow[1:])).tobytes()


def distances(one: bytes, many: list[bytes]) -> np.ndarray:
    """Bits that differ between one hash and each of N, (N,) in [0, 256]."""
    if not many:
        return np.zeros(0, np.int64)
    table = np.frombuffer(b"".join(many), np.uint8).reshape(len(many), -1)
    return np.bitwise_count(table ^ np.frombuffer(one, np.uint8)).sum(1).astype(np.int64)
