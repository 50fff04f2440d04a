"""The errors that a user is meant to read: what is wrong, why, and how to mend it."""

from pathlib import Path


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
