"""Where pictures come from: files, folders, videos, cameras, the simulated line; all one stream of frames.

A source never drops a frame in silence. What could not give a picture (a broken file, a corrupt packet, a
camera that is away) is a `Frame` with an `error`, which the runtime holds.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from burnish.errors import ImageError
from burnish.line.camera import Device, SourceError, StreamCamera, UsbCamera, decoded, require_av
from burnish.media.image import SUFFIXES, read_image
from burnish.media.layouts import find_images, listed_masks

PICTURES = SUFFIXES - {".gif"}
VIDEOS = {".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".gif"}
STREAMS = ("rtsp://", "rtsps://", "http://", "https://")
MASK_FOLDERS = {"mask", "masks", "ground_truth"}
FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0
"""Seconds before a lost camera is asked again; doubles from the first to the longest."""


@dataclass(frozen=True)
class Frame:
    """What a source gave for one part.

    Args:
        part_id: Unique in the run: a path inside the folder, or `name#number`.
        image: uint8 (H, W, 3), or None when there is no picture.
        error: Why there is none.
        time: When it was taken, seconds since 1970 (UTC).
    """

    part_id: str
    image: np.ndarray | None
    error: str | None = None
    time: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Source:
    """An opened source: iterate over it once.

    Args:
        name: As the user knows it; passwords in addresses are left out.
        frames: The frames, in order.
        total: How many there will be, or None when nobody can know.
        live: A camera, which has no end and no second showing.
    """

    name: str
    frames: Iterator[Frame]
    total: int | None = None
    live: bool = False

    def __iter__(self) -> Iterator[Frame]:
        return self.frames


def open_source(spec: str | Path) -> Source:
    """Opens a source of frames.

    Args:
        spec: A picture, a folder (all pictures in it and below, sorted; masks of a data set are left out), a
            video file, `camera:0` (USB), `rtsp://...`, or the simulated camera, e.g.
            `sim:ring?n=100&defects=0.1&faults=0.02&seed=0`.

    Raises:
        SourceError: There is nothing there, or nothing that gives pictures.
    """
    text = str(spec)
    if text.startswith("sim:"):
        return simulated(text)
    if text.startswith("camera:"):
        return live_source(text, lambda: UsbCamera(text))
    if text.startswith(STREAMS):
        address = urlsplit(text)
        name = f"{address.scheme}://{address.netloc.rpartition('@')[2]}{address.path}"
        return live_source(name, lambda: StreamCamera(text, name))
    path = Path(spec)
    if path.is_dir():
        return folder_source(path)
    if not path.exists():
        raise SourceError(
            path, "does not exist", "Name a picture, a folder, a video, camera:0, rtsp://... or sim:ring"
        )
    if path.suffix.lower() in PICTURES:
        return Source(path.name, picture_frames(path.parent, [path]), total=1)
    if path.suffix.lower() in VIDEOS:
        return video_source(path)
    raise SourceError(
        path, "is neither a picture nor a video", f"Known endings: {' '.join(sorted(PICTURES | VIDEOS))}"
    )


def folder_source(folder: Path) -> Source:
    """All pictures of a folder and below, one after another."""
    pictures = pictures_below(folder)
    return Source(folder.name, picture_frames(folder, pictures), total=len(pictures))


def pictures_below(folder: Path) -> list[Path]:
    """All pictures of a folder and below, sorted by path; masks of a data set are left out.

    Raises:
        SourceError: There are none.
    """
    masks = listed_masks(folder)
    pictures = [
        path
        for path in find_images(folder)
        if path.suffix.lower() in PICTURES
        and path not in masks
        and MASK_FOLDERS.isdisjoint(name.lower() for name in path.relative_to(folder).parts[:-1])
    ]
    if not pictures:
        raise SourceError(folder, "has no pictures", f"Known endings: {' '.join(sorted(PICTURES))}")
    return pictures


def picture_frames(root: Path, pictures: list[Path]) -> Iterator[Frame]:
    """One frame a file; the part is named by its path below `root`."""
    for path in pictures:
        part_id = path.relative_to(root).as_posix()
        try:
            yield Frame(part_id, read_image(path))
        except (ImageError, OSError) as error:
            yield Frame(part_id, None, getattr(error, "reason", None) or str(error))


def simulated(spec: str) -> Source:
    """The sample line's camera, `sim:ring?n=100&defects=0.1&faults=0.02&seed=0`; endless without `n`."""
    from burnish.samples import Camera

    kind, _, query = spec.removeprefix("sim:").partition("?")
    names: dict[str, tuple[str, Callable[[str], Any]]] = {
        "n": ("frames", int),
        "defects": ("defect_rate", float),
        "faults": ("fault_rate", float),
        "seed": ("seed", int),
    }
    try:
        asked = dict(parse_qsl(query, strict_parsing=True)) if query else {}
        options = {names[key][0]: names[key][1](value) for key, value in asked.items()}
    except (KeyError, ValueError) as error:
        cure = "Write it like sim:ring?n=100&defects=0.1&faults=0.02&seed=0"
        raise SourceError(spec, f"is not a simulated camera ({error})", cure) from error
    camera = Camera(kind or "ring", **options)
    frames = (
        Frame(part_id, image, None if image is not None else "camera fault") for part_id, image in camera
    )
    return Source(spec.partition("?")[0], frames, total=options.get("frames"))


