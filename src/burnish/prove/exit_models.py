"""A bundle for a world without Burnish: its own files, ONNX, and a plain script with what it must answer."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from burnish.core.schedule import SHIFT
from burnish.errors import BundleError, BurnishError
from burnish.media.image import write_png
from burnish.prove import regenerate, rejudge
from burnish.store.bundle import DESCRIPTION, Bundle, read_bundle

PICTURE_TOLERANCE = 2
"""Gray levels of 255 that a picture made elsewhere may differ by: other libraries round other last digits."""
SCORE_TOLERANCE = 1e-3
SEEDS = (0, 1, 2)
STEPS = 8
"""Of an exported model's walks."""
BUNDLE, FACTS, EXPECTED = "bundle", "model.json", "expected"


def export_model(path: str | Path, out: Path, descriptions: Sequence[str] = ()) -> dict[str, Any]:
    """Writes one bundle in open forms.

    Args:
        path: A bundle.
        out: The folder to make.
        descriptions: Of the expected pictures, as far as the model can follow them; by default nothing, then
            its first classes.

    Returns:
        `{"hash", "kind", "medium", "onnx": [files], "parity": largest difference}`.

    Raises:
        BurnishError: The bundle cannot be read, or its exported form answers otherwise; see `export`.
    """
    bundle = read_bundle(path)
    copy_bundle(bundle, out / BUNDLE)
    facts = {"hash": bundle.hash, "kind": bundle.kind, "medium": bundle.meta.get("media", "")}
    write = _writer(bundle)
    return {**facts, **(write(bundle, out, descriptions) if write else {"onnx": [], "parity": None})}


def copy_bundle(bundle: Bundle, out: Path) -> None:
    """The bundle's own files, and nothing that lies beside them by chance."""
    try:
        for name in (*bundle.meta["files"], DESCRIPTION):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bundle.path / name, out / name)
    except OSError as error:
        raise BundleError(out, f"cannot be written ({error.strerror})", "Choose another folder") from error


def _writer(bundle: Bundle) -> Callable[[Bundle, Path, Sequence[str]], dict[str, Any]] | None:
    if bundle.kind == "diffusion":
        return _generator if bundle.meta.get("media", "image") == "image" else None
    return {"inspector": _inspector, "line": _line}.get(bundle.kind)


def _generator(bundle: Bundle, out: Path, descriptions: Sequence[str]) -> dict[str, Any]:
    from burnish.export.denoiser import decoder_onnx, denoiser_onnx, outline_onnx, told_of
    from burnish.nets.condition import NGRAMS
    from burnish.nets.latents import Latents
    from burnish.verbs.load import load
    from burnish.verbs.make import make

    model = load(bundle.path, device="cpu")
    onnx, parity = denoiser_onnx(model.denoiser, model.config, model.shape)
    (out / "denoiser.onnx").write_bytes(onnx)
    names = ["denoiser.onnx"]
    if isinstance(model.codec, Latents):
        decoder, off = decoder_onnx(model.codec, model.shape)
        (out / "decoder.onnx").write_bytes(decoder)
        names, parity = [*names, "decoder.onnx"], max(parity, off)
    start = model.start(STEPS)
    if model.outline is not None and start < 1:
        started, off = outline_onnx(model.outline, model.denoiser, start, model.config, model.shape)
        (out / "outline.onnx").write_bytes(started)
        names, parity = [*names, "outline.onnx"], max(parity, off)
    said = [d for d in descriptions if _follows(model, d)] or ["", *model.classes[:2]]
    wanted = [(seed, said[place % len(said)]) for place, seed in enumerate(SEEDS)]
    facts = {
        "model": bundle.hash,
        "inputs": list(told_of(model.config)),
        "shape": list(model.shape),
        "classes": list(model.classes),
        "buckets": model.config.buckets,
        "ngrams": NGRAMS,
        "text": model.config.text,
        "texts": {d: model.encoder([d])[0].tolist() for d in said} if model.config.text else {},
        "mean": list(model.codec.mean),
        "deviation": list(model.codec.deviation),
        "gray": model.codec.gray,
        "steps": STEPS,
        "start": start,
        "shift": SHIFT,
        "guidance": 1.0,
        "tolerance": PICTURE_TOLERANCE,
        "expected": [{"seed": s, "description": d, "file": f"{s:05d}.png"} for s, d in wanted],
    }
    for one in facts["expected"]:
        write_png(
            out / EXPECTED / one["file"],
            next(iter(make(model, one["description"], 1, STEPS, 1.0, one["seed"]))),
        )
    _finish(out, facts, regenerate.__file__)
    return {"onnx": names, "parity": parity}


def _follows(model: Any, description: str) -> bool:
    """Can the model be asked for this at all?"""
    try:
        model.condition(description)
    except BurnishError:
        return False
    return True


def _inspector(bundle: Bundle, out: Path, descriptions: Sequence[str]) -> dict[str, Any]:
    from burnish.export.onnx import export_line
    from burnish.inspect.detector import for_line

    inspector, meta, examples = for_line(bundle.path)
    line = export_line(inspector, meta, out / "line", examples, meta["threshold"])
    return _line(line, out, descriptions, examples[:3])


def _line(
    bundle: Bundle, out: Path, descriptions: Sequence[str], examples: Sequence[np.ndarray] = ()
) -> dict[str, Any]:
    from burnish.line.runtime import MODEL, Runtime
    from burnish.line.source import Frame

    runtime, meta = Runtime(bundle.path, 1), bundle.meta
    shutil.copyfile(bundle.path / MODEL, out / MODEL)
    side = int(meta["side"])
    rng = np.random.default_rng(0)
    shown = list(examples) or [rng.integers(0, 256, (side, side + 16, 3), dtype=np.uint8) for _ in range(3)]
    expected = []
    for number, image in enumerate(shown):
        verdict = runtime.judge(Frame(str(number), image))
        if verdict.score is None:
            raise BurnishError(bundle.path, f"cannot judge its own examples ({verdict.reason})")
        write_png(out / EXPECTED / f"{number}.png", image)
        expected.append({"file": f"{number}.png", "score": verdict.score})
    facts = {
        "model": bundle.hash,
        "threshold": meta["threshold"],
        "side": side,
        "multiple": int(meta.get("multiple", 32)),
        "tolerance": SCORE_TOLERANCE,
        "expected": expected,
    }
    _finish(out, facts, rejudge.__file__)
    parity = meta.get("parity") or {}
    return {"onnx": [MODEL], "parity": parity.get("score")}


def _finish(out: Path, facts: dict[str, Any], script: str) -> None:
    (out / FACTS).write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    shutil.copyfile(script, out / Path(script).name)
