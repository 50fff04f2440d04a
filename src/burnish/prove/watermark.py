"""An invisible watermark that carries a record's number: spread spectrum over the low cosines of a picture.

The picture's brightness, brought to 96 x 96 and levelled (local mean taken off, local contrast divided out),
is projected onto the cosines of the *whole* picture; some 2,300 of them carry a chip each (Cox et al., IEEE
Trans. Image Proc. 6, 1997). A chip is +1 or -1 by the secret key and the number: 24 bits as three symbols of
256 codewords. The change that is added is the same sum of cosines, at the least strength that survives a JPEG
of quality 50 at half size (or, in small pictures, the hardest wear that it can survive), but never louder
than `quiet` dB allow.

Finding it needs the key, not the original. Resizing changes nothing, for cosines are measured in shares of
the picture; cropping is undone by trying a grid of crops. For a picture that was not marked with this key
each codeword is independent of it, so Hoeffding's bound holds for its score z: P(z >= t) <= exp(-t^2 / 2);
summed over all numbers and all crops tried, `threshold` keeps the rate of false finds below the declared one,
whatever the picture.

It is no protection against somebody who wants to remove it: rotation, mirroring, larger crops or a
regenerated picture defeat it.
"""

import hashlib
import io
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, uniform_filter

from burnish.errors import BurnishError

GRID = 96
"""Side of the levelled picture."""
COSINES = 48
"""Half waves along each side, at most."""
SLOWEST = 5.0
"""Slower cosines are left alone: they are seen as shading."""
SYMBOLS, WORDS = 3, 256
LARGEST = WORDS**SYMBOLS - 1
CROPS = tuple(i / 100 for i in range(7))
"""Shares cut off at the two ends of a side; pairs up to `MOST` together are tried on each axis."""
MOST = 0.0601
CLIP = 2.5
"""Deviations at which a whitened coefficient is cut off, so that no edge outvotes the rest."""
MARGIN = 2.5
"""By how much z must pass the threshold after the wear that is tried when a mark is set."""
WEARS = ((0.5, 50), (1.0, 50), (1.0, 75), (1.0, 90))
"""Share of the sides and quality of a JPEG: a mark is made to survive the first that it can."""
SMALLEST = 32
"""Pixels along the shorter side below which a picture is not marked."""


@dataclass(frozen=True)
class Found:
    """A watermark that was found.

    Attributes:
        number: Of the record.
        score: z, the correlation with its codeword in standard deviations of an unmarked picture.
        threshold: What z had to reach.
        kept: (top, bottom, left, right) shares that seem to be cut off.
    """

    number: int
    score: float
    threshold: float
    kept: tuple[float, float, float, float]


class Watermark(Protocol):
    """Something that hides a number in a picture and finds it again without the original."""

    name: str
    false_positives: float

    def embed(self, image: np.ndarray, number: int) -> np.ndarray:
        """The picture, uint8 (H, W, 3), with a number hidden in it."""
        ...

    def find(self, image: np.ndarray) -> Found | None:
        """The number in a picture, uint8 (H, W, 3), or None."""
        ...


