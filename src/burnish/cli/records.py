"""The recorder that commands hand to their work, and what they keep of its figures."""

import shlex
import sys
from importlib.util import find_spec
from typing import Any

from burnish.errors import BurnishError
from burnish.store.recording import Recorder, Unrecorded


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


def command() -> str:
    """What was typed."""
    return shlex.join(["burnish", *sys.argv[1:]])
