"""The ledger: each output's row is written before the work, and keeps its number whatever becomes of it.

Time is counted once: of a batch, an output's seconds run from when the one before it was done. Energy
likewise. Money follows from both by the workspace's tariffs, as exact decimals.
"""

import json
import time
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from burnish.errors import BurnishError
from burnish.prove.energy import Meter, find_counters
from burnish.store.bundle import DESCRIPTION, files_hash, sha256_of
from burnish.store.machine import in_a_line, this_process
from burnish.store.settings import Settings
from burnish.store.tables import DONE, FAILED, INTERRUPTED, RUNNING, Cost, Model, Record, now
from burnish.store.workspace import Workspace, open_workspace

DIGITS = Decimal("1e-12")
Mark = tuple[float, tuple[float, ...]]


class Ledger:
    """Rows in a workspace's database; a `store.recording.Recorder`.

    Args:
        workspace: Where the rows go.
        command: What was typed.
        task: What the outputs are for; ties them to their counterfactual and their reviews.
        owner: Who answers for them; the workspace's owner when empty.
        meter: Of energy; the machine's own when None.
    """

    def __init__(
        self,
        workspace: Workspace,
        command: str = "",
        task: str = "",
        owner: str = "",
        meter: Meter | None = None,
    ) -> None:
        self.workspace, self.command, self.task = workspace, command, task
        self.owner = owner or workspace.settings.owner
        self.meter = meter or Meter(workspace.settings.tariffs.watts, find_counters())
        self._begun: dict[int, Mark] = {}
        self._last: Mark = self._mark()
        self._machine, self._process = in_a_line(), this_process()

    def begin(self, verb: str, *, index: int | None = None, **facts: Any) -> int:
        """See `Recorder.begin`."""
        return self._begin(verb, [index], facts)[0]

    def begin_all(self, verb: str, count: int, **facts: Any) -> list[int]:
        """See `Recorder.begin_all`."""
        if count < 1:
            raise BurnishError(f"{count} outputs", "there must be at least one")
        return self._begin(verb, range(count), facts)

    def finish(
        self, number: int, output: str | Path = "", *, inputs: Mapping[str, str] | None = None
    ) -> None:
        """See `Recorder.finish`. A bundle is entered among the workspace's models."""
        spent = self._spent(number)
        made = _describe(output)
        with self.workspace.session() as session:
            row = _open(session, number)
            row.status, row.inputs = DONE, {**row.inputs, **(inputs or {})}
            row.output, row.output_hash = (str(Path(output).absolute()) if output else ""), made["hash"]
            if made["kind"]:
                row.model_hash = made["hash"]
                row.inputs = {**row.inputs, **({"data": made["data"]} if made["data"] else {})}
                session.merge(
                    Model(
                        hash=made["hash"],
                        path=row.output,
                        kind=made["kind"],
                        data_hash=made["data"],
                        record_number=number,
                    )
                )
            self._close(session, row, spent)

    def fail(self, numbers: int | Sequence[int], error: BaseException | str) -> None:
        """See `Recorder.fail`. The first of several carries the time since the last that was done."""
        numbers = [numbers] if isinstance(numbers, int) else list(numbers)
        stopped = isinstance(error, KeyboardInterrupt | GeneratorExit) or (
            isinstance(error, BurnishError) and error.exit_code == 130
        )
        why = error if isinstance(error, str) else f"{type(error).__name__}: {error}".rstrip(": ")
        with self.workspace.session() as session:
            for number in numbers:
                row = _open(session, number)
                row.status, row.error = INTERRUPTED if stopped else FAILED, why[:2000]
                self._close(session, row, self._spent(number))

    def _begin(self, verb: str, indices: Sequence[int | None], facts: Mapping[str, Any]) -> list[int]:
        facts = {key: value for key, value in facts.items() if value is not None}
        for key in ("inputs", "settings"):
            facts[key] = dict(facts.get(key, {}))
        shared = {
            "verb": verb,
            "task": self.task,
            "owner": self.owner,
            "command": self.command,
            "machine": self._machine,
            "process": self._process,
            "status": RUNNING,
        }
        with self.workspace.session() as session:
            rows = [Record(**shared, **facts, index=index) for index in indices]
            session.add_all(rows)
            session.flush()
            first = min(row.number for row in rows)
            for row in rows:
                row.batch = first
        mark = self._mark()
        self._begun.update((row.number, mark) for row in rows)
        return [row.number for row in rows]

    def _close(self, session: Session, row: Record, spent: tuple[float, float]) -> None:
        row.finished = now()
        row.seconds, row.joules = spent
        row.energy_known = self.meter.how
        row.costs.extend(cost_lines(self.workspace.settings, *spent))

    def _mark(self) -> Mark:
        return time.perf_counter(), self.meter.read()

    def _spent(self, number: int) -> tuple[float, float]:
        """Seconds and joules that are this row's own."""
        here = self._mark()
        start = max(self._begun.pop(number, self._last), self._last, key=lambda mark: mark[0])
        self._last = here
        seconds = here[0] - start[0]
        return seconds, self.meter.joules(start[1], here[1], seconds)


