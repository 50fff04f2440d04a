"""The camera of the sample line: lens, exposure, response and noise, and the dials of drift."""

from dataclasses import dataclass

import numpy as np

from burnish.samples.field import Field, blur, cloud, ramp, white


@dataclass(frozen=True)
class Drift:
    """How far a station has moved from the day it was set up. All zero is that day.

    Args:
        exposure: Stops of light, negative is darker.
        focus: Extra defocus, as the Gaussian sigma in pixels of a 256 px frame, at least 0.
        position: Shift of the part across the frame, in fractions of its width, -0.25 to 0.25.
        soiling: Grime on the part and the lens's window, 0 (clean) to 1 (filthy).
    """

    exposure: float = 0.0
    focus: float = 0.0
    position: float = 0.0
    soiling: float = 0.0

    def __post_init__(self) -> None:
        if (
            self.focus < 0
            or not 0 <= self.soiling <= 1
            or abs(self.position) > 0.25
            or abs(self.exposure) > 8
        ):
            raise ValueError(
                f"{self}: expected exposure within 8, focus >= 0, position within 0.25, soiling in [0, 1]"
            )


def develop(radiance: Field, drift: Drift, rng: np.random.Generator) -> Field:
    """Linear radiance (H, W, 3) through the lens and exposure, still without noise; values from 0 up."""
    size = radiance.shape[0]
    unit = size / 256
    line = (np.arange(size, dtype=np.float32) + 0.5) * np.float32(2 / size) - 1
    ox, oy = rng.uniform(-0.08, 0.08, 2)
    fall = (line[None, :] - np.float32(ox)) ** 2 + (line[:, None] - np.float32(oy)) ** 2
    sigma = unit * float(np.hypot(rng.uniform(0.48, 0.66), drift.focus))
    image = blur(radiance, sigma)
    # veiling glare: a lens spreads a little of what is bright over everything
    glow = blur(np.minimum(image, 3).mean(-1), 14 * unit)
    image = 0.965 * image + 0.03 * glow[..., None]
    gain = 2.0 ** (drift.exposure + float(rng.normal(0, 0.04)))
    cast = np.array([1 + rng.normal(0, 0.008), 1, 1 + rng.normal(0, 0.008)], np.float32)
    if drift.soiling > 0:
        window = cloud(rng, (size, size), 2.5, 2)  # drawn last, so that soiling moves nothing else
        haze = np.float32(drift.soiling) * ramp(window, -0.6, 1.8)[..., None]
        image = image * (1 - 0.35 * haze) + 0.10 * haze * np.array([1.0, 0.96, 0.88], np.float32)
    return image * (np.float32(gain) * (1 - 0.13 * fall))[..., None] * cast


def respond(linear: Field) -> Field:
    """The sensor's response, linear light to [0, 1]: a shoulder at the top, then the sRGB curve."""
    light = np.maximum(linear, 0)
    light = np.where(light > 0.6, 0.6 + 0.4 * (1 - np.exp(-(light - 0.6) / np.float32(0.4))), light)
    return np.where(
        light < 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-6) ** np.float32(1 / 2.4) - 0.055
    )


@dataclass(frozen=True)
class Noise:
    """One exposure's noise, drawn once so that a part with and without its defect share it."""

    shot: Field
    read: Field

    @staticmethod
    def draw(size: int, rng: np.random.Generator) -> "Noise":
        # demosaicing ties neighbours and channels together
        shared = white(rng, (size, size))
        grain = np.stack([white(rng, (size, size)) for _ in range(3)], -1)
        grain = 0.62 * grain + 0.78 * shared[..., None]
        soft = blur(grain, 0.42)
        return Noise(soft * np.float32(1.25), white(rng, (size, size))[..., None])

    def expose(self, linear: Field) -> np.ndarray:
        """The picture, uint8 (H, W, 3): shot noise of 9,000 electrons at white, 14 electrons read noise."""
        light = np.maximum(linear, 0)
        noisy = light + self.shot * np.sqrt(light * np.float32(1 / 9000)) + self.read * np.float32(14 / 9000)
        return (respond(noisy) * 255 + np.float32(0.5)).clip(0, 255).astype(np.uint8)
