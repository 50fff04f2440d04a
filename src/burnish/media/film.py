"""Films in and out: frames of a video, a GIF or a folder, and mp4 or GIF written from frames.

Videos go through PyAV (extra `video`), GIFs and pictures through Pillow. A film that breaks off keeps the
frames that could be read, and says so.
"""

import contextlib
import os
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from burnish.errors import ImageError
from burnish.media.image import SUFFIXES, read_image
from burnish.media.medium import VIDEOS
from burnish.media.part import Problem
from burnish.media.sheet import as_rgb

FRAMES = 6000
"""Most frames read of one film; the rest is left out by name."""

SMALLEST = 8
"""Frames with a shorter side below this show nothing that could be learned."""

LONGEST = 100
"""A frame of a GIF counts at most so often."""

FPS = 8.0

Shrink = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Film:
    """Frames in order, and what was wrong with some.

    Attributes:
        frames: uint8 (H, W, 3) each.
        problems: What was left out, by name.
    """

    frames: tuple[np.ndarray, ...]
    problems: tuple[Problem, ...] = ()


def natural(path: Path) -> list[Any]:
    """A key that sorts `frame_9` before `frame_10`."""
    return [(int(bit), "") if bit.isdigit() else (0, bit) for bit in re.split(r"(\d+)", path.name.casefold())]


