"""Clips made from files and written to files: what `burnish make` does for a bundle of clips."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from burnish.errors import BurnishError
from burnish.media.film import FPS, read_film, write_film
from burnish.media.image import read_image, write_png
from burnish.media.sheet import contact_sheet
from burnish.verbs import clips
from burnish.verbs.clip_model import ClipModel
from burnish.verbs.make import parameters

MOST_MORE = 1000


@dataclass(frozen=True)
class Start:
    """What a clip starts from; all None for a description alone.

    Attributes:
        first, last: Pictures of its first and last frame.
        extend: A film to go on from, by `more` frames.
        more: See `extend`.
        repair: A film of which the frames `bad` are made anew.
        bad: Places from 0 and ranges, such as "3,7-9".
    """

    first: Path | None = None
    last: Path | None = None
    extend: Path | None = None
    more: int = 8
    repair: Path | None = None
    bad: str = ""

    def check(self) -> None:
        """Raises BurnishError when it asks for several things at once."""
        asked = [bool(self.first or self.last), bool(self.extend), bool(self.repair)]
        if sum(asked) > 1:
            raise BurnishError(
                "frames, --extend and --repair", "cannot go together", "Ask for one of them at a time"
            )
        if self.extend and not 1 <= self.more <= MOST_MORE:
            raise BurnishError(f"{self.more} more frames", f"must be within 1 and {MOST_MORE}")
        if bool(self.repair) != bool(self.bad):
            raise BurnishError("--repair", "needs a film and --frames", "Name the bad frames: --frames 3,7-9")


def places_of(text: str) -> list[int]:
    """The numbers of "3,7-9": [3, 7, 8, 9].

    Raises:
        BurnishError: Anything else.
    """
    places: list[int] = []
    for bit in text.split(","):
        first, _, last = bit.strip().partition("-")
        if not re.fullmatch(r"[0-9]{1,6}(-[0-9]{1,6})?", bit.strip()):
            raise BurnishError(f"frames {text!r}", "are not numbers", "Write them like 3,7-9")
        low, high = int(first), int(last or first)
        if high < low or high - low > 10_000:
            raise BurnishError(f"frames {text!r}", "hold a range that falls or is too long", "Write 7-9")
        places += range(low, high + 1)
    return places


def make_files(
    model: ClipModel,
    out: str | Path,
    description: str = "",
    n: int = 1,
    steps: int = 8,
    guidance: float = 1.0,
    seed: int = 0,
    start: Start = Start(),
    fps: float = FPS,
) -> list[Path]:
    """Makes clips and writes them with a grid of their frames.

    Args:
        model: From `load`.
        out: See `save`.
        description, n, steps, guidance, seed: See `clips.make`.
        start: What they start from.
        fps: Frames a second.

    Returns:
        The films' files, then the grid.

    Raises:
        BurnishError, ImageError: A picture or film that cannot be read, values out of range, no place.
    """
    start.check()
    told = {"description": description, "steps": steps, "guidance": guidance, "seed": seed}
    if start.extend:
        film = [model.fit(frame) for frame in read_film(start.extend).frames]
        made = [clips.extend(model, film, start.more, **told, index=k) for k in range(n)]
    elif start.repair:
        film = [model.fit(frame) for frame in read_film(start.repair).frames]
        made = [clips.repair(model, film, places_of(start.bad), **told, index=k) for k in range(n)]
    else:
        given = {0: start.first, model.length - 1: start.last}
        frames = {place: model.fit(read_image(file)) for place, file in given.items() if file}
        made = list(clips.make(model, n=n, given=frames, **told))
    return save(out, model, made, **told, fps=fps)


def save(
    out: str | Path,
    model: ClipModel,
    clips: Sequence[np.ndarray],
    description: str = "",
    steps: int = 8,
    guidance: float = 1.0,
    seed: int = 0,
    fps: float = FPS,
) -> list[Path]:
    """Writes clips and a grid of their frames.

    Args:
        out: A file .mp4 or .gif for a single clip, its grid beside it as .png; else a folder of 00000.mp4 and
            so on with `sheet.png`.
        clips: uint8 (T, size, size, 3) each.
        model, description, steps, guidance, seed: Said in the files' comments.
        fps: Frames a second.

    Returns:
        The films' files, then the grid.

    Raises:
        ImageError: A file that cannot be written.
        BurnishError: One file for several clips.
    """
    out = Path(out)
    single = out.suffix.lower() in (".mp4", ".gif")
    if single and len(clips) != 1:
        raise BurnishError(out, f"is one file, but {len(clips)} clips were made", "Name a folder, or --n 1")
    files = []
    for index, clip in enumerate(clips):
        file = out if single else out / f"{index:05d}.mp4"
        said = parameters(model, description, steps, guidance, seed, index)
        files.append(write_film(file, list(clip), fps, said))
    grid_file = out.with_suffix(".png") if single else out / "sheet.png"
    write_png(grid_file, frame_grid(clips[:25]))
    return [*files, grid_file]


def frame_grid(clips: Sequence[np.ndarray], most: int = 16) -> np.ndarray:
    """A sheet of clips, a row each with up to `most` frames evenly over its time, uint8 (H, W, 3)."""
    shown = []
    columns = min(most, max(len(clip) for clip in clips))
    for clip in clips:
        shown += [clip[k] for k in np.linspace(0, len(clip) - 1, columns).round().astype(int)]
    return contact_sheet(shown, columns=columns, tile=96)
