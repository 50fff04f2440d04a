"""The inspector at the line: onnxruntime and numpy, no torch.

One picture is judged on one core; `threads` pictures are judged at a time while the next ones are read. That
gives more pictures a second than spreading one picture over the cores, and answers do not depend on it.
What cannot be judged is held, never passed: frames in = pass + reject + hold.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime as ort
from PIL import Image

from burnish.core.conformal import p_value
from burnish.errors import BundleError
from burnish.line.source import Frame
from burnish.media.image import fit
from burnish.store.bundle import read_bundle

MODEL = "inspector.onnx"
TICK = 0.05
"""Seconds between two looks at whether the run was asked to stop."""


@dataclass(frozen=True)
class Verdict:
    """What the line is told of one part.

    Args:
        part_id: As in the frame.
        time: When the picture was taken, seconds since 1970 (UTC).
        verdict: `pass`, `reject`, or `hold` for what could not be judged.
        score: Suspicion, higher is worse; None when held without one.
        p_value: Conformal p-value among held-out good parts, in (0, 1].
        model_hash: Of the model that judged.
        milliseconds: From picture to verdict: fitting, inference, all.
        reason: Why it is held.
        map: Heat as the model gave it, float32 (h / 4, w / 4) in [0, 1], or None.
        size: (H, W) of the picture.
    """

    part_id: str
    time: float
    verdict: Literal["pass", "reject", "hold"]
    score: float | None
    p_value: float | None
    model_hash: str
    milliseconds: float
    reason: str | None = None
    map: np.ndarray | None = None
    size: tuple[int, int] | None = None

    @cached_property
    def heat(self) -> np.ndarray | None:
        """The heat map at the picture's own size, float32 (H, W) in [0, 1], or None."""
        if self.map is None or self.size is None:
            return None
        height, width = self.size
        return np.asarray(Image.fromarray(self.map).resize((width, height), Image.Resampling.BILINEAR))


@dataclass
class Counts:
    """The tally of a run; `frames == passed + rejected + held` always."""

    passed: int = 0
    rejected: int = 0
    held: int = 0
    milliseconds: list[float] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)

    @property
    def frames(self) -> int:
        return self.passed + self.rejected + self.held

    @property
    def rate(self) -> float:
        """Frames a second since the start."""
        return self.frames / max(time.perf_counter() - self.started, 1e-9)

    def add(self, verdict: Verdict) -> None:
        """Counts one verdict; times are of judged parts only, and of the last 100,000 at most."""
        name = {"pass": "passed", "reject": "rejected", "hold": "held"}[verdict.verdict]
        setattr(self, name, getattr(self, name) + 1)
        if verdict.verdict != "hold":
            self.milliseconds.append(verdict.milliseconds)
            if len(self.milliseconds) > 100_000:
                del self.milliseconds[:50_000]

    def percentile(self, percent: float) -> float:
        """Milliseconds a judged part; NaN when none was judged."""
        return float(np.percentile(self.milliseconds, percent)) if self.milliseconds else float("nan")


