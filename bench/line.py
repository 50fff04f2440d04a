"""The line's whole process: time to the first verdict, peak memory, images a second on two cores.

    python bench/line.py BUNDLE FOLDER [--repeats 3] [--json FILE]

Runs `burnish inspect run BUNDLE FOLDER` as a user does, in a process of its own, on two cores.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent))
import form
import inspection_table

CORES = 2
POLL = 0.01
"""Seconds between two looks at the process."""


def measure(bundle: Path, folder: Path, command: list[str]) -> dict[str, float]:
    """One run: seconds to the first verdict on disk, peak resident MB, verdicts a second after it."""
    with tempfile.TemporaryDirectory() as scratch:
        lines = Path(scratch) / "verdicts.jsonl"
        began = time.perf_counter()
        process = psutil.Popen(
            [*command, str(bundle), str(folder), "--threads", str(CORES), "--json-lines", str(lines)],
            stdout=subprocess.DEVNULL,
        )
        first, peak = 0.0, 0
        while process.poll() is None:
            try:
                peak = max(peak, process.memory_info().rss)
            except psutil.Error:
                break
            if not first and lines.exists() and lines.stat().st_size:
                first = time.perf_counter()
            time.sleep(POLL)
        ended = time.perf_counter()
        if process.wait() != 0:
            raise SystemExit(f"the run ended with code {process.returncode}")
        count = len(lines.read_text(encoding="utf-8").splitlines())
    return {"start": first - began, "memory": peak / 2**20, "rate": (count - 1) / max(ended - first, 1e-9)}


def main() -> None:
    """Measures, prints the table and writes `bench/results/line.json`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", type=Path, help="exported inspector")
    parser.add_argument("folder", type=Path, help="pictures, some hundred of them")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, default=form.RESULTS / "line.json")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    command = [str(Path(sys.executable).with_name("burnish")), "inspect", "run"]
    runs = [measure(arguments.bundle, arguments.folder, command) for _ in range(arguments.repeats)]
    middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    rows = [
        form.row("start to first verdict", middle["start"], "s", target=2.0, better="lower"),
        form.row("peak memory of the process", middle["memory"], "MB", target=400, better="lower"),
        form.row("images a second, 2 cores", middle["rate"], "1/s", target=60),
    ]
    command = "make bench-line"
    form.write(arguments.json.stem, command, rows, arguments.json.parent)
    where = form.machine()
    head = f"`{command}` on {where['processor']}, {where['cores']} cores, {where['memory_gb']} GB."
    inspection_table.show("line", f"{head}\n\n{form.table(rows)}")


if __name__ == "__main__":
    main()