def is_film(path: Path) -> bool:
    """Whether a file is a video or a GIF, by its name."""
    return path.suffix.lower() in VIDEOS


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder itself, in natural order; GIFs are films, not pictures."""
    inside = (f for f in folder.iterdir() if f.is_file() and not f.name.startswith("."))
    return sorted((f for f in inside if f.suffix.lower() in SUFFIXES - VIDEOS), key=natural)


def read_film(path: str | Path, shrink: Shrink | None = None) -> Film:
    """The frames of a video, a GIF, a picture, or a folder of pictures.

    Args:
        path: The file or folder.
        shrink: Applied to each frame as it is read, so that a long film need not fit into memory.

    Returns:
        At least one frame; `problems` names what broke off or was left out.

    Raises:
        ImageError: Missing, no film at all, or not one frame of it can be read.
    """
    path = Path(path)
    if path.is_dir():
        return read_frames(pictures_in(path), path, shrink)
    if not is_film(path):
        return read_frames([path], path, shrink)
    if not path.is_file() or not path.stat().st_size:
        raise ImageError(path, "is empty or not there", "Check the path, or copy the file again")
    read = _gif if path.suffix.lower() == ".gif" else _video
    frames: list[np.ndarray] = []
    reason = ""
    try:
        for frame in read(path):
            if min(frame.shape[:2]) < SMALLEST:
                raise ImageError(path, too_small(frame), f"Give frames of at least {SMALLEST} px")
            if len(frames) == FRAMES:
                reason = f"is longer than {FRAMES} frames; the rest is left out"
                break
            frames.append(shrink(frame) if shrink else frame)
    except ImageError:
        raise
    except Exception as error:  # on damaged bytes decoders raise nearly anything
        if not frames:
            raise ImageError(
                path, f"cannot be read ({error})", "Copy the file again or leave it out"
            ) from error
        reason = f"breaks off after {len(frames)} frames ({error}); those are used"
    if not frames:
        raise ImageError(path, "holds no frame", "Copy the file again or leave it out")
    return Film(tuple(frames), (Problem(path.name, "broken", reason),) if reason else ())


def read_frames(files: Sequence[Path], whole: Path, shrink: Shrink | None = None) -> Film:
    """Pictures as the frames of one film; those that cannot be read are named and left out.

    Args:
        files: In order.
        whole: What they belong to, for messages.
        shrink: See `read_film`.

    Raises:
        ImageError: Not one can be read.
    """
    frames, problems = [], []
    for file in files[:FRAMES]:
        try:
            frame = read_image(file)
        except ImageError as error:
            problems.append(Problem(file.name, "broken", error.reason, error.cure))
            continue
        if min(frame.shape[:2]) < SMALLEST:
            problems.append(Problem(file.name, "size", too_small(frame), f"Give at least {SMALLEST} px"))
            continue
        frames.append(shrink(frame) if shrink else frame)
    if len(files) > FRAMES:
        problems.append(Problem(whole.name, "size", f"has more than {FRAMES} frames; the rest is left out"))
    if not frames:
        why = problems[0].reason if problems else "holds no pictures"
        raise ImageError(whole, f"has no usable frame ({why})", "Give PNG or JPEG frames, or a video")
    return Film(tuple(frames), tuple(problems))


def too_small(frame: np.ndarray) -> str:
    """The reason for leaving a tiny frame out."""
    return f"has frames of {frame.shape[1]} x {frame.shape[0]} px"


def write_film(path: str | Path, frames: Sequence[np.ndarray], fps: float = FPS, comment: str = "") -> Path:
    """Writes frames as .mp4 (H.264) or .gif, whole or not at all.

    Args:
        path: Where to; the suffix decides.
        frames: uint8 (H, W, 3) or (H, W), all of one size; at least one. mp4 repeats the last row or column
            of odd sides.
        fps: Frames a second, within 0.1 and 120.
        comment: Kept in the file's own comment.

    Raises:
        ImageError: Another suffix, frames that do not fit together, or a place that cannot be written.
    """
    path = Path(path)
    pictures = [as_rgb(np.asarray(frame)) for frame in frames]
    if not pictures or len({p.shape for p in pictures}) > 1 or not 0.1 <= fps <= 120:
        sizes = sorted({f"{p.shape[1]} x {p.shape[0]}" for p in pictures})
        raise ImageError(
            path, f"cannot be made of {len(pictures)} frames of sizes {sizes} at {fps:g} a second"
        )
    writers = {".gif": _write_gif, ".mp4": _write_mp4}
    if path.suffix.lower() not in writers:
        raise ImageError(path, "is neither .mp4 nor .gif", "Give --out a name that ends in .mp4 or .gif")
    part = path.with_name(f".{path.stem}.{os.getpid()}-{threading.get_ident()}.part{path.suffix.lower()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        writers[path.suffix.lower()](part, pictures, fps, comment)
        part.replace(path)
    except OSError as error:
        reason = f"cannot be written ({error.strerror or error})"
        raise ImageError(path, reason, "Free some space or choose another folder") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return path


def _gif(path: Path) -> Iterable[np.ndarray]:
    """Frames of a GIF at an even rate: writers merge equal ones, so one that lasts longer counts several
    times."""
    lasting = _durations(path)
    usual = sorted(lasting)[len(lasting) // 2] if lasting else 0
    with Image.open(path, formats=("GIF",)) as film:
        for index in range(getattr(film, "n_frames", 1)):
            film.seek(index)
            layer = film.convert("RGBA")
            white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
            frame = np.asarray(Image.alpha_composite(white, layer).convert("RGB")).copy()
            times = round(lasting[index] / usual) if usual and index < len(lasting) else 1
            yield from [frame] * min(max(times, 1), LONGEST)


def _durations(path: Path) -> list[float]:
    """How long each frame of a GIF lasts, milliseconds, as far as it can be read."""
    found = []
    with contextlib.suppress(Exception), Image.open(path, formats=("GIF",)) as film:
        for index in range(getattr(film, "n_frames", 1)):
            film.seek(index)
            found.append(float(film.info.get("duration", 0)))
    return found


def _video(path: Path) -> Iterable[np.ndarray]:
    av = _av(path)
    with av.open(str(path)) as film:
        if not film.streams.video:
            raise ImageError(path, "holds no video", "Give a film with pictures")
        stream = film.streams.video[0]
        stream.thread_type = "AUTO"
        length = (film.duration or 0) / 1_000_000 * float(stream.average_rate or 0)  # microseconds
        announced, count = stream.frames or int(length), 0
        for frame in film.decode(stream):
            count += 1
            turned = np.rot90(frame.to_ndarray(format="rgb24"), getattr(frame, "rotation", 0) // 90)
            yield np.ascontiguousarray(turned)
        if count < 0.9 * announced - 1:
            raise EOFError(f"about {announced} were announced")


def _av(path: Path) -> Any:
    try:
        import av
        import av.logging
    except ImportError as error:
        raise ImageError(
            path, "needs PyAV to be read or written", "Install it: pip install 'burnish[video]'"
        ) from error
    av.logging.set_level(None)
    return av


def _write_gif(path: Path, frames: Sequence[np.ndarray], fps: float, comment: str) -> None:
    pictures = [Image.fromarray(np.ascontiguousarray(frame)) for frame in frames]
    options = {"duration": round(1000 / fps), "loop": 0, "comment": comment.encode()}
    pictures[0].save(path, format="GIF", save_all=True, append_images=pictures[1:], **options)


def _write_mp4(path: Path, frames: Sequence[np.ndarray], fps: float, comment: str) -> None:
    av = _av(path)
    height, width = frames[0].shape[:2]
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        film.metadata["comment"] = comment
        stream.options = {"crf": "12", "preset": "medium"}
        for frame in frames:
            even = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
            for packet in stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(even), "rgb24")):
                film.mux(packet)
        for packet in stream.encode():
            film.mux(packet)