def video_source(path: Path) -> Source:
    """Every frame of a video file; corrupt ones are errors and the rest still comes.

    Raises:
        SourceError: It is not a video.
    """
    av = require_av()
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        raise SourceError(
            path, f"cannot be read as a video ({error.strerror})", "Check that it plays elsewhere"
        ) from error
    if not container.streams.video:
        raise SourceError(path, "holds no video", "Name a file with pictures in it")
    return Source(
        path.name, video_frames(path.name, container), total=container.streams.video[0].frames or None
    )


def video_frames(name: str, container: Any) -> Iterator[Frame]:
    """The frames of an open PyAV container, which is closed at the end."""
    av, number = require_av(), 0
    with container:
        try:
            for number, image in enumerate(decoded(container), start=1):
                yield Frame(f"{name}#{number:06d}", image, None if image is not None else "corrupt frame")
        except (av.FFmpegError, OSError) as error:
            yield Frame(f"{name}#{number + 1:06d}", None, f"the video breaks off ({error})")


def live_source(name: str, connect: Callable[[], Device]) -> Source:
    """A camera as a source. The first connection must succeed, so that a wrong name is told at once.

    Raises:
        SourceError: The camera is not there.
    """
    return Source(name, watch(name, connect, connect()), live=True)


def watch(
    name: str,
    connect: Callable[[], Device],
    camera: Device | None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Frame]:
    """Frames of a camera without end; when it vanishes it is asked again, at longer and longer intervals.

    While it is away every frame that it would have taken, by its own frame rate, comes as an error (at least
    one for each time it was asked), so the parts that passed unseen are counted.

    Args:
        name: Prefix of the parts' names.
        connect: Opens the camera anew; raises SourceError or OSError while it is away.
        camera: The camera, already open; None to begin with a connection.
        clock: Seconds, monotonic.
        sleep: Waits for so many seconds.
    """
    number, wait, rate = 0, FIRST_WAIT, 0.0
    try:
        while True:
            asked, lost = clock(), 1
            try:
                camera = camera or connect()
                rate = camera.rate
                image = camera.read()
                error, wait = (None if image is not None else "corrupt frame"), FIRST_WAIT
            except (SourceError, OSError) as gone:
                if camera is not None:
                    camera.close()
                camera, image, error = None, None, f"camera lost: {getattr(gone, 'reason', None) or gone}"
                sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)
                lost = max(1, round((clock() - asked) * rate))
            for _ in range(lost):
                number += 1
                yield Frame(f"{name}#{number:06d}", image, error)
    finally:
        if camera is not None:
            camera.close()
