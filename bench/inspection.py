"""Burnish against anomalib's models: same splits, same size, same threshold rule, same code for every figure.

    python bench/inspection.py [--data DIR] [--sets A,B] [--models padim,burnish] [--seeds 0,1,2]
                               [--minutes 10] [--only peers|ours] [--fresh] [--table]

Cells (set, model, seed) run cheapest model first and seed 0 first; a finished one is kept, so an
interrupted bench goes on where it stopped (`--fresh` starts over, `--table` only rewrites the results). A
cell that fails is listed with the reason and tried again next time. Writes `bench/results/inspection.json`
and the marked block of `docs/benchmarks.md`. A model learns from the rows `train` of split.csv alone; rows
`test` are opened to report.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import cells
import inspection_table
from cells import OURS, Cell, CellError

ROOT = Path(__file__).parents[1]
PEERS = ("padim", "patchcore", "anomalydino", "supersimplenet")
WITHOUT_CHANCE = ("anomalydino",)
"""Models with nothing random but the folds' deal: one seed says all."""
COMMAND = "make bench-inspection"


def plan(sets: list[str], models: list[str], seeds: list[int]) -> list[Cell]:
    """The cells in the order they run: seed 0 of everything first, cheapest model first."""
    order = [m for m in (*PEERS, OURS) if m in models]
    return [
        Cell(name, model, seed)
        for seed in seeds
        for model in order
        for name in sets
        if seed == seeds[0] or model not in WITHOUT_CHANCE
    ]


def finished(cell: Cell, minutes: float) -> bool:
    """Whether a cell need not run: it is there, did not fail, and ours had the same minutes."""
    result = cell.read()
    return bool(result) and "failed" not in result and result.get("minutes", minutes) == minutes


def run(todo: list[Cell], data: Path, minutes: float, out: Path, fresh: bool) -> None:
    """Runs the cells that are not finished, each with its result, the time it took and the time left."""
    todo = [cell for cell in todo if fresh or not finished(cell, minutes)]
    took: dict[str, list[float]] = {}
    for i, cell in enumerate(todo):
        began = time.perf_counter()
        try:
            if cell.model == OURS:
                result = cells.run_ours(cell, data / cell.set, minutes, out)
            else:
                result = cells.run_peer(cell, data / cell.set, fresh)
            said = ", ".join(f"{k} {v:.3f}" for k, v in brief(result).items() if v is not None)
        except CellError as error:
            result = {"failed": str(error)}
            said = f"failed: {error}"
        spent = time.perf_counter() - began
        cell.write(result | {"wall_seconds": spent})
        took.setdefault(cell.model, []).append(spent)
        print(
            f"[{i + 1}/{len(todo)}] {cell.set} {cell.model} seed {cell.seed}: {said}; "
            f"{spent:.0f} s, about {left(todo[i + 1 :], took) / 60:.0f} min left",
            flush=True,
        )


def brief(result: dict) -> dict[str, float | None]:
    """The figures of the progress line."""
    return {
        "AUROC": result["image_auroc"],
        "pixel AP": result["pixel_ap"],
        "miss at 1 %": result["miss_rate_at_1pct_false_rejects"],
        "false rejects": result["false_reject_rate"]["value"],
    }


def left(todo: list[Cell], took: dict[str, list[float]]) -> float:
    """Seconds still to go, from the mean of each model so far (of all, for a model not yet seen)."""
    every = [t for times in took.values() for t in times]
    means = {model: sum(times) / len(times) for model, times in took.items()}
    return sum(means.get(cell.model, sum(every) / len(every)) for cell in todo)


def measure_time(data: Path, sets: list[str], models: list[str], out: Path, fresh: bool) -> None:
    """Milliseconds a picture of 256 px, all models in turn in one process on one thread; again once ours is
    there."""
    path = cells.CELLS / "time.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    name = "magnetic_tile" if "magnetic_tile" in sets else sets[0]
    line = out / f"{name}.0.line"
    ours = OURS in models and (line / "inspector.onnx").exists()
    wanted = [m for m in models if m != OURS]
    if not fresh and all(m in known for m in [*wanted, *([OURS] if ours else [])]):
        return
    options = ["--models", ",".join(wanted), "--out", str(path)]
    if ours:
        options += ["--ours", str(line / "inspector.onnx")]
    script = Path(__file__).parent / "peers" / "run_anomalib.py"
    try:
        cells.call(
            [str(cells.PEER_PYTHON), str(script), "time", str(data / name), *options],
            {"OMP_NUM_THREADS": "1"},
        )
    except CellError as error:
        print(f"timing failed: {error}")


def find_data(given: Path | None) -> Path:
    """The folder of sets: as given, else `inspection` in the folder that BURNISH_DATA names."""
    root = given or Path(os.environ.get("BURNISH_DATA", ROOT.parent / "shared" / "data")) / "inspection"
    if not root.is_dir():
        raise SystemExit(f"{root} is no folder. Give --data DIR, a folder of sets, each with a split.csv")
    return root


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="a folder of sets, each with a split.csv")
    parser.add_argument("--sets", type=lambda text: text.split(","))
    parser.add_argument("--models", type=lambda text: text.split(","), default=[*PEERS, OURS])
    parser.add_argument("--seeds", type=lambda text: [int(s) for s in text.split(",")], default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, default=10.0, help="of Burnish's training")
    parser.add_argument("--only", choices=["peers", "ours"])
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "bench", help="where Burnish's bundles go")
    parser.add_argument("--fresh", action="store_true", help="recompute finished cells")
    parser.add_argument(
        "--table", action="store_true", help="only rewrite table and JSON from finished cells"
    )
    given = parser.parse_args()
    unknown = [m for m in given.models if m not in (*PEERS, OURS)]
    if unknown:
        raise SystemExit(f"no model {', '.join(unknown)}; known are {', '.join((*PEERS, OURS))}")
    models = [m for m in given.models if given.only is None or (m == OURS) == (given.only == "ours")]
    if not given.table:
        data = find_data(given.data)
        tables = sorted(data.glob("*/split.csv"), key=lambda p: (p.stat().st_size, p))
        sets = given.sets or [path.parent.name for path in tables]  # small ones first
        if any(m != OURS for m in models) and not cells.PEER_PYTHON.exists():
            print("installing the peers' environment (about 6 GB, once)", flush=True)
            subprocess.run(
                [str(Path(__file__).parent / "peers" / "setup.sh")],
                env={**os.environ, "PYTHON": sys.executable},
                check=False,
            )
        run(plan(sets, models, given.seeds), data, given.minutes, given.out, given.fresh)
        measure_time(data, sets, given.models, given.out, given.fresh)
    told = {"--minutes": f"{given.minutes:g}", "--seeds": ",".join(map(str, given.seeds))}
    usual = {"--minutes": "10", "--seeds": "0,1,2"}
    changed = " ".join(f"{k} {v}" for k, v in told.items() if v != usual[k])
    inspection_table.write(f"{COMMAND} BENCH='{changed}'" if changed else COMMAND, [*PEERS, OURS])


if __name__ == "__main__":
    main()
