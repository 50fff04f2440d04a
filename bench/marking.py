"""Survival of marks: which pictures find their record again, and how many unmarked ones are taken for marked.

    python bench/marking.py [--marked 200] [--unmarked 1000] [--json FILE]

Rendered parts of 256 and 64 px, and, where BURNISH_DATA is, magnetic tiles (about 250 x 350 px) and drawings
of 64 px.
"""

import argparse
import os
import shlex
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import form
import inspection_table
from burnish.prove.marking import Marker
from burnish.prove.survival import WEARS, Survival, gather, measure
from burnish.store.workspace import open_workspace


def sets() -> dict[str, tuple[Path | None, int]]:
    """Name to (folder, or None for rendered parts; side of rendered parts)."""
    found: dict[str, tuple[Path | None, int]] = {"parts, 256 px": (None, 256), "parts, 64 px": (None, 64)}
    data = os.environ.get("BURNISH_DATA")
    if data:
        found["magnetic tiles"] = (Path(data) / "inspection" / "magnetic_tile" / "images", 0)
        found["drawings, 64 px"] = (Path(data) / "captions" / "emoji_64", 0)
    return found


def rows_of(name: str, found: Survival) -> list[dict]:
    """Rows of the bench's form."""
    rates = found.rates()
    rows = [form.row(f"{name}: PSNR, median", float(np.median(found.loudness)), "dB", seeds=[0])]
    for wear in WEARS:
        for how in ("watermark", "hash"):
            share = rates[f"{how}: {wear}"].value
            rows.append(form.row(f"{name}: {how}: {wear}", share, "share", seeds=[0]))
    for how, target in (("watermark", 0.001), ("hash", None)):
        share = rates[f"false finds: {how}"].value
        rows.append(
            form.row(f"{name}: false finds: {how}", share, "share", target=target, better="lower", seeds=[0])
        )
    return rows


def markdown(results: dict[str, Survival]) -> str:
    """The table of the docs: a row a wear, a column a set, with Clopper-Pearson intervals."""
    lines = [
        "| | " + " | ".join(results) + " |",
        "| --- " * (len(results) + 1) + "|",
        "| marked, unmarked | " + " | ".join(f"{r.marked}, {r.unmarked}" for r in results.values()) + " |",
        "| PSNR, median (least) | "
        + " | ".join(f"{np.median(r.loudness):.1f} ({min(r.loudness):.1f}) dB" for r in results.values())
        + " |",
    ]
    rates = {name: found.rates() for name, found in results.items()}
    names = [f"{how}: {wear}" for how in ("watermark", "hash") for wear in WEARS]
    for key in [*names, "false finds: watermark", "false finds: hash"]:
        cells = [
            f"{100 * r[key].value:.1f} % ({100 * r[key].low:.1f} to {100 * r[key].high:.1f})"
            for r in rates.values()
        ]
        lines.append(f"| {key} | " + " | ".join(cells) + " |")
    lines.append("| clues to a wrong record | " + " | ".join(str(r.wrong) for r in results.values()) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measures, prints the table and writes `bench/results/marking.json`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--marked", type=int, default=200)
    parser.add_argument("--unmarked", type=int, default=1000)
    parser.add_argument("--json", type=Path, default=form.RESULTS / "marking.json")
    arguments = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        marker = Marker(open_workspace(folder))
        marker.watermark = type(marker.watermark)(b"the key of the bench")
        for name, (pictures, size) in sets().items():
            results[name] = measure(marker, *gather(pictures, arguments.marked, arguments.unmarked, size))
            print(f"{name}\n{results[name]}\n", flush=True)
    rows = [row for name, found in results.items() for row in rows_of(name, found)]
    options = shlex.join(sys.argv[1:])
    command = "make bench-marking" + (f" BENCH='{options}'" if options else "")
    form.write(arguments.json.stem, command, rows, arguments.json.parent)
    where = form.machine()
    head = f"`{command}` on {where['processor']}, {where['cores']} cores, {where['memory_gb']} GB."
    inspection_table.show("marking", f"{head}\n\n{markdown(results)}")


if __name__ == "__main__":
    main()
