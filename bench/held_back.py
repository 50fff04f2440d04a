"""Faults that nobody has shown it: an inspector trained without one defect class, judged on that class.

    python bench/held_back.py [--data DIR] [--set magnetic_tile] [--classes A,B] [--minutes 5] [--seed 0]

For each class the training rows of that class are left out, and the inspector is trained and judged by
Burnish's own commands. The figure is the class's miss rate at the threshold that rejects at most 1 % of the
good test parts; the peer is the best model of `bench/inspection.py` that learned from good parts alone, on
the same rows, and has to be beaten. Cells are kept, so an interrupted bench goes on.
"""

import argparse
import csv
import json
import math
import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import cells
import form
from burnish.media.dataset import open_parts
from inspection_table import show

GOOD_ONLY = ("padim", "patchcore", "anomalydino")
FIGURE = "miss_rate_at_1pct_false_rejects"


def without(root: Path, label: str, folder: Path) -> Path:
    """A copy of a set's rows without the training rows of a class; the pictures are linked, not copied."""
    with (root / "split.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        names = list(reader.fieldnames or ())
        rows = [r for r in reader if not (r["label"] == label and r["split"] == "train")]
    for place in sorted({Path(r[key]).parts[0] for r in rows for key in ("image", "mask") if r.get(key)}):
        (folder / place).symlink_to((root / place).resolve())
    with (folder / "split.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    return folder


def measure(root: Path, label: str, minutes: float, seed: int) -> dict[str, Any]:
    """Trains without a class and judges on all test rows."""
    with tempfile.TemporaryDirectory() as there:
        (part := Path(there) / root.name).mkdir()
        return cells.train_and_judge(without(root, label, part), Path(there) / "inspector", minutes, seed)


def classes_of(root: Path) -> list[str]:
    """Classes that have test and training rows."""
    parts = open_parts(root)
    found = ({part.label for part in parts.only(split).defects} for split in ("train", "test"))
    return sorted(set.intersection(*found))


def best_peer(name: str, label: str) -> float | None:
    """The lowest miss rate of a class among peers that learned from good parts; None where none was run."""
    ran = (cells.Cell(name, model, 0).read() or {} for model in GOOD_ONLY)
    return min((r["by_class"][label][FIGURE] for r in ran if label in r.get("by_class", {})), default=None)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = Path(os.environ.get("BURNISH_DATA", "data")) / "inspection"
    parser.add_argument("--data", type=Path, default=data, help="a folder of sets, each with a split.csv")
    parser.add_argument("--set", default="magnetic_tile")
    parser.add_argument("--classes", help="some of them")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    o = parser.parse_args()
    root, rows = o.data / o.set, []
    for label in o.classes.split(",") if o.classes else classes_of(root):
        cell = cells.CELLS / "held_back" / f"{o.set}.{label}.{o.seed}.{o.minutes:g}.json"
        if not cell.exists():
            found = measure(root, label, o.minutes, o.seed)
            cell.parent.mkdir(parents=True, exist_ok=True)
            cell.write_text(json.dumps(found, indent=1), encoding="utf-8")
        found = json.loads(cell.read_text(encoding="utf-8"))
        seen, peer = found["by_class"][label], best_peer(o.set, label)
        below = None if peer is None else math.nextafter(peer, -1)
        told: dict[str, Any] = {"target": below, "better": "lower", "seeds": [o.seed]}
        rows.append(form.row(f"{label}: misses, never shown", seen[FIGURE], "share", peer, **told))
        rows.append(form.row(f"{label}: image AUROC, never shown", seen["image_auroc"], seeds=[o.seed]))
        print(form.table(rows[-2:]), flush=True)
    wish = f"--set {o.set} --minutes {o.minutes:g} --seed {o.seed}"
    wish += f" --classes {o.classes}" if o.classes else ""
    command, where = f"make bench-held-back BENCH={shlex.quote(wish)}", form.machine()
    form.write("held_back", command, rows)
    head = f"`{command}` on {where['processor']}, {where['cores']} cores, {where['memory_gb']} GB."
    show("held-back", f"{head}\n\n{form.table(rows)}")


if __name__ == "__main__":
    main()
