"""Checks an exit folder by itself. One file; Python's standard library, and what `regenerate.py` needs.

    python check.py

Every file is there and unchanged, every table has the rows that it should have, and every generator makes its
expected pictures again. Exit code 0 when all holds.
"""

import csv
import hashlib
import json
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
csv.field_size_limit(1 << 30)


def problems(folder: Path) -> list[str]:
    """What differs from `manifest.json`: files and rows."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    found = []
    for name, sha256 in manifest["files"].items():
        try:
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != sha256:
                found.append(f"{name} was changed")
        except OSError as error:
            found.append(f"{name} cannot be read ({error.strerror})")
    for name, rows in manifest["tables"].items():
        with (folder / "tables" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            count = sum(1 for _ in csv.reader(file)) - 1
        if count != rows:
            found.append(f"tables/{name}.csv has {count} rows, not {rows}")
    return found


def _run(script: Path) -> object:
    """Runs a script as a command of its own would; answers its exit code."""
    sys.argv = [str(script)]
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as end:
        return end.code
    return 0


def main(folder: Path = HERE) -> int:
    """The command; answers the exit code."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    wrong = problems(folder)
    if not wrong:
        print(f"{len(manifest['files'])} files unchanged")
    print(f"{sum(manifest['tables'].values())} rows in {len(manifest['tables'])} tables")
    for script in sorted(folder.glob("models/*/re*.py")):
        print(f"{script.relative_to(folder)}:", flush=True)
        if _run(script):
            wrong.append(f"{script.relative_to(folder)} does not answer as it must")
    for one in wrong:
        print(f"WRONG: {one}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
