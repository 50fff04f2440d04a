"""Text files that appear whole or not at all."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from burnish.errors import BurnishError


def write_text(path: str | Path, text: str) -> None:
    """Writes a text file whole or not at all; missing folders are made. Devices and pipes are written to.

    Raises:
        BurnishError: It cannot be written.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        reason = f"cannot be written ({error.strerror or error})"
        raise BurnishError(path, reason, "Free some space or choose another folder") from error


def write_json(path: str | Path, value: Any) -> None:
    """Writes plain JSON by `write_text`.

    Raises:
        BurnishError: It cannot be written.
        ValueError: It holds a number that JSON has no word for.
    """
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
