"""A progress bar on the terminal's error stream; the answers of a command go to its output."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from burnish.train.loop import Progress as Training


class _Live:
    """A bar on the error stream that steps aside for what is said; a context manager."""

    def __init__(self, *columns: ProgressColumn) -> None:
        self.console = Console(stderr=True)
        self._bar = Progress(*columns, console=self.console, transient=True)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def say(self, text: object) -> None:
        """Prints `str(text)` to the output."""
        live = self._bar.live.is_started
        self._bar.stop()
        Console().print(str(text), soft_wrap=True, markup=False, highlight=False)
        if live:
            self._bar.start()


class Bar(_Live):
    """One task's bar; a context manager. Where the error stream is no terminal, training logs a line at each
    validation instead.

    Args:
        task: Its name.
        total: Number of things to do; 1 for a share.
    """

    def __init__(self, task: str, total: float = 1.0) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}")
        super().__init__(*columns, TimeElapsedColumn())
        self._task = self._bar.add_task(task, total=total, note="")

    def advance(self, *about: object) -> None:
        """One thing is done."""
        self._bar.advance(self._task)

    def share(self, done: int, of: int) -> None:
        """So many of so many are done."""
        self._bar.update(self._task, completed=done, total=of)

    def lines(self, made: list[str]) -> None:
        """Shows a few lines of a model as it grows."""
        for line in made[:3]:
            self.console.print(f"     {line}", soft_wrap=True, markup=False, highlight=False)

    def training(self, now: "Training") -> None:
        """Shows a training run's progress."""
        left = "" if now.eta is None else f", {clock(now.eta)} left"
        held = f", held out {now.validation['loss']:.4f}" if "loss" in now.validation else ""
        note = f"update {now.step}, loss {now.loss:.4f}{held}{left}"
        self._bar.update(self._task, completed=now.spent, note=note)
        if now.validated and not self.console.is_terminal:
            self.console.print(f"{now.spent:4.0%} {note}", soft_wrap=True, markup=False, highlight=False)


def clock(seconds: float) -> str:
    """`1:05` or `2:03:04`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Stages(_Live):
    """A bar that follows a run through named stages, each from 0 to 1; a context manager."""

    def __init__(self) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()
        super().__init__(*columns, TimeElapsedColumn(), TimeRemainingColumn())
        self._stage, self._task = "", TaskID(0)

    def report(self, stage: str, done: float) -> None:
        """Shows how far a stage is, in [0, 1]; a log gets a line when a stage begins."""
        if stage != self._stage:
            self._stage = stage
            for task in self._bar.task_ids:
                self._bar.remove_task(task)
            self._task = self._bar.add_task(stage, total=1.0)
            if not self.console.is_terminal:
                self.console.print(f"{stage} ...", markup=False, highlight=False)
        self._bar.update(self._task, completed=done)
