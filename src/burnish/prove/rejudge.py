"""Judges pictures with an exported inspector. One file; needs numpy, onnxruntime and Pillow, nothing else.

    python rejudge.py                 the pictures in `expected/` again, compared with their scores
    python rejudge.py PICTURE ...     others

Beside it lie `model.json` and `inspector.onnx`: `image`, float32 (B, 3, H, W) in [0, 1], in; `score` (B,) and
`heat` (B, H / 4, W / 4) out. A score above the threshold rejects.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from PIL import Image

HERE = Path(__file__).resolve().parent


def fitted(picture: Image.Image, side: int, multiple: int) -> np.ndarray:
    """A picture at the inspector's size: the same aspect, about side^2 pixels, float32 (1, 3, H, W)."""
    width, height = picture.size
    scale = side / (height * width) ** 0.5
    h, w = (max(1, round(n * scale / multiple)) * multiple for n in (height, width))
    smaller = h <= height and w <= width
    how = Image.Resampling.HAMMING if smaller else Image.Resampling.BICUBIC
    picture = picture if (w, h) == picture.size else picture.resize((w, h), how)
    return (np.asarray(picture, np.float32) / 255).transpose(2, 0, 1)[None]


class Inspector:
    """An exported inspector.

    Args:
        folder: Of `model.json` and `inspector.onnx`.
    """

    def __init__(self, folder: Path = HERE) -> None:
        self.facts: dict[str, Any] = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self.session = ort.InferenceSession(
            str(folder / "inspector.onnx"), providers=["CPUExecutionProvider"]
        )

    def score(self, file: Path) -> float:
        """How suspicious a picture is."""
        with Image.open(file) as picture:
            image = fitted(picture.convert("RGB"), self.facts["side"], self.facts["multiple"])
        return float(np.asarray(self.session.run(["score"], {"image": np.ascontiguousarray(image)})[0])[0])


def main(files: Sequence[str]) -> int:
    """The command; answers the exit code."""
    inspector, worst = Inspector(), 0.0
    facts = inspector.facts
    for name in files:
        score = inspector.score(Path(name))
        print(f"{name}: {'reject' if score > facts['threshold'] else 'pass'}, score {score:.4f}")
    if files:
        return 0
    for one in facts["expected"]:
        off = abs(inspector.score(HERE / "expected" / one["file"]) - one["score"])
        worst = max(worst, off)
        print(f"{one['file']}: {off:.1e} off the score {one['score']:.4f}")
    within = worst <= facts["tolerance"]
    print(f"{'within' if within else 'NOT within'} the tolerance of {facts['tolerance']:g}")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
