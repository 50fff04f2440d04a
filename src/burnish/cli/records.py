"""The recorder that commands hand to their work, and what they keep of its figures."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from burnish.errors import BurnishError
from burnish.store.recording import Recorder, Row, Unrecorded, recorded

if TYPE_CHECKING:
    from burnish.store.tables import Figure
    from burnish.train.plan import Tariff


def ledger(task: str = "", must: bool = True) -> Recorder:
    """The ledger of the workspace that applies here.

    Where the extra `prove` is not installed, as on a line PC, nothing is recorded.

    Args:
        task: What the outputs are for.
        must: Without it, a workspace that cannot be used is told and the work goes on unrecorded: a line is
            not stopped by its records.
    """
    if find_spec("sqlalchemy") is None:
        return Unrecorded()
    from burnish.prove.ledger import open_ledger

    try:
        found = open_ledger(command=command(), task=task)
        _ = found.workspace.engine
        return found
    except BurnishError as error:
        if must:
            raise
        print(f"not recorded: {error}", file=sys.stderr)
        return Unrecorded()


class Run:
    """A measurement at work.

    Attributes:
        row: Its record.
    """

    def __init__(self, row: Row) -> None:
        self.row = row

    def keep(self, figures: "Sequence[Figure]") -> None:
        """Keeps figures beside the record, so that cards and reports may print them."""
        from burnish.prove.figures import keep
        from burnish.store.workspace import open_workspace

        for figure in figures:
            figure.record_number = self.row.number
        keep(open_workspace(), figures)


@contextmanager
def measured(
    verb: str, model_hash: str = "", data: str | Path = "", seed: int | None = None
) -> Iterator[Run]:
    """One record around a measurement.

    Args:
        verb: `prove copies`, ...
        model_hash: Of the bundle that is measured.
        data: What it is measured on.
        seed: Of everything random.
    """
    about = {"medium": "figures", "description": str(data), "seed": seed, "model_hash": model_hash}
    with recorded(ledger(), verb, **about) as row:
        yield Run(row)


def keep_evaluation(found: dict[str, Any], run: Run) -> None:
    """Keeps the figures of an evaluation (`Evaluation.to_json`); without the extra `prove` none are kept."""
    if find_spec("sqlalchemy") is None:
        return
    from burnish.prove.figures import from_evaluation

    run.keep(from_evaluation(found, command()))


def tariff() -> "Tariff":
    """What an hour of training costs, as the workspace's settings state it; else assumed, and said so."""
    from burnish.train.plan import Tariff

    if find_spec("sqlalchemy") is None:
        return Tariff()
    from burnish.store.workspace import open_workspace

    settings = open_workspace().settings
    stated = settings.tariffs
    if stated.energy_per_kwh is None and stated.compute_per_hour is None:
        return Tariff(watts=stated.watts, currency=settings.currency)
    per_kwh, per_hour = float(stated.energy_per_kwh or 0), float(stated.compute_per_hour or 0)
    return Tariff(stated.watts, per_kwh, per_hour, settings.currency, stated=True)


def command() -> str:
    """What was typed."""
    return shlex.join(["burnish", *sys.argv[1:]])
