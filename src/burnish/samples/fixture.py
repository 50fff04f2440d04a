"""What the parts lie on: each station's belt or tray, and the dirt that any shop floor adds."""

import numpy as np

from burnish.samples.field import Field, blur, cloud, lookup, ramp, white


def belt(
    shape: tuple[int, int], rng: np.random.Generator, colour: tuple[float, float, float]
) -> tuple[Field, Field]:
    """A rubber belt with a woven print: (height in local units, albedo (H, W, 3))."""
    size = shape[0]
    line = np.arange(size, dtype=np.float32) * np.float32(256 / size)
    x, y = line[None, :] + np.float32(rng.uniform(0, 40)), line[:, None] + np.float32(rng.uniform(0, 40))
    wander = 0.9 * cloud(rng, shape, 5, 2)
    k = np.float32(2 * np.pi / 6.2)
    weave = np.sin(k * (x + y) * 0.707 + 0.4 * wander) * np.sin(k * (x - y) * 0.707 - 0.4 * wander)
    worn = cloud(rng, shape, 3, 4)
    height = 0.0032 * weave * (1 + 0.25 * worn) + 0.0011 * white(rng, shape)
    tone = 1 + 0.16 * weave + 0.06 * worn + 0.10 * white(rng, shape)
    return height, np.maximum(tone, 0.2)[..., None] * np.asarray(colour, np.float32)


def tray(
    shape: tuple[int, int], rng: np.random.Generator, colour: tuple[float, float, float]
) -> tuple[Field, Field]:
    """A painted steel tray, orange-peeled and scuffed by years of parts: (height, albedo)."""
    peel = blur(white(rng, shape), 1.6 * shape[0] / 256)
    worn = cloud(rng, shape, 2, 5)
    scuff = np.zeros(shape, np.float32)
    strip = blur(white(rng, (shape[0], shape[1])), (0.3, 22.0 * shape[0] / 256))
    angle = float(rng.uniform(0, np.pi))
    line = np.arange(shape[0], dtype=np.float32)
    row = line[:, None] * np.float32(np.cos(angle)) - line[None, :] * np.float32(np.sin(angle))
    column = line[:, None] * np.float32(np.sin(angle)) + line[None, :] * np.float32(np.cos(angle))
    scuff = ramp(lookup(strip / strip.std(), row, column), 1.9, 3.4) * ramp(worn, -0.2, 1.4)
    tone = 1 + 0.035 * worn + 0.05 * white(rng, shape) + 0.5 * scuff
    return 0.0022 * peel - 0.001 * scuff, np.maximum(tone, 0.2)[..., None] * np.asarray(colour, np.float32)


def specks(
    shape: tuple[int, int],
    rng: np.random.Generator,
    count: float,
    tone: float,
    albedo: Field,
    size: float = 0.8,
) -> Field:
    """`albedo` with about `count` dust specks of brightness `tone`."""
    scale = shape[0] / 256
    dust = np.zeros(shape, np.float32)
    number = int(rng.poisson(count))
    rows, columns = rng.integers(0, shape[0], number), rng.integers(0, shape[1], number)
    dust[rows, columns] = rng.uniform(0.25, 1.0, number)
    dust = np.minimum(blur(dust, size * scale) * np.float32(6.5 * (size * scale) ** 2), 0.9)[..., None]
    return albedo * (1 - dust) + np.float32(tone) * dust
