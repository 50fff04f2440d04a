"""An inspector as ONNX, the one file that the line needs."""

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from burnish.errors import BundleError, ParityError
from burnish.export.parity import check_parity
from burnish.store.bundle import Bundle, write_bundle

MODEL = "inspector.onnx"
OPSET = 17

CARD = """# {name}: an inspector for the line

Give it `image`, float32 (B, 3, H, W) in [0, 1], sides multiples of {multiple}, fitted to an area of about
{side} x {side} px; it answers `score` (B,) and `heat` (B, H / 4, W / 4). Reject when the score is above
{threshold:.6g}. Checked against the original: {parity}.
"""


def export_line(
    module: torch.nn.Module,
    meta: Mapping[str, Any],
    out: str | Path,
    examples: Sequence[np.ndarray] | np.ndarray,
    threshold: float,
) -> Bundle:
    """Writes a bundle of kind `line`, only if it answers as the module does.

    Args:
        module: Maps float32 (B, 3, H, W) in [0, 1] to a score (B,) and heat (B, H / 4, W / 4).
        meta: `side`, `multiple`, `good_scores`, `model_hash`, `classes`, `wanted`, `name`.
        out: The folder to write.
        examples: Fitted pictures, uint8 (H, W, 3), to compare on; at least one.
        threshold: A score above it rejects.

    Returns:
        The bundle; its description's `parity` says how close the two came.

    Raises:
        ParityError: The module cannot be exported, or answers otherwise once it is; nothing is written.
        BundleError: The folder cannot be written.
    """
    multiple = int(meta.get("multiple", 32))
    module = module.eval()
    model = onnx_bytes(module, multiple)
    parity = check_parity(module, model, list(examples), threshold, multiple)
    good = sorted(float(score) for score in meta["good_scores"])
    full = {
        **meta,
        "kind": "line",
        "multiple": multiple,
        "threshold": float(threshold),
        "good_scores": good,
        "parity": asdict(parity),
    }
    card = CARD.format(
        name=full.get("name", "Inspector"),
        side=full["side"],
        multiple=multiple,
        threshold=threshold,
        parity=parity,
    )
    return write_bundle(out, full, lambda folder: write_model(folder, model), card)


def write_model(folder: Path, model: bytes) -> None:
    """Puts the ONNX file into a bundle's folder."""
    (folder / MODEL).write_bytes(model)


def onnx_bytes(module: torch.nn.Module, multiple: int = 32) -> bytes:
    """A module as ONNX, batch, height and width left open.

    Raises:
        ParityError: It cannot be exported.
        BundleError: The disk of the temporary folder is full.
    """
    axes = {
        "image": {0: "batch", 2: "height", 3: "width"},
        "score": {0: "batch"},
        "heat": {0: "batch", 1: "rows", 2: "columns"},
    }
    example = torch.rand(2, 3, 4 * multiple, 5 * multiple, generator=torch.Generator().manual_seed(0))
    return traced(module, {"image": example}, ["score", "heat"], axes)


def traced(
    module: torch.nn.Module,
    inputs: Mapping[str, torch.Tensor],
    outputs: Sequence[str],
    axes: Mapping[str, Mapping[int, str]],
) -> bytes:
    """A module as ONNX.

    Args:
        module: Called with the inputs in their order.
        inputs: Name to example.
        outputs: Names of its answers.
        axes: Name to {axis: name} of the axes that are left open.

    Raises:
        ParityError: It cannot be exported.
        BundleError: The disk of the temporary folder is full.
    """
    try:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), torch.no_grad():
            file = Path(folder) / MODEL
            warnings.simplefilter("ignore")  # the tracer warns of what the parity gate decides
            torch.onnx.export(
                module,
                tuple(inputs.values()),
                file,
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_axes=axes,
                opset_version=OPSET,
                dynamo=False,  # the newer exporter needs a further package
            )
            return file.read_bytes()
    except OSError as error:
        reason = f"could not be exported to a temporary folder ({error.strerror or error})"
        raise BundleError(tempfile.gettempdir(), reason, "Free some disk space and run again") from error
    except Exception as error:
        raise ParityError(
            type(module).__name__, f"cannot be exported ({error})", "Nothing was written"
        ) from error