class SpreadSpectrum:
    """The built-in watermark.

    Args:
        key: Secret; whoever has it can find and forge marks.
        false_positives: Declared rate at which unmarked pictures are called marked, at most.
        quiet: PSNR in dB that a marked picture keeps at least, even if the mark does not survive then.
    """

    name = "spread spectrum, 24 bits"

    def __init__(self, key: bytes, false_positives: float = 1e-6, quiet: float = 38.0) -> None:
        if not 0 < false_positives < 1:
            raise ValueError(f"false_positives must lie in (0, 1), got {false_positives}")
        self.false_positives, self.quiet = false_positives, quiet
        seed = int.from_bytes(hashlib.sha256(b"burnish watermark 1" + key).digest()[:16], "big")
        rng = np.random.default_rng(seed)
        u, v = np.meshgrid(np.arange(COSINES), np.arange(COSINES), indexing="ij")
        places = np.flatnonzero((u**2 + v**2 >= SLOWEST**2).ravel())
        self._places = rng.permutation(places)[: len(places) // SYMBOLS * SYMBOLS].reshape(SYMBOLS, -1)
        signs = rng.integers(0, 2, (SYMBOLS, WORDS, self._places.shape[1]), np.int8)
        self._words = (2 * signs - 1).astype(np.float32)

    @property
    def threshold(self) -> float:
        """The z that a find must reach; see the module."""
        tried = len(_crops()) ** 2 * (LARGEST + 1)
        return math.sqrt(2 * math.log(tried / self.false_positives))

    def embed(self, image: np.ndarray, number: int) -> np.ndarray:
        """See `Watermark`.

        Raises:
            BurnishError: A number out of 0 .. 16,777,215, or a picture smaller than 32 px.
        """
        if not 0 <= number <= LARGEST:
            raise BurnishError(f"record {number}", f"does not fit into 24 bits (at most {LARGEST})")
        if min(image.shape[:2]) < SMALLEST:
            raise BurnishError(
                f"a picture of {image.shape[1]} x {image.shape[0]}",
                f"is too small for a watermark (at least {SMALLEST} px)",
                "Rely on its credential and on the perceptual hash",
            )
        change = self._change(image.shape[:2], number)
        loudest = 255 * 10 ** (-self.quiet / 20) / float(np.sqrt(np.mean(change**2)))
        wanted = self.threshold + MARGIN

        def survives(loud: float, wear: tuple[float, int]) -> bool:
            return self.score(_worn(_added(image, loud * change), *wear), number) >= wanted

        wear = next((wear for wear in WEARS if survives(loudest, wear)), None)
        if wear is None:
            return _added(image, loudest * change)
        low, high = 0.0, loudest
        for _ in range(6):
            middle = (low + high) / 2
            low, high = (low, middle) if survives(middle, wear) else (middle, high)
        return _added(image, high * change)

    def find(self, image: np.ndarray) -> Found | None:
        """See `Watermark`: the number of the highest score over all crops tried, if it is high enough."""
        numbers, scores, crops = self.scores(image)
        best = int(scores.argmax())
        threshold = self.threshold
        if scores[best] < threshold:
            return None
        return Found(int(numbers[best]), float(scores[best]), threshold, crops[best])

    def scores(
        self, image: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, list[tuple[float, float, float, float]]]:
        """For each crop tried: the likeliest number and its z, (A,) each, and the crops."""
        level = _level(_small(image))
        bases = _bases(GRID)
        rows = np.einsum("auh,hw->auw", bases, level)
        waves = np.einsum("auw,bvw->abuv", rows, bases, optimize=True)
        chips = self._chips(waves.reshape(-1, COSINES, COSINES))
        power = np.sqrt((chips**2).sum((1, 2)))
        numbers, total = np.zeros(len(chips), np.int64), np.zeros(len(chips))
        for symbol in range(SYMBOLS):
            likeness = chips[:, symbol] @ self._words[symbol].T
            numbers = numbers * WORDS + likeness.argmax(1)
            total += likeness.max(1)
        crops = [(*rows, *columns) for rows in _crops() for columns in _crops()]
        return numbers, total / np.maximum(power, 1e-9), crops

    def score(self, image: np.ndarray, number: int) -> float:
        """The z of one number in an uncropped picture."""
        basis = _bases(GRID)[0]
        chips = self._chips((basis @ _level(_small(image)) @ basis.T)[None])[0]
        word = self._word(number)
        return float((chips * word).sum() / max(float(np.sqrt((chips**2).sum())), 1e-9))

    def _chips(self, waves: np.ndarray) -> np.ndarray:
        """Whitened by the envelope of the uncropped picture, clipped, in the order of the chips: (A, COSINES,
        COSINES) to (A, SYMBOLS, n)."""
        envelope = np.sqrt(uniform_filter(waves[0] ** 2, 5, mode="nearest")) + 1e-6
        places = self._places.ravel()
        chips = waves.reshape(len(waves), -1)[:, places] / envelope.ravel()[places].astype(np.float32)
        return np.clip(chips, -CLIP, CLIP, out=chips).reshape(len(waves), SYMBOLS, -1)

    def _word(self, number: int) -> np.ndarray:
        symbols = [number // WORDS ** (SYMBOLS - 1 - k) % WORDS for k in range(SYMBOLS)]
        return np.stack([self._words[k, symbol] for k, symbol in enumerate(symbols)])

    def _change(self, shape: tuple[int, int], number: int) -> np.ndarray:
        """The codeword as a sum of cosines of one loudness, at unit strength, float (H, W)."""
        loud = np.zeros(COSINES * COSINES)
        loud[self._places.ravel()] = self._word(number).ravel()
        height, width = shape
        return _basis(height, 0, 0).T @ loud.reshape(COSINES, COSINES) @ _basis(width, 0, 0)


def psnr(before: np.ndarray, after: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two uint8 pictures in dB; inf when they are equal."""
    error = float(np.mean((before.astype(np.float64) - after.astype(np.float64)) ** 2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def _added(image: np.ndarray, change: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(image + change[..., None]), 0, 255).astype(np.uint8)


def _worn(image: np.ndarray, size: float, quality: int) -> np.ndarray:
    """The picture at a share `size` of its sides, saved as JPEG of a `quality`."""
    height, width = image.shape[:2]
    smaller = (max(16, round(width * size)), max(16, round(height * size)))
    file = io.BytesIO()
    Image.fromarray(image).resize(smaller, Image.Resampling.BICUBIC).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def _small(image: np.ndarray) -> np.ndarray:
    """The brightness of a picture, uint8 (H, W, 3), as float32 (GRID, GRID), antialiased."""
    gray = Image.fromarray(image.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32))
    return np.asarray(gray.resize((GRID, GRID), Image.Resampling.BICUBIC))


def _level(small: np.ndarray) -> np.ndarray:
    """The picture less its local mean, over its local contrast, (GRID, GRID)."""
    fine = small - gaussian_filter(small, 4.0, mode="reflect")
    contrast = np.sqrt(gaussian_filter(fine**2, 3.0, mode="reflect")) + 1.5
    return fine / contrast


@lru_cache(maxsize=64)
def _basis(count: int, start: float, end: float) -> np.ndarray:
    """Cosines at `count` places of a side whose shares `start` and `end` are cut off, (COSINES, count)."""
    place = start + (1 - start - end) * (np.arange(count) + 0.5) / count
    waves = np.cos(np.pi * np.arange(COSINES)[:, None] * place) * math.sqrt(2 / GRID)
    waves[0] /= math.sqrt(2)
    return waves


@lru_cache(maxsize=1)
def _crops() -> list[tuple[float, float]]:
    """Pairs of shares cut off at the ends of a side, nothing first."""
    return [(a, b) for a in CROPS for b in CROPS if a + b <= MOST]


@lru_cache(maxsize=1)
def _bases(count: int) -> np.ndarray:
    return np.stack([_basis(count, a, b) for a, b in _crops()]).astype(np.float32)
