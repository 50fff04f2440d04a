"""Made lines in files: the lines by themselves, and the same with how each came about."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from burnish.errors import BurnishError
from burnish.verbs.text_model import TextModel

LINES, RECORDS = "lines.txt", "lines.jsonl"


def write_lines(
    model: TextModel,
    out: str | Path,
    lines: Iterable[str],
    about: dict[str, Any],
    on_line: Callable[[int, str, Path], None] | None = None,
) -> list[str]:
    """Writes lines as they come: `lines.txt`, and `lines.jsonl` with the text, its index and `about` of each.

    Args:
        model: That made them; its hash is noted.
        out: The folder; earlier files of these names in it are replaced.
        lines: Made one by one; what was made before an interruption is kept.
        about: The verb, seed, steps and what else decides the outcome.
        on_line: Called with the index, the line and the file of each.

    Returns:
        The lines.

    Raises:
        BurnishError: The folder cannot be written; what `lines` raises.
    """
    out, made = Path(out), []
    try:
        out.mkdir(parents=True, exist_ok=True)
        with (
            (out / LINES).open("w", encoding="utf-8") as plain,
            (out / RECORDS).open("w", encoding="utf-8") as full,
        ):
            for index, line in enumerate(lines):
                shown = " ".join(line.splitlines())
                plain.write(shown + "\n")
                record = {"text": line, "index": index, **about, "model": model.bundle.hash}
                full.write(json.dumps(record, ensure_ascii=False) + "\n")
                plain.flush()
                full.flush()
                made.append(shown)
                if on_line:
                    on_line(index, shown, out / LINES)
    except OSError as error:
        raise BurnishError(out, f"cannot be written ({error.strerror})", "Choose another --out") from error
    return made
