"""Fields over the frame: coordinates, signed distances, noise and blur, in float32 numpy.

Local coordinates are those of the part: the frame is about [-1, 1] in both, u to the right, v down.
Signed distances are positive inside.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

Field = np.ndarray


@dataclass(frozen=True)
class Frame:
    """Where each pixel lies on the part.

    Args:
        u: (H, W) local coordinate along the part's own x axis.
        v: (H, W) the same along y.
        pixel: Width of one pixel in local units.
        angle: Turn of the part in the image, radians, clockwise on the screen.
    """

    u: Field
    v: Field
    pixel: float
    angle: float

    @property
    def shape(self) -> tuple[int, int]:
        return self.u.shape[0], self.u.shape[1]

    def to_image(self, du: Field | float, dv: Field | float) -> tuple[Field, Field]:
        """A local direction turned into the image's axes."""
        c, s = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        one = np.ones(self.shape, np.float32)
        return (c * du - s * dv) * one, (s * du + c * dv) * one


def make_frame(size: int, shift: tuple[float, float], angle: float, scale: float) -> Frame:
    """A square frame of `size` pixels on a part shifted by `shift` (local units), turned and scaled."""
    line = (np.arange(size, dtype=np.float32) + 0.5) * np.float32(2 / size) - 1
    x, y = (line[None, :] - np.float32(shift[0])), (line[:, None] - np.float32(shift[1]))
    c, s = np.float32(np.cos(angle) / scale), np.float32(np.sin(angle) / scale)
    return Frame(c * x + s * y, c * y - s * x, 2 / size / scale, angle)


def ramp(x: Field, low: float, high: float) -> Field:
    """The smooth step from 0 at `low` to 1 at `high`."""
    t = np.clip((x - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    return t * t * (3 - 2 * t)


def cover(distance: Field, pixel: float) -> Field:
    """Coverage of a pixel by a shape, from the signed distance at its centre (antialiased edge)."""
    return np.clip(distance * np.float32(1 / (1.4 * pixel)) + np.float32(0.5), 0, 1)


def box(u: Field, v: Field, half: tuple[float, float], radius: float) -> Field:
    """Signed distance of a box with rounded corners, centred on the origin."""
    du, dv = np.abs(u) - np.float32(half[0] - radius), np.abs(v) - np.float32(half[1] - radius)
    outside = np.sqrt(np.maximum(du, 0) ** 2 + np.maximum(dv, 0) ** 2)
    return np.float32(radius) - outside - np.minimum(np.maximum(du, dv), 0)


def disc(u: Field, v: Field, centre: tuple[float, float], radius: float) -> Field:
    """Signed distance of a disc."""
    return np.float32(radius) - np.sqrt((u - np.float32(centre[0])) ** 2 + (v - np.float32(centre[1])) ** 2)


def widest(a: Field, b: Field) -> Field:
    """Largest difference over the channels of two (H, W, 3) fields."""
    d = np.abs(a - b)
    return np.maximum(np.maximum(d[..., 0], d[..., 1]), d[..., 2])


def resize(field: Field, shape: tuple[int, int], how: int = Image.Resampling.BICUBIC) -> Field:
    """A field resampled to `shape`."""
    if field.shape == shape:
        return field
    image = Image.fromarray(np.ascontiguousarray(field, np.float32))
    return np.asarray(image.resize((shape[1], shape[0]), how), np.float32)


def white(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Gaussian noise of unit variance."""
    return rng.standard_normal(shape, np.float32)


def cloud(rng: np.random.Generator, shape: tuple[int, int], cells: float, octaves: int = 3) -> Field:
    """Smooth noise, standard deviation about 1.2, whose largest features are 1/`cells` of the frame."""
    total, weight = np.zeros(shape, np.float32), 0.0
    for octave in range(octaves):
        count = max(2, round(cells * 2**octave)) + 2
        gain = 0.5**octave
        total += np.float32(gain) * resize(white(rng, (count, count)), shape)
        weight += gain * gain
    return total * np.float32(1.35 / weight**0.5)


def _blur_axis(field: Field, taps: Field, axis: int) -> Field:
    reach = len(taps) // 2
    pad = [(0, 0)] * field.ndim
    pad[axis] = (reach, reach)
    padded, length = np.pad(field, pad, mode="edge"), field.shape[axis]
    index = [slice(None)] * field.ndim
    total = np.zeros_like(field)
    for k, tap in enumerate(taps):
        index[axis] = slice(k, k + length)
        total += tap * padded[tuple(index)]
    return total


def blur(field: Field, sigma: float | tuple[float, float]) -> Field:
    """Gaussian blur of a (H, W) or (H, W, C) field, sigma in pixels (rows, columns); edges repeat.

    A wide blur of a plane works on a reduced copy.
    """
    sigmas = sigma if isinstance(sigma, tuple) else (sigma, sigma)
    if field.ndim == 2 and min(sigmas) > 5:
        shrink = min(sigmas) / 2.5
        small = tuple(max(4, round(n / shrink)) for n in field.shape)
        reduced = resize(field, (small[0], small[1]), Image.Resampling.BOX)
        return resize(
            blur(reduced, (sigmas[0] / shrink, sigmas[1] / shrink)), (field.shape[0], field.shape[1])
        )
    for axis, s in enumerate(sigmas):
        if s < 0.15:
            continue
        reach = max(1, int(2.6 * s + 0.5))
        taps = np.exp(-0.5 * (np.arange(-reach, reach + 1, dtype=np.float32) / np.float32(s)) ** 2)
        field = _blur_axis(field, (taps / taps.sum()).astype(np.float32), axis)
    return field


def lookup(texture: Field, row: Field, column: Field) -> Field:
    """Bilinear samples of a texture that repeats, at fractional rows and columns."""
    height, width = texture.shape
    r0, c0 = np.floor(row), np.floor(column)
    fr, fc = row - r0, column - c0
    ri, ci = r0.astype(np.int32) % height, c0.astype(np.int32) % width
    rj, cj = (ri + 1) % height, (ci + 1) % width
    flat = texture.ravel()
    ri, rj = ri * width, rj * width
    top = flat[ri + ci] * (1 - fc) + flat[ri + cj] * fc
    return top * (1 - fr) + (flat[rj + ci] * (1 - fc) + flat[rj + cj] * fc) * fr
