"""Pictures in and out: one reader that makes uint8 RGB of whatever a camera saved, and one fit for networks.

Numpy and Pillow suffice, since the line PC reads with the same code that training reads with.
"""

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin

from burnish.errors import ImageError

MAX_PIXELS = 100_000_000
SUFFIXES = frozenset(
    "." + s for s in ("png", "jpg", "jpeg", "jpe", "bmp", "tif", "tiff", "webp", "gif", "ppm", "pgm", "jp2")
)
# A fixed list: a file's content must not choose an exotic decoder (EPS would start an interpreter).
_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM", "JPEG2000")
_WHITE, _BLACK = (255, 255, 255, 255), (0, 0, 0, 255)


def read_image(path: str | Path) -> np.ndarray:
    """Reads a picture of any common kind as uint8 (H, W, 3) RGB.

    EXIF rotation is applied; 16-bit gray is scaled by its full range (65535, or 4095 when no value exceeds
    that, as 12-bit cameras write); CMYK, gray and palettes become RGB; transparency is put on white. Of an
    animation the first frame is read. 16-bit colour keeps the high byte of each channel.

    Raises:
        ImageError: The file is missing, empty, not a picture, truncated, or over `MAX_PIXELS` (read from the
            header, before anything is decoded).
    """
    return _read(Path(path), _WHITE, turn=True)


def header_size(path: str | Path) -> tuple[int, int]:
    """Height and width that the file's head tells, before any EXIF rotation; no pixel is read.

    Raises:
        ImageError: There is no such file, or it is no picture.
    """
    try:
        with _quiet(), Image.open(path, formats=_FORMATS) as picture:
            return picture.height, picture.width
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ImageError(path, "is not a picture that can be read", "Save it as PNG or JPEG") from error


def read_mask(path: str | Path, size: tuple[int, int]) -> np.ndarray:
    """Reads a defect mask as bool (H, W): defective where any channel is >= 128.

    Args:
        path: A picture; EXIF rotation is ignored, transparency counts as not defective.
        size: The picture's (height, width), which the mask must match exactly.

    Raises:
        ImageError: As `read_image`, or the size differs.
    """
    mask = _read(Path(path), _BLACK, turn=False).max(axis=2) >= 128
    if mask.shape != tuple(size):
        (h, w), (height, width) = mask.shape, size
        raise ImageError(
            path,
            f"the mask is {w} x {h} but its picture is {width} x {height}",
            "Save the mask at the size of its picture",
        )
    return mask


def write_png(path: str | Path, array: np.ndarray, text: dict[str, str] | None = None) -> None:
    """Writes a PNG atomically: the file at `path` is whole or untouched, even when the disk fills up.

    Args:
        path: Where to; missing parent folders are made.
        array: uint8 (H, W), (H, W, 2) gray with alpha, (H, W, 3) or (H, W, 4); uint16 (H, W); or bool (H, W),
            written as 0 and 255.
        text: Keys and values for the file's text chunks.

    Raises:
        ImageError: The array has another form, or the file cannot be written.
    """
    path, array = Path(path), np.asarray(array)
    if array.dtype == bool:
        array = array.astype(np.uint8) * 255
    shapes = {"uint8": (2, *((3, channels) for channels in (2, 3, 4))), "uint16": (2,)}
    shape = 2 if array.ndim == 2 else (array.ndim, array.shape[-1] if array.ndim else 0)
    if shape not in shapes.get(array.dtype.name, ()):
        raise ImageError(
            path,
            f"cannot write an array of {array.dtype} {array.shape}",
            "Give uint8 (H, W) with 1 to 4 channels, uint16 (H, W) or bool (H, W)",
        )
    info = PngImagePlugin.PngInfo()
    for key, value in (text or {}).items():
        info.add_itxt(key, value)
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.ascontiguousarray(array)).save(part, format="PNG", pnginfo=info, compress_level=3)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        reason = f"cannot be written ({error.strerror or error})"
        raise ImageError(path, reason, "Free some space or choose another folder") from error


def fit(image: np.ndarray, side: int, multiple: int = 32) -> np.ndarray:
    """Resizes a picture for a network: same aspect, about `side**2` pixels, antialiased.

    Args:
        image: uint8 (H, W, 3).
        side: Geometric mean of the new height and width in pixels.
        multiple: Each new dimension is the nearest multiple of this, at least one.

    Returns:
        uint8 (h, w, 3); the aspect is kept up to the rounding to `multiple`.
    """
    h, w = fit_size(image.shape[0], image.shape[1], side, multiple)
    if (h, w) == image.shape[:2]:
        return np.ascontiguousarray(image)
    smaller = h <= image.shape[0] and w <= image.shape[1]
    resample = Image.Resampling.HAMMING if smaller else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize((w, h), resample)).copy()


