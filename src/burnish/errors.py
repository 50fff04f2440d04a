"""The errors that a user is meant to read: what is wrong, why, and how to mend it."""

from pathlib import Path
from typing import Any

TOLD = {
    "extra_forbidden": "is not known",
    "missing": "is missing",
}
"""What a reader of a file is told instead of pydantic's words."""


class BurnishError(Exception):
    """Something the user can mend. The CLI prints it without a traceback and exits with `exit_code`.

    Args:
        thing: What is wrong: a path, an option or a value, as the user knows it.
        reason: Why it cannot be used.
        cure: What to do about it.
    """

    exit_code = 2

    def __init__(self, thing: str | Path, reason: str, cure: str = "") -> None:
        self.thing, self.reason, self.cure = str(thing), reason, cure
        super().__init__(f"{thing}: {reason}." + (f" {cure}." if cure else ""))


class ImageError(BurnishError):
    """A picture or mask that cannot be read or used."""


class DatasetError(BurnishError):
    """A folder that is not a usable data set."""


class BundleError(BurnishError):
    """A model bundle that is damaged, of a newer format, or not a bundle."""


class ParityError(BurnishError):
    """An exported model that does not answer as the original does."""

    exit_code = 3


def in_words(error: Exception) -> str:
    """What a library says of a file that cannot be read or used, in one line.

    Args:
        error: Of the system, of reading UTF-8 or YAML, or of checking with pydantic; others as they are.
    """
    thing: Any = error
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    if mark := getattr(thing, "problem_mark", None):
        problem = (getattr(thing, "problem", None) or "cannot be parsed").splitlines()[0]
        return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"
    if callable(getattr(thing, "errors", None)):
        return "; ".join(_complaint(one) for one in thing.errors())
    return " ".join(str(error).split())


def _complaint(one: dict[str, Any]) -> str:
    where, said = ".".join(map(str, one["loc"])), TOLD.get(one["type"])
    if said:
        return f"{where} {said}"
    words = one["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    return f"{where}: {words}" if where else words
