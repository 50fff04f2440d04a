"""The pictures of docs/prove.md about copies and marks: `make prove-pictures`."""

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "prove"))
from drawings import train_planted

from burnish.media.image import write_png
from burnish.media.sheet import contact_sheet
from burnish.prove.copies import probe
from burnish.prove.survival import sample_pictures
from burnish.prove.watermark import SpreadSpectrum, psnr
from burnish.verbs.load import load

OUT = Path(__file__).parents[1] / "docs" / "img"
LOUDER = 16


def planted() -> np.ndarray:
    """The planted picture and its control, each before its first samples."""
    with tempfile.TemporaryDirectory() as folder:
        train_planted(Path(folder))
        found = probe(load(Path(folder) / "model"), Path(folder) / "data", n=4, tries=7)
    print(found)
    images = [image for one in found.suspects for image in found.pictures[one.name][:8]]
    large = [np.asarray(Image.fromarray(i).resize((96, 96), Image.Resampling.NEAREST)) for i in images]
    return contact_sheet(large, columns=8, tile=96)


def marked() -> np.ndarray:
    """A part before and after, and the difference made louder."""
    before = next(sample_pictures(1, 256))
    after = SpreadSpectrum(b"the key of the docs").embed(before, 4711)
    louder = np.clip(128 + LOUDER * (after.astype(int) - before), 0, 255).astype(np.uint8)
    told = ("before", f"after, PSNR {psnr(before, after):.1f} dB", f"difference, {LOUDER} times")
    return contact_sheet([before, after, louder], columns=3, tile=256, captions=told)


if __name__ == "__main__":
    write_png(OUT / "marked.png", marked())
    write_png(OUT / "planted.png", planted())
