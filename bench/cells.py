"""One cell of the inspection bench, ours or a peer's: run it, measure it, keep it.

A cell is (set, model, seed). Peers run in `bench/peers/.venv` and dump scores and maps; Burnish runs by its
own commands. Both are measured by `burnish.inspect.evaluate` with the conformal threshold from held-out
good parts, so there is one rule and one code for all. A finished cell lies in
`bench/results/cells/SET.MODEL.SEED.json`.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from burnish.core.conformal import threshold
from burnish.inspect.evaluate import Evaluation, evaluate
from burnish.media.dataset import PartSet, open_parts

HERE = Path(__file__).parent
CELLS = HERE / "results" / "cells"
PEER_PYTHON = HERE / "peers" / ".venv" / "bin" / "python"
OURS = "burnish"
INSPECT = [sys.executable, "-m", "burnish", "inspect"]
WANTED = 0.01
"""The false-reject rate asked for, of every model."""


class CellError(Exception):
    """A cell that could not be run; its message is the reason shown in the table."""


@dataclass(frozen=True)
class Cell:
    """A model on a set with a seed, and where its result lies."""

    set: str
    model: str
    seed: int

    def path(self, ending: str) -> Path:
        """`CELLS`/SET.MODEL.SEED`ending`."""
        return CELLS / f"{self.set}.{self.model}.{self.seed}{ending}"

    def read(self) -> dict[str, Any] | None:
        """The finished result, or None."""
        try:
            return json.loads(self.path(".json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def write(self, result: dict[str, Any]) -> dict[str, Any]:
        """Keeps a result, whole or not at all."""
        path = self.path(".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        part.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        part.replace(path)
        return result


class Replay:
    """A scorer that answers with what a peer found. Pictures are told by their pixels: both sides read alike.

    Args:
        parts: The test parts.
        names: Their paths inside the set, (n,).
        scores: (n,).
        maps: (n, h, w) over the whole picture, squashed.
    """

    def __init__(self, parts: PartSet, names: np.ndarray, scores: np.ndarray, maps: np.ndarray) -> None:
        places = {str(name): i for i, name in enumerate(names)}
        self.scores, self.maps = scores, maps
        self.place = {_digest(image): places[parts.name(part)] for part, image, _ in parts.read([])}

    def __call__(self, image: np.ndarray) -> tuple[float, np.ndarray]:
        i = self.place[_digest(image)]
        heat = Image.fromarray(self.maps[i].astype(np.float32))
        return float(self.scores[i]), np.asarray(
            heat.resize((image.shape[1], image.shape[0]), Image.Resampling.BILINEAR)
        )


def run_peer(cell: Cell, root: Path, fresh: bool = False) -> dict[str, Any]:
    """Runs a peer unless its scores are there, and measures them.

    Raises:
        CellError: The peer's process failed.
    """
    dump = cell.path(".npz")
    if fresh or not dump.exists():
        script = HERE / "peers" / "run_anomalib.py"
        options = ["--model", cell.model, "--seed", str(cell.seed), "--out", str(dump)]
        call([str(PEER_PYTHON), str(script), "cell", str(root), *options], {"OMP_NUM_THREADS": "1"})
    with np.load(dump) as found:
        meta = json.loads(str(found["meta"]))
        test = open_parts(root).only(split="test")
        scorer = Replay(test, found["names"], found["scores"], found["maps"])
        rule = threshold(found["good_scores"], WANTED)
        measured = evaluate(scorer, test, rule, train_seconds=meta["train_seconds"], data_hash="", show=0)
    return summary(measured.to_json()) | {"meta": meta}


def run_ours(cell: Cell, root: Path, minutes: float, out: Path) -> dict[str, Any]:
    """Trains, judges and exports with Burnish's own commands; the bundle stays in `out`/SET.SEED.

    Raises:
        CellError: A command failed.
    """
    bundle = out / f"{cell.set}.{cell.seed}"
    found = train_and_judge(root, bundle, minutes, cell.seed)
    call([*INSPECT, "export", str(bundle), "--out", f"{bundle}.line"])
    return found | {"meta": {}}


def train_and_judge(root: Path, bundle: Path, minutes: float, seed: int) -> dict[str, Any]:
    """The summary of an inspector that Burnish's own commands train and judge; its bundle stays.

    Raises:
        CellError: A command failed.
    """
    limits = ["--minutes", f"{minutes:g}", "--false-rejects", str(WANTED), "--seed", str(seed)]
    call([*INSPECT, "train", str(root), "--out", str(bundle), *limits])
    report = bundle.with_name(f"{bundle.name}.eval.json")
    call([*INSPECT, "eval", str(bundle), str(root), "--json", str(report)])
    found = json.loads(report.read_text(encoding="utf-8"))
    report.unlink()
    return summary(found) | {"minutes": minutes}


def summary(found: dict[str, Any] | Evaluation) -> dict[str, Any]:
    """What the tables need of an evaluation's JSON."""
    found = found.to_json() if isinstance(found, Evaluation) else found
    calibration = found.get("calibration") or {}
    kept = ("image_auroc", "pixel_ap", "aupro", "miss_rate_at_1pct_false_rejects", "train_seconds")
    return {name: found[name] for name in kept} | {
        "miss_rate": found["miss_rate"],
        "false_reject_rate": found["false_reject_rate"],
        "by_class": found["by_class"],
        "threshold": found["threshold"],
        "promised": calibration.get("promised"),
        "extrapolated": calibration.get("extrapolated"),
        "held": len(found["held"]["parts"]) if isinstance(found.get("held"), dict) else 0,
    }


def call(command: list[str], environment: dict[str, str] | None = None) -> float:
    """Runs a command quietly; returns wall seconds. CellError with its last words when it fails."""
    began = time.perf_counter()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, **(environment or {})}, check=False
        )
    except OSError as error:
        raise CellError(f"{command[0]}: {error.strerror}") from error
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).strip().splitlines() if line.strip()]
        raise CellError(
            said[-1].strip().replace(f"{HERE.parent}/", "") if said else f"ended with code {done.returncode}"
        )
    return time.perf_counter() - began


def _digest(image: np.ndarray) -> bytes:
    return hashlib.blake2b(image.tobytes() + str(image.shape).encode(), digest_size=16).digest()
