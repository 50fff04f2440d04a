"""Where verdicts go: a file of JSON lines, a folder of overlays, counts on the terminal."""

import contextlib
import json
import math
import os
import signal
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.table import Table

from burnish.errors import BurnishError, ImageError
from burnish.line.runtime import Counts, Runtime, Verdict
from burnish.line.source import Frame, Source
from burnish.media.image import fit, write_png

HOT = 0.5
"""Heat above which a pixel counts as defective in the area of a verdict."""


SHOWN = 1024
"""Geometric mean of an overlay's sides in pixels, at most."""


class SinkError(BurnishError):
    """Verdicts that can no longer be written; what was written is kept."""

    exit_code = 4


class Sink(Protocol):
    """Takes verdicts, one by one, in order."""

    def write(self, frame: Frame, verdict: Verdict) -> None:
        """Raises SinkError when it cannot."""
        ...

    def close(self) -> None: ...


class JsonLines:
    """One JSON object a verdict, on disk before the next is judged.

    After a full disk the file ends with the last whole line. A file is written anew, but for `append`.

    Args:
        path: The file; its folder is made.
        append: Go on after what is there (a live camera's log must outlive a restart).

    Raises:
        SinkError: It cannot be opened.
    """

    def __init__(self, path: str | Path, append: bool = False) -> None:
        self.path, self.lines = Path(path), 0
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.file = self.path.open("ab" if append else "wb", buffering=0)
            self.end = self.file.tell() if self.file.seekable() else 0
            if append and self.end and not last_byte_is_newline(self.path):
                self._put(b"\n")
        except OSError as error:
            raise SinkError(
                path, f"cannot be written ({error.strerror})", "Name a file you may write to"
            ) from error

    def write(self, frame: Frame, verdict: Verdict) -> None:
        line = json.dumps(verdict_object(verdict), ensure_ascii=False, allow_nan=False)
        try:
            self._put(line.encode("utf-8", errors="backslashreplace") + b"\n")  # an undecodable file name
        except OSError as error:
            with contextlib.suppress(OSError):
                self.file.truncate(self.end)
            raise SinkError(
                self.path,
                f"cannot take more ({error.strerror}); the {self.lines} verdicts before it are kept",
                "Free some disk space and run again",
            ) from error
        self.lines += 1

    def _put(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self.file.write(rest) :]
        self.end += len(data)

    def close(self) -> None:
        self.file.close()


def last_byte_is_newline(path: Path) -> bool:
    """Whether a file that is not empty ends a line; a power cut may have torn the last one."""
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def verdict_object(verdict: Verdict) -> dict[str, Any]:
    """A verdict as JSON takes it: the heat map as its peak and the area above `HOT`.

    `peak` is in pixels of the picture; `area` is a fraction of the picture in [0, 1].
    """
    peak = area = None
    if verdict.map is not None and verdict.size is not None:
        row, column = np.unravel_index(int(verdict.map.argmax()), verdict.map.shape)
        (height, width), (rows, columns) = verdict.size, verdict.map.shape
        peak = {
            "x": int((column + 0.5) * width / columns),
            "y": int((row + 0.5) * height / rows),
            "heat": round(float(verdict.map.max()), 6),
        }
        area = round(float((verdict.map > HOT).mean()), 6)
    return {
        "part_id": verdict.part_id,
        "time": datetime.fromtimestamp(verdict.time, UTC).isoformat(timespec="milliseconds"),
        "verdict": verdict.verdict,
        "score": verdict.score,
        "p_value": verdict.p_value,
        "peak": peak,
        "area": area,
        "model_hash": verdict.model_hash,
        "milliseconds": round(verdict.milliseconds, 3),
        "reason": verdict.reason,
    }