def open_ledger(command: str = "", task: str = "", owner: str = "") -> Ledger:
    """The ledger of the workspace that applies here."""
    return Ledger(open_workspace(), command, task, owner)


def cost_lines(settings: Settings, seconds: float, joules: float | None) -> list[Cost]:
    """What a piece of work costs by the tariffs that are stated; a price that is not stated gives no line.

    Args:
        settings: The workspace's.
        seconds, joules: Of the work.
    """
    tariffs, worth = settings.tariffs, settings.depreciation
    found = []
    if tariffs.compute_per_hour is not None:
        found.append(line(settings, "compute", seconds, "s", tariffs.compute_per_hour))
    if tariffs.energy_per_kwh is not None and joules is not None:
        found.append(line(settings, "energy", joules, "J", tariffs.energy_per_kwh))
    if worth is not None:
        by_hour = worth.price / (worth.years * worth.hours_per_year)
        found.append(line(settings, "depreciation", seconds, "s", by_hour))
    return found


PER = {"s": 3600, "J": 3_600_000}
"""How many of a unit its price is for: an hour, a kWh."""


def line(settings: Settings, kind: str, quantity: float, unit: str, price: Decimal, **facts: Any) -> Cost:
    """A cost line: quantity times price, rounded once to 12 digits after the point; sums are exact from here.

    Args:
        settings: For the currency.
        kind: See `store.tables.Cost`.
        quantity: Seconds or joules.
        unit: `s` or `J`.
        price: Of an hour or a kWh.
    """
    measured, price = Decimal(repr(float(quantity))), price.quantize(DIGITS, ROUND_HALF_EVEN)
    amount = (measured * price / PER[unit]).quantize(DIGITS, ROUND_HALF_EVEN)
    return Cost(
        kind=kind,
        amount=amount,
        currency=settings.currency,
        quantity=measured,
        unit=unit,
        price=price,
        **facts,
    )


def _open(session: Session, number: int) -> Record:
    row = session.get(Record, number)
    if row is None:
        raise BurnishError(f"record {number}", "is not in the workspace")
    if row.status != RUNNING:
        raise BurnishError(f"record {number}", f"is {row.status} already", "A record is closed once")
    return row


def _describe(output: str | Path) -> dict[str, str]:
    """Hash of a file or bundle; a bundle's kind and its data's hash."""
    path, found = Path(output), {"hash": "", "kind": "", "data": ""}
    if not output or not path.exists():
        return found
    if path.is_file():
        return found | {"hash": sha256_of(path)}
    if (path / DESCRIPTION).is_file():
        meta = json.loads((path / DESCRIPTION).read_text(encoding="utf-8"))
        data = meta.get("data")
        data_hash = data.get("hash", "") if isinstance(data, dict) else meta.get("data_hash", "")
        return {"hash": files_hash(meta["files"]), "kind": meta["kind"], "data": str(data_hash)}
    return found
