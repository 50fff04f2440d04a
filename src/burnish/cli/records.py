"""The recorder that commands hand to their work, and what they keep of its figures."""

import shlex
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from burnish.errors import BurnishError
from burnish.store.recording import Recorder, Unrecorded

if TYPE_CHECKING:
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


def keep_evaluation(found: dict[str, Any], number: int) -> None:
    """Keeps the figures of an evaluation (`Evaluation.to_json`) beside its record."""
    if find_spec("sqlalchemy") is None:
        return
    from burnish.prove.figures import from_evaluation, keep
    from burnish.store.workspace import open_workspace

    keep(open_workspace(), from_evaluation(found, command(), number))


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
