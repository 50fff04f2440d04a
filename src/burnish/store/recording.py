"""How a verb tells that it works: a number before the work, what became of it after.

Rooms that make things (`verbs`, `train`, `inspect`) know this Protocol only; `prove.ledger` answers it
with rows of the workspace's database. Without a recorder nothing is recorded.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol


class Recorder(Protocol):
    """Gives each output its number before it is computed."""

    def begin(
        self,
        verb: str,
        *,
        medium: str = "",
        description: str = "",
        seed: int | None = None,
        index: int | None = None,
        model_hash: str = "",
        inputs: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> int:
        """Writes the row, status `running`, and returns its number once it is safe on disk.

        Args:
            verb: `make`, `train`, `refine`, ...
            medium: `image`, `clip`, `text`, `model`, `figures` or `verdicts`.
            description: What was asked for.
            seed, index: Both together decide everything random.
            model_hash: Of the bundle that is used.
            inputs: Name to content hash of everything that goes in.
            settings: Options that decide the outcome.
        """
        ...

    def finish(self, number: int, output: str | Path = "", *, model_hash: str = "") -> None:
        """Status `done`: where the output lies (its sha256 is taken), and the model when one was made."""
        ...

    def fail(self, number: int, error: BaseException | str) -> None:
        """Status `failed`, or `interrupted` for Ctrl-C; the row keeps its number and seed."""
        ...
