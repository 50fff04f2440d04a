"""Planted faults: does surprise find them better than a plain baseline does?

    python bench/surprise.py [--seeds 0] [--media clips,text]

Each medium brings a function that answers rows of the form: AUROC of surprise, the baseline as `peer` and
as target; its rows begin with its name. A medium whose model is not trained yet is named, and keeps the rows
that it had.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import form
from inspection_table import show

Rows = Callable[[list[int]], list[dict[str, Any]]]


def sources() -> dict[str, Callable[[], Rows]]:
    """By medium, what imports its row function, so that one medium's trouble does not stop another."""

    def clips() -> Rows:
        from clip_faults import rows

        return rows

    def texts() -> Rows:
        from text_faults import rows

        return rows

    return {"clips": clips, "text": texts}


def main() -> None:
    """Measures every medium and writes the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--media", default=",".join(sources()), help="measured; the others keep their rows")
    o = parser.parse_args()
    seeds = [int(seed) for seed in o.seeds.split(",")]
    kept, found = form.RESULTS / "surprise.json", []
    before = json.loads(kept.read_text(encoding="utf-8"))["rows"] if kept.exists() else []
    for medium, importer in sources().items():
        try:
            measured = importer()(seeds) if medium in o.media.split(",") else None
        except FileNotFoundError as error:
            print(f"{medium}: left out, {error}", file=sys.stderr)
            measured = None
        found += measured or [row for row in before if row["row"].startswith(f"{medium}:")]
    command = f"make bench-surprise BENCH='--seeds {o.seeds} --media {o.media}'"
    form.write("surprise", command, found)
    where = form.machine()
    head = f"`{command}` on {where['processor']}, {where['cores']} cores, {where['memory_gb']} GB."
    show("surprise", f"{head}\n\n{form.table(found)}")


if __name__ == "__main__":
    main()
