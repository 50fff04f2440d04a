"""Films of the sample line: a part that passes the camera, and a part that soils over time."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from burnish.samples.render import DEFECTS, SampleError, check, render_part
from burnish.samples.sensor import Drift

MOTIONS = ("pass", "wear")
REACH = 0.22
"""How far a passing part goes to either side of the middle, in fractions of the frame's width."""


def render_film(
    kind: str = "ring",
    seed: int = 0,
    motion: str = "pass",
    frames: int = 16,
    size: int = 64,
    foreign: int | None = None,
) -> np.ndarray:
    """A film of one part, uint8 (frames, size, size, 3); a seed gives one film, to the bit.

    Args:
        kind: One of `samples.KINDS`.
        seed: Names the part; also where it is at first, and how fast it goes.
        motion: `pass`, it crosses the view at an even speed; `wear`, it stays and soils.
        frames: Number of frames, at least 2.
        size: Pixels a side, 32 to 2048.
        foreign: A frame that shows another part, with a defect; None for none.

    Raises:
        SampleError: An unknown kind or motion, or numbers out of range.
    """
    check(kind, None, size)
    if motion not in MOTIONS:
        raise SampleError(motion, "the sample line has no such film", f"Choose one of {', '.join(MOTIONS)}")
    if frames < 2 or (foreign is not None and not 0 <= foreign < frames):
        raise SampleError(f"frames {frames}, foreign {foreign}", "out of range", "Give 2 frames or more")
    rng = np.random.default_rng([seed, MOTIONS.index(motion)])
    first, last = -REACH * rng.uniform(0.6, 1), REACH * rng.uniform(0.6, 1)
    start, end = rng.uniform(0, 0.15), rng.uniform(0.7, 1)
    film = []
    for index, share in enumerate(np.linspace(0, 1, frames)):
        if motion == "pass":
            drift = Drift(position=first + float(share) * (last - first))
        else:
            drift = Drift(soiling=start + float(share) * (end - start))
        other = index == foreign
        part = render_part(kind, seed + 1_000_003 * other, DEFECTS[kind][0] if other else None, drift, size)
        film.append(part.image)
    return np.stack(film)


def write_films(
    folder: str | Path,
    kind: str = "ring",
    each: int = 20,
    seed: int = 0,
    frames: int = 16,
    size: int = 64,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Writes films as folders of frames, `<motion>/<number>/frame_00.png`, which are clips of
    two classes.

    Args:
        folder: Where to; made if missing.
        kind, frames, size: See `render_film`.
        each: Films of each motion, at least 1.
        seed: Names the set.
        progress: Called with (films done, films in all).

    Returns:
        The folder.

    Raises:
        SampleError: See `render_film`.
    """
    if each < 1:
        raise SampleError(f"{each} films", "there must be one at least", "Give a number above 0")
    root = Path(folder)
    for done in range(each * len(MOTIONS)):
        number, motion = done // len(MOTIONS), MOTIONS[done % len(MOTIONS)]
        place = root / motion / f"{number:04d}"
        place.mkdir(parents=True, exist_ok=True)
        for index, frame in enumerate(render_film(kind, seed * 100_003 + number, motion, frames, size)):
            Image.fromarray(frame).save(place / f"frame_{index:02d}.png", compress_level=3)
        if progress:
            progress(done + 1, each * len(MOTIONS))
    return root