def fit_mask(mask: np.ndarray, side: int, multiple: int = 32) -> np.ndarray:
    """Resizes a mask as `fit` does its picture, without losing thin defects.

    A new pixel is defective when a quarter of its area was. A hairline may stay below that everywhere; so
    away from such pixels fainter ones are kept too: first those of at least half their strongest neighbour's
    coverage, then any that is still alone. Hence every pixel that the mask touches is kept or has a
    neighbour that is.

    Args:
        mask: bool (H, W).
        side: As in `fit`.
        multiple: As in `fit`.

    Returns:
        bool (h, w).
    """
    h, w = fit_size(mask.shape[0], mask.shape[1], side, multiple)
    if (h, w) == mask.shape:
        return mask.copy()
    height, width = mask.shape
    covered = _overlap(height, h) @ mask.astype(np.float32) @ _overlap(width, w).T
    kept = covered >= 0.25
    kept |= (covered > 0) & (covered >= 0.5 * _largest_nearby(covered)) & (_largest_nearby(kept) == 0)
    return kept | ((covered > 0) & (_largest_nearby(kept) == 0))


def fit_size(height: int, width: int, side: int, multiple: int = 32) -> tuple[int, int]:
    """The (height, width) in pixels that `fit` gives a picture of `height` x `width`."""
    scale = side / (height * width) ** 0.5
    h, w = (max(1, round(n * scale / multiple)) * multiple for n in (height, width))
    return h, w


def _overlap(old: int, new: int) -> np.ndarray:
    """Which share of each of `new` equal stretches each of `old` pixels covers, float32 (new, old).

    Pillow's box filter drops pixels that lie exactly between two stretches.
    """
    edges, pixels = np.linspace(0, old, new + 1)[:, None], np.arange(old)
    shared = np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels)
    return np.where(shared > 1e-9, shared * (new / old), 0).astype(np.float32)


def _largest_nearby(values: np.ndarray) -> np.ndarray:
    """The maximum of each 3 x 3 neighbourhood of an (H, W) array."""
    padded = np.pad(values.astype(np.float32), 1)
    rows = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    return np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])


def _read(path: Path, background: tuple[int, int, int, int], turn: bool) -> np.ndarray:
    try:
        empty = path.stat().st_size == 0
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None) or error
        raise ImageError(path, f"cannot be read ({reason})", "Check the path") from error
    if empty:
        raise ImageError(path, "is empty (0 bytes)", "Copy the file again or leave it out")
    try:
        with _quiet(), Image.open(path, formats=_FORMATS) as picture:
            _refuse_large(path, picture.width * picture.height, f"{picture.width} x {picture.height}")
            deep_colour = any("16" in _raw_mode(tile[3]) for tile in picture.tile) and picture.mode in (
                "RGB",
                "RGBA",
            )
            picture.load()
            turned = ImageOps.exif_transpose(picture) if turn else picture
            array = _to_rgb(turned, background)
    except Image.DecompressionBombError as error:
        pixels = next(
            (int(word) for word in str(error).strip().replace("(", " ").split() if word.isdigit()), 0
        )
        _refuse_large(path, max(pixels, MAX_PIXELS + 1), f"{pixels:,} pixels")
        raise  # not reached: the line above raises
    except Image.UnidentifiedImageError as error:
        raise ImageError(path, "is not a picture that can be read", "Save it as PNG or JPEG") from error
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(path, "does not fit into memory", "Make the picture smaller") from error
    except Exception as error:  # on damaged bytes Pillow's decoders raise nearly anything
        raise ImageError(path, f"is broken ({error})", "Copy the file again or leave it out") from error
    if deep_colour and array.max() < 16:
        raise ImageError(
            path,
            "is 16-bit colour that uses 12 bits or fewer, which cannot be told from black",
            "Save it with 8 bits a channel, or as 16-bit gray",
        )
    return array


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Pillow's warning about large pictures, which `MAX_PIXELS` makes needless."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def _raw_mode(told: object) -> str:
    """The mode in the file, which some decoders are told with more, such as the length of a row."""
    return str(told[0] if isinstance(told, tuple) and told else told)


def _refuse_large(path: Path, pixels: int, size: str) -> None:
    if pixels > MAX_PIXELS:
        raise ImageError(
            path,
            f"is too large ({size}; the limit is {MAX_PIXELS // 1_000_000} million pixels)",
            "Crop it into pieces or make it smaller",
        )


def _to_rgb(picture: Image.Image, background: tuple[int, int, int, int]) -> np.ndarray:
    if picture.mode.startswith("I") or picture.mode == "F":
        gray = _to_8_bit(np.asarray(picture))
        return np.repeat(gray[:, :, None], 3, axis=2)
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, background), layer)
    return np.asarray(picture.convert("RGB")).copy()


def _to_8_bit(values: np.ndarray) -> np.ndarray:
    """Scales integer or floating gray to uint8 by the smallest usual range that holds its largest value."""
    ranges = (4095.0, 65535.0) if np.issubdtype(values.dtype, np.integer) else (1.0, 255.0, 4095.0, 65535.0)
    values = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    largest = float(values.max(initial=0.0))
    full = next((top for top in ranges if largest <= top), largest)
    return np.clip(np.rint(values * (255.0 / full)), 0, 255).astype(np.uint8)