class Overlays:
    """A PNG a judged picture: the heat drawn on it, the verdict in its text. Held parts have none.

    Pictures of more than a megapixel are shown at one: drawing 12 would take seconds and 200 MB each.

    Args:
        folder: Made when it is not there; the pictures take the parts' names.

    Raises:
        SinkError: It cannot be made.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder, self.pictures = Path(folder), 0
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SinkError(
                folder, f"cannot be made ({error.strerror})", "Name a folder you may write to"
            ) from error

    def write(self, frame: Frame, verdict: Verdict) -> None:
        from burnish.media.sheet import overlay

        if frame.image is None or verdict.map is None:
            return
        large = frame.image.shape[0] * frame.image.shape[1] > SHOWN**2
        shown = fit(frame.image, SHOWN, multiple=1) if large else frame.image
        name = "".join("_" if c in ':#?*"<>|\\' else c for c in frame.part_id)
        path = self.folder / f"{name}.png"
        text = {
            "burnish:verdict": verdict.verdict,
            "burnish:score": f"{verdict.score:.6g}",
            "burnish:model": verdict.model_hash,
        }
        try:
            write_png(path, overlay(shown, verdict.map), text)
        except (ImageError, OSError) as error:
            raise SinkError(
                path,
                f"{getattr(error, 'reason', error)}; the {self.pictures} overlays before it are kept",
                "Free some disk space and run again",
            ) from error
        self.pictures += 1

    def close(self) -> None:
        """Nothing is open."""


def run_line(
    runtime: Runtime,
    source: Source,
    sinks: Sequence[Sink] = (),
    limit: int | None = None,
    stop: threading.Event | None = None,
    console: Console | None = None,
    counts: Counts | None = None,
) -> Counts:
    """Judges a source to its end and hands every verdict to every sink.

    Args:
        runtime: The inspector.
        source: Where the frames come from.
        sinks: Where the verdicts go; closed at the end, whatever happens.
        limit: Frames at most.
        stop: Set it to end early and cleanly.
        console: Where live counts are shown, if it is a terminal.
        counts: The tally to add to, for a caller who wants it even when a sink fails.

    Raises:
        SinkError: A sink failed; `counts` holds what was judged, the failing part too.
    """
    counts = counts if counts is not None else Counts()
    total = source.total if limit is None else limit if source.total is None else min(limit, source.total)
    with contextlib.ExitStack() as stack:
        for sink in sinks:
            stack.callback(sink.close)
        verdicts = stack.enter_context(contextlib.closing(runtime.judge_all(islice(source, limit), stop)))
        shown = stack.enter_context(contextlib.closing(live_counts(verdicts, counts, total, console)))
        for frame, verdict in shown:
            counts.add(verdict)
            for sink in sinks:
                sink.write(frame, verdict)
    return counts


@contextlib.contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C or a termination sets, so that a run ends cleanly; a second ends it at once."""
    stop, kept = threading.Event(), {}

    def ask(number: int, _: Any) -> None:
        stop.set()
        signal.signal(number, kept[number])

    for number in (signal.SIGINT, signal.SIGTERM):
        kept[number] = signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def live_counts(
    verdicts: Iterable[tuple[Frame, Verdict]], counts: Counts, total: int | None, console: Console | None
) -> Generator[tuple[Frame, Verdict]]:
    """Passes verdicts on and shows the counts twice a second where the console is a terminal."""
    if console is None or not console.is_terminal:
        yield from verdicts
        return

    def line() -> str:
        of = f"/{total}" if total else ""
        left = f", {(total - counts.frames) / counts.rate:.0f} s left" if total and counts.frames else ""
        tally = (
            f"[green]{counts.passed} pass[/] [red]{counts.rejected} reject[/] [yellow]{counts.held} hold[/]"
        )
        return f"{counts.frames}{of}  {tally}  {counts.rate:.1f} images/s{left}"

    with Live(console=console, get_renderable=line, refresh_per_second=2, transient=True):
        yield from verdicts


def summary(counts: Counts) -> Table:
    """The tally of a run as a table."""
    table = Table("in", "pass", "reject", "hold", "ms p50", "ms p95", "images/s")
    p50, p95 = (counts.percentile(q) for q in (50, 95))
    numbers = [f"{value:.1f}" if math.isfinite(value) else "-" for value in (p50, p95, counts.rate)]
    table.add_row(*map(str, (counts.frames, counts.passed, counts.rejected, counts.held)), *numbers)
    return table
