"""The gate before the line: an exported model that does not answer as the original is refused."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime as ort
import torch

from burnish.errors import ParityError

SCORE_TOLERANCE = 1e-4
HEAT_TOLERANCE = 1e-3
BATCH = 8


@dataclass(frozen=True)
class Parity:
    """What the gate saw: how many pictures were compared and the largest differences found."""

    pictures: int
    score: float
    heat: float

    def __str__(self) -> str:
        return (
            f"{self.pictures} answers compared, scores within {self.score:.1e}, heat within {self.heat:.1e},"
            " verdicts equal"
        )


def check_parity(
    module: torch.nn.Module,
    model: bytes,
    examples: Sequence[np.ndarray],
    threshold: float,
    multiple: int = 32,
) -> Parity:
    """Compares a module with its exported form, at batches of 1 and 8, at the examples' size and others.

    Besides the examples it asks about a dark, a bright, a noisy and a half-dark picture of each size, since a
    branch that tracing froze may never show on good parts.

    Args:
        module: Maps float32 (B, 3, H, W) in [0, 1] to a score (B,) and heat (B, h, w); in evaluation mode.
        model: The ONNX file's bytes; input `image`, outputs `score` and `heat`.
        examples: Pictures uint8 (H, W, 3), each already fitted; at least one.
        threshold: A score above it rejects.
        multiple: Sizes are multiples of it.

    Raises:
        ParityError: The model cannot be loaded or run, scores differ by more than 1e-4, heat by more than
            1e-3, a verdict differs, or an answer is not finite.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    try:
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ParityError(
            "exported model", f"onnxruntime cannot load it ({error})", "Nothing was written"
        ) from error
    pictures, score, heat = 0, 0.0, 0.0
    for batch in probes(examples, multiple):
        case = f"batch {len(batch)} at {batch.shape[3]} x {batch.shape[2]} px"
        with torch.inference_mode():
            wanted = [answer.double().numpy() for answer in module(torch.from_numpy(batch))]
        try:
            found = [
                np.asarray(answer, dtype=np.float64)
                for answer in session.run(["score", "heat"], {"image": batch})
            ]
        except Exception as error:
            raise ParityError(
                "exported model", f"fails for {case} ({error})", "Nothing was written"
            ) from error
        score = max(score, distance("score", case, wanted[0], found[0], SCORE_TOLERANCE))
        heat = max(heat, distance("heat", case, wanted[1], found[1], HEAT_TOLERANCE))
        if ((wanted[0] > threshold) != (found[0] > threshold)).any():
            raise ParityError("exported model", f"gives another verdict for {case}", "Nothing was written")
        pictures += len(batch)
    return Parity(pictures, score, heat)


def distance(name: str, case: str, wanted: np.ndarray, found: np.ndarray, tolerance: float) -> float:
    """The largest difference of two answers.

    Raises:
        ParityError: Shapes differ, an answer is not finite, or the difference is over `tolerance`.
    """
    if wanted.shape != found.shape:
        reason = f"{name} has shape {found.shape} for {case}, not {wanted.shape}"
    elif not (np.isfinite(wanted).all() and np.isfinite(found).all()):
        reason = f"{name} is not finite for {case}"
    elif (off := float(np.abs(wanted - found).max(initial=0.0))) > tolerance:
        reason = f"{name} is off by {off:.2g} (allowed: {tolerance:g}) for {case}"
    else:
        return off
    raise ParityError("exported model", reason, "Nothing was written")


def probes(examples: Sequence[np.ndarray], multiple: int) -> list[np.ndarray]:
    """Batches to compare on, float32 (B, 3, H, W) in [0, 1]: each picture alone, then 8 of one size together.

    Sizes are each of the examples', one a step wider and higher by different amounts, and the smallest.
    """
    if not examples:
        raise ParityError("exported model", "there are no pictures to compare on", "Give at least one")
    by_size: dict[tuple[int, int], list[np.ndarray]] = {}
    for picture in examples:
        by_size.setdefault(picture.shape[:2], []).append(picture)
    height, width = examples[0].shape[:2]
    for size in ((height + multiple, width + 3 * multiple), (4 * multiple, 3 * multiple)):
        by_size.setdefault(size, []).extend(resized(picture, size) for picture in examples[:2])
    batches = []
    for size, pictures in by_size.items():
        tensors = [(p.astype(np.float32) / 255).transpose(2, 0, 1) for p in pictures + synthetic(size)]
        batches += [np.ascontiguousarray(t[None]) for t in tensors]
        batches += [
            np.stack([tensors[(i + j) % len(tensors)] for j in range(BATCH)])
            for i in range(0, len(tensors), BATCH)
        ]
    return batches


def resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture cropped or repeated to (H, W); its texture stays as it is."""
    height, width = size
    rows, columns = -(-height // picture.shape[0]), -(-width // picture.shape[1])
    return np.tile(picture, (rows, columns, 1))[:height, :width]


def synthetic(size: tuple[int, int]) -> list[np.ndarray]:
    """A dark, a bright, a noisy and a half-dark picture, uint8 (H, W, 3)."""
    dark = np.zeros((*size, 3), dtype=np.uint8)
    half = dark.copy()
    half[:, size[1] // 2 :] = 255
    return [dark, dark + 255, np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8), half]
