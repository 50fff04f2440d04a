"""Devices that give pictures, and the decoding of video. PyAV and OpenCV are extras, imported on demand."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from burnish.errors import BurnishError

PATIENCE = (10.0, 5.0)
"""Seconds that a stream may take to open, and to give its next packet."""


class SourceError(BurnishError):
    """A source that cannot be opened at all."""


def require_av() -> Any:
    """PyAV, or a word on how to get it."""
    try:
        import av
    except ImportError as error:
        raise SourceError(
            "video", "needs PyAV, which is not installed", "pip install 'burnish[video]'"
        ) from error
    return av


def decoded(container: Any) -> Iterator[np.ndarray | None]:
    """The pictures of an open PyAV container, uint8 (H, W, 3); None for each that is corrupt."""
    av = require_av()
    for packet in container.demux(video=0):
        try:
            pictures = [
                None if frame.is_corrupt else frame.to_ndarray(format="rgb24") for frame in packet.decode()
            ]
        except EOFError:
            return
        except (av.FFmpegError, ValueError):
            pictures = [None]
        yield from pictures


class Device(Protocol):
    """A connected camera."""

    rate: float
    """Frames a second, 0 when unknown."""

    def read(self) -> np.ndarray | None:
        """The next picture, uint8 (H, W, 3); None for a corrupt one.

        Raises:
            OSError: The camera is gone.
        """
        ...

    def close(self) -> None: ...


class UsbCamera:
    """A camera at the computer, `camera:0`, over OpenCV."""

    def __init__(self, spec: str) -> None:
        try:
            import cv2
        except ImportError as error:
            raise SourceError(
                spec, "needs OpenCV, which is not installed", "pip install 'burnish[camera]'"
            ) from error
        number = spec.removeprefix("camera:")
        if not number.isdigit():
            raise SourceError(spec, "is not a camera", "Name it by its number, like camera:0")
        self.capture = cv2.VideoCapture(int(number))
        if not self.capture.isOpened():
            raise SourceError(
                spec, "cannot be opened", "Check its cable, its number and that no other program holds it"
            )
        self.rate = max(0.0, float(self.capture.get(cv2.CAP_PROP_FPS)))

    def read(self) -> np.ndarray:
        ok, bgr = self.capture.read()
        if not ok:
            raise ConnectionError("no picture")
        return np.ascontiguousarray(bgr[..., ::-1])

    def close(self) -> None:
        self.capture.release()


class StreamCamera:
    """A network camera over PyAV; RTSP by TCP, so that packets are not lost on the way."""

    def __init__(self, address: str, name: str) -> None:
        av = require_av()
        try:
            options = {"rtsp_transport": "tcp"} if address.startswith("rtsp") else {}
            self.container = av.open(address, options=options, timeout=PATIENCE)
            self.rate = float(self.container.streams.video[0].average_rate or 0)
        except (av.FFmpegError, OSError, IndexError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise SourceError(
                name, f"gives no video ({reason})", "Check the address, the network and the camera"
            ) from error
        self.pictures = decoded(self.container)
        self.lost = (av.FFmpegError, StopIteration)

    def read(self) -> np.ndarray | None:
        try:
            return next(self.pictures)
        except self.lost as error:
            raise ConnectionError(getattr(error, "strerror", None) or "the stream ended") from error

    def close(self) -> None:
        self.container.close()
