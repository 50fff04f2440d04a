"""How often a marked picture's record is found again after what pictures go through, measured."""

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from burnish.core.stats import Rate, rate
from burnish.errors import DatasetError
from burnish.media.dataset import find_images
from burnish.media.image import read_image
from burnish.prove.figures import of_rate
from burnish.prove.marking import Marker
from burnish.prove.perceptual import perceptual_hash
from burnish.prove.watermark import psnr
from burnish.samples.render import KINDS, render_part
from burnish.store.tables import Figure, Mark

Wear = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """The picture saved as JPEG and read again."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def half(image: np.ndarray) -> np.ndarray:
    """The picture at half its sides."""
    height, width = image.shape[:2]
    return np.asarray(Image.fromarray(image).resize((width // 2, height // 2), Image.Resampling.LANCZOS))


def crop(image: np.ndarray, rng: np.random.Generator, share: float = 0.05) -> np.ndarray:
    """The picture without a share of each side, cut at a random place."""
    height, width = image.shape[:2]
    rows, columns = round(height * (1 - share)), round(width * (1 - share))
    top, left = rng.integers(0, height - rows + 1), rng.integers(0, width - columns + 1)
    return np.ascontiguousarray(image[top : top + rows, left : left + columns])


WEARS: dict[str, Wear] = {
    "as it is": lambda image, _: image,
    "JPEG 90": lambda image, _: jpeg(image, 90),
    "JPEG 75": lambda image, _: jpeg(image, 75),
    "JPEG 50": lambda image, _: jpeg(image, 50),
    "half size": lambda image, _: half(image),
    "5 % crop": crop,
}


@dataclass
class Survival:
    """What was measured.

    Attributes:
        marked: Pictures marked.
        loudness: PSNR of each marked picture, dB.
        watermark: By wear, how many gave the right number.
        hash: By wear, how many the perceptual hash led to the right record.
        either: By wear, how many were found by at least one.
        wrong: Clues, over all wears, that led to a wrong record.
        unmarked: Pictures without a mark.
        false_watermark, false_hash: Of these, how many were taken for marked, and for one of the registry.
        declared: The watermark's declared rate of false finds.
    """

    marked: int = 0
    loudness: list[float] = field(default_factory=list)
    watermark: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WEARS, 0))
    hash: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WEARS, 0))
    either: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WEARS, 0))
    wrong: int = 0
    unmarked: int = 0
    false_watermark: int = 0
    false_hash: int = 0
    declared: float = 0.0

    def rates(self) -> dict[str, Rate]:
        """Named rates with Clopper-Pearson bounds."""
        found = {}
        for wear in WEARS:
            for how, counts in (("watermark", self.watermark), ("hash", self.hash), ("either", self.either)):
                found[f"{how}: {wear}"] = rate(counts[wear], self.marked)
        found["false finds: watermark"] = rate(self.false_watermark, self.unmarked)
        found["false finds: hash"] = rate(self.false_hash, self.unmarked)
        return found

    def __str__(self) -> str:
        quiet = np.percentile(self.loudness, [0, 50]) if self.loudness else (0.0, 0.0)
        lines = [f"{self.marked} marked pictures, PSNR {quiet[1]:.1f} dB (median), least {quiet[0]:.1f} dB"]
        width = max(map(len, WEARS))
        for wear in WEARS:
            shares = [
                f"{how} {_percent(rate(counts[wear], self.marked))}"
                for how, counts in (
                    ("watermark", self.watermark), ("hash", self.hash), ("either", self.either)
                )
            ]  # fmt: skip
            lines.append(f"  {wear:<{width}}  " + "  ".join(shares))
        lines.append(f"{self.wrong} clues led to a wrong record")
        lines.append(
            f"{self.unmarked} unmarked pictures: false finds by watermark"
            f" {_percent(rate(self.false_watermark, self.unmarked))} (declared: {self.declared:g}),"
            f" by hash {_percent(rate(self.false_hash, self.unmarked))}"
        )
        return "\n".join(lines)


def measure(
    marker: Marker,
    marked: Iterable[np.ndarray],
    unmarked: Iterable[np.ndarray],
    seed: int = 0,
    first: int = 1,
    on_picture: Callable[[int], object] = lambda done: None,
) -> Survival:
    """Marks pictures, wears them, and looks for their records; nothing is written to the registry.

    Args:
        marker: Whose marks.
        marked: Pictures to mark, uint8 (H, W, 3).
        unmarked: Other pictures.
        seed: Of the crops.
        first: Record number of the first.
        on_picture: Told how many are done.
    """
    result = Survival(declared=marker.watermark.false_positives)
    rng = np.random.default_rng((seed, 31))
    done: list[tuple[Mark, np.ndarray]] = []
    for number, image in enumerate(marked, start=first):
        hidden = marker.watermark.embed(image, number)
        result.loudness.append(psnr(image, hidden))
        entry = Mark(record_number=number, file="", file_hash="", picture_hash=perceptual_hash(hidden).hex())
        done.append((entry, hidden))
        on_picture(len(done))
    marks, result.marked = [entry for entry, _ in done], len(done)
    for count, (entry, hidden) in enumerate(done, start=1):
        for wear, apply in WEARS.items():
            clues = {c.how: c.record for c in marker.look(apply(hidden, rng), marks)}
            right = {how for how, record in clues.items() if record == entry.record_number}
            result.watermark[wear] += "watermark" in right
            result.hash[wear] += "perceptual hash" in right
            result.either[wear] += bool(right)
            result.wrong += len(clues) - len(right)
        on_picture(result.marked + count)
    for image in unmarked:
        clues = {c.how for c in marker.look(image, marks)}
        result.unmarked += 1
        result.false_watermark += "watermark" in clues
        result.false_hash += "perceptual hash" in clues
        on_picture(2 * result.marked + result.unmarked)
    return result


def sample_pictures(count: int, size: int = 256, seed: int = 0) -> Iterator[np.ndarray]:
    """Rendered parts of the sample line, good ones, its kinds in turn."""
    for index in range(count):
        yield render_part(KINDS[index % len(KINDS)], seed * 1_000_000 + index, None, None, size).image


def gather(
    folder: str | Path | None, marked: int, unmarked: int, size: int = 256
) -> tuple[Iterator[np.ndarray], Iterator[np.ndarray]]:
    """Pictures to mark and others to leave unmarked, read or rendered as they are asked for.

    Args:
        folder: Of pictures, taken evenly over their names; None renders parts of the sample line.
        marked, unmarked: How many of each.
        size: Side of rendered parts.

    Raises:
        DatasetError: The folder holds fewer pictures than are wanted.
    """
    if folder is None:
        return sample_pictures(marked, size), sample_pictures(unmarked, size, seed=1)
    files = find_images(Path(folder))
    wanted = marked + unmarked
    if len(files) < wanted:
        raise DatasetError(
            folder,
            f"holds {len(files)} pictures, {wanted} are wanted",
            "Ask for fewer, or name another",
        )
    spread = [files[k * len(files) // wanted] for k in range(wanted)]
    order = np.random.default_rng(32).permutation(wanted)
    return (
        (read_image(spread[k]) for k in order[:marked]),
        (read_image(spread[k]) for k in order[marked:]),
    )


def as_figures(found: Survival, subject: str, command: str) -> list[Figure]:
    """The rates as figures of the workspace, for a card.

    Args:
        found: What was measured.
        subject: A bundle's hash, or `marking`.
        command: That measured it.
    """
    figures = [
        of_rate(
            f"mark survival: {name}" if not name.startswith("false") else f"mark {name}",
            share,
            subject=subject,
            command=command,
            better="lower" if name.startswith("false") else "higher",
            threshold=None,
            detail={"pictures": found.marked, "declared false finds of the watermark": found.declared},
        )
        for name, share in found.rates().items()
        if not name.startswith("either")
    ]
    quiet = np.percentile(found.loudness, [0, 50, 100])
    figures.append(
        Figure(
            what="mark PSNR, median",
            value=float(quiet[1]),
            unit="dB",
            better="higher",
            subject=subject,
            command=command,
            detail={"least": float(quiet[0]), "most": float(quiet[2])},
        )
    )
    return figures


def _percent(found: Rate) -> str:
    if found.value is None:
        return "not measured"
    return f"{100 * found.value:.1f} % ({100 * found.low:.1f} to {100 * found.high:.1f})"
