"""How a verb tells that it works: a number before the work, what became of it after.

Rooms that make things (`verbs`, `train`, `inspect`) know this Protocol only; `prove.ledger` answers it with
rows of the workspace's database.

```python
with recorded(recorder, "inspect eval", medium="figures", model_hash=bundle.hash) as row:
    ...
    row.output = report
with batch(recorder, "make", 100, seed=7, model_hash=bundle.hash) as rows:
    for index, file in ...:
        rows.done(index, file)
```
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from burnish.errors import BurnishError


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

    def begin_all(self, verb: str, count: int, **facts: Any) -> list[int]:
        """As `begin`, for indices 0 to count - 1 at once; the rows are one batch."""
        ...

    def finish(
        self, number: int, output: str | Path = "", *, inputs: Mapping[str, str] | None = None
    ) -> None:
        """Status `done`: where the output lies; a file's sha256 or a bundle's hash is taken from it."""
        ...

    def fail(self, numbers: int | Sequence[int], error: BaseException | str) -> None:
        """Status `failed`, or `interrupted` for Ctrl-C; rows keep their number and seed."""
        ...


@dataclass
class Row:
    """A row at work. Set `output` when it is known, and `interrupted` when the work stopped half way."""

    number: int
    output: str | Path = ""
    inputs: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False


@contextmanager
def recorded(recorder: Recorder, verb: str, **facts: Any) -> Iterator[Row]:
    """One row around a piece of work: done, failed or interrupted as the work ends."""
    row = Row(recorder.begin(verb, **facts))
    try:
        yield row
    except BaseException as error:
        with suppress(BurnishError):  # a full disk may have ended both; what the user hears is the work's end
            recorder.fail(row.number, error)
        raise
    if row.interrupted:
        recorder.fail(row.number, KeyboardInterrupt())
    else:
        recorder.finish(row.number, row.output, inputs=row.inputs)


class Batch:
    """The rows of one command that makes several things.

    Attributes:
        numbers: Of the rows, in order of the index.
        open: Index to number of what is not made yet.
        output: Where things lie that are not told of one by one.
    """

    def __init__(self, recorder: Recorder, numbers: Sequence[int]) -> None:
        self.recorder, self.numbers = recorder, list(numbers)
        self.open = dict(enumerate(numbers))
        self.output: str | Path = ""

    def done(self, index: int, output: str | Path = "") -> None:
        """Thing `index` is made."""
        self.recorder.finish(self.open.pop(index), output)

    def failed(self, index: int, error: BaseException | str) -> None:
        """Thing `index` could not be made; the others go on."""
        self.recorder.fail(self.open.pop(index), error)


@contextmanager
def batch(recorder: Recorder, verb: str, count: int, **facts: Any) -> Iterator[Batch]:
    """One row for each of `count` things, all written first.

    What was not told of has failed when the work raised something; else it is done and lies in `rows.output`.
    """
    rows = Batch(recorder, recorder.begin_all(verb, count, **facts))
    try:
        yield rows
    except BaseException as error:
        recorder.fail(list(rows.open.values()), error)
        raise
    for index in sorted(rows.open):
        rows.done(index, rows.output)


class Unrecorded:
    """A recorder for a machine without a database: it gives numbers and keeps nothing."""

    def __init__(self) -> None:
        self._count = 0

    def begin(self, verb: str, **facts: Any) -> int:
        """A number."""
        self._count += 1
        return self._count

    def begin_all(self, verb: str, count: int, **facts: Any) -> list[int]:
        """Numbers."""
        return [self.begin(verb) for _ in range(count)]

    def finish(
        self, number: int, output: str | Path = "", *, inputs: Mapping[str, str] | None = None
    ) -> None:
        """Nothing."""

    def fail(self, numbers: int | Sequence[int], error: BaseException | str) -> None:
        """Nothing."""
