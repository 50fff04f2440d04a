"""Plain text on the terminal, and figures in a file."""

from pathlib import Path
from typing import Any


def say(text: object) -> None:
    """Prints `str(text)` as it is."""
    from rich.console import Console

    Console().print(str(text), soft_wrap=True, markup=False, highlight=False)


def write_json(file: Path, content: Any) -> None:
    """Writes JSON and says so; see `write_text`."""
    import json

    write_text(file, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def write_text(file: Path, content: str) -> None:
    """Writes a file and says so.

    Raises:
        BurnishError: The place cannot be written.
    """
    from burnish.errors import BurnishError

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    except OSError as error:
        raise BurnishError(file, f"cannot be written ({error.strerror})", "Name another place") from error
    say(f"written: {file}")