class Runtime:
    """An exported inspector, ready to judge.

    Args:
        bundle: Folder of a bundle of kind `line`.
        threads: How many pictures are judged at a time, each on one core.
        timeout: Seconds after which a picture is held.

    Raises:
        BundleError: Not a line bundle, damaged, or of a newer format.
    """

    def __init__(self, bundle: str | Path, threads: int = 1, timeout: float = 10.0) -> None:
        found = read_bundle(bundle)
        kind = found.meta.get("kind")
        if kind == "inspector":
            raise BundleError(
                bundle,
                "is an inspector as trained",
                f"Export it first: burnish inspect export {bundle} --out {bundle}_line",
            )
        if kind != "line":
            raise BundleError(
                bundle,
                f"is a bundle of kind {kind!r}, not an exported inspector",
                "Name the right bundle",
            )
        try:
            self.side, self.multiple = int(found.meta["side"]), int(found.meta["multiple"])
            self.threshold = float(found.meta["threshold"])
            self.good_scores = np.sort(np.asarray(found.meta["good_scores"], dtype=np.float64))
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(found.path, f"is incomplete ({error})", "Export it again") from error
        if not np.isfinite(self.threshold):
            raise BundleError(found.path, "has no finite threshold", "Export it again")
        self.model_hash: str = found.meta.get("model_hash") or found.hash
        self.meta: dict[str, Any] = found.meta
        self.threads, self.timeout = max(1, threads), timeout
        self.session = open_session(found.path / MODEL)

    def judge(self, frame: Frame) -> Verdict:
        """Judges one frame; never raises. Safe to call from several threads.

        A frame without a picture, an error, a score that is not finite or a time over `timeout` gives `hold`.
        """
        started = time.perf_counter()
        score = p = heat = None
        try:
            if frame.image is None:
                raise RuntimeError(frame.error or "no picture")
            score, heat = self.infer(frame.image)
            if not (np.isfinite(score) and np.isfinite(heat).all()):
                score = heat = None
                raise RuntimeError("the score is not finite")
            p = float(p_value(score, self.good_scores))
            if time.perf_counter() - started > self.timeout:
                raise TimeoutError
            verdict, reason = ("reject" if score > self.threshold else "pass"), None
        except Exception as error:  # whatever it is, the part is held and the line goes on
            late = time.perf_counter() - started > self.timeout
            verdict, reason = (
                "hold",
                f"took longer than {self.timeout:g} s" if late else str(error) or type(error).__name__,
            )
        milliseconds = 1000 * (time.perf_counter() - started)
        size = None if frame.image is None else (frame.image.shape[0], frame.image.shape[1])
        return Verdict(
            frame.part_id, frame.time, verdict, score, p, self.model_hash, milliseconds, reason, heat, size
        )

    def infer(self, image: np.ndarray) -> tuple[float, np.ndarray]:
        """The model's answer for one picture.

        Args:
            image: uint8 (H, W, 3).

        Returns:
            The score and the heat map, float32 (h / 4, w / 4), of the picture as fitted to the model.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"a picture must be uint8 (H, W, 3), not {image.dtype} {image.shape}")
        options = ort.RunOptions()
        watchdog = threading.Timer(self.timeout, lambda: setattr(options, "terminate", True))
        watchdog.daemon = True
        watchdog.start()
        try:
            small = fit(image, self.side, self.multiple)
            x = np.ascontiguousarray(small.transpose(2, 0, 1)[None], dtype=np.float32) / np.float32(255)
            score, heat = self.session.run(["score", "heat"], {"image": x}, options)
        finally:
            watchdog.cancel()
        return float(np.asarray(score)[0]), np.asarray(heat)[0]

    def judge_all(
        self, frames: Iterable[Frame], stop: threading.Event | None = None
    ) -> Generator[tuple[Frame, Verdict]]:
        """Judges a stream, in order: one thread reads ahead (a little), `threads` others judge.

        Args:
            frames: From a source.
            stop: Set it to end early: frames already read are still judged and given, nothing more is read.

        Yields:
            Every frame read and its verdict, as soon as it and those before it are judged.

        Raises:
            Exception: What the source itself raised, after the verdicts on all frames before.
        """
        stop, abandoned = stop or threading.Event(), threading.Event()
        ahead: queue.Queue[tuple[Frame, Future[Verdict]] | None] = queue.Queue(max(1, self.threads - 1))
        failure: list[BaseException] = []
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="judge")

        def put(item: tuple[Frame, Future[Verdict]] | None) -> None:
            while not abandoned.is_set():
                with contextlib.suppress(queue.Full):
                    ahead.put(item, timeout=TICK)
                    return

        def read() -> None:
            try:
                for frame in frames:
                    if stop.is_set():
                        break
                    put((frame, pool.submit(self.judge, frame)))
            except BaseException as error:
                failure.append(error)
            put(None)

        reader = threading.Thread(target=read, name="reader", daemon=True)
        reader.start()
        try:
            while (item := next_item(ahead, stop)) is not None:
                yield item[0], item[1].result()
        finally:
            stop.set()
            abandoned.set()
            pool.shutdown(cancel_futures=True)
        if failure:
            raise failure[0]


def next_item(ahead: "queue.Queue[Any]", stop: threading.Event) -> Any:
    """The next of the queue; None at its end, or after a stop when nothing more is ready."""
    while True:
        try:
            return ahead.get(timeout=TICK)
        except queue.Empty:
            if stop.is_set():
                return None


def open_session(model: Path) -> ort.InferenceSession:
    """A session for one core a call, whose memory does not grow with the variety of picture sizes.

    Measured on EfficientNet-Lite0 at 64 sizes from 128 to 352 px, two calls at a time: the arena peaks at
    175 MB in all and takes a fifth less time than malloc, which peaks at 240 MB.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # patterns are kept for every shape ever seen
    options.log_severity_level = 4  # what goes wrong is raised, too; the line's console is for the counts
    try:
        session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BundleError(
            model, "cannot be loaded by onnxruntime", "Update Burnish, or export the inspector again"
        ) from error
    if {"score", "heat"} - {output.name for output in session.get_outputs()} or session.get_inputs()[
        0
    ].name != "image":
        raise BundleError(model, "does not map image to score and heat", "Export the inspector again")
    return session
