"""Energy of a piece of work: measured where the machine tells, else estimated and called so.

RAPL (Intel SDM vol. 3B, 16.10; AMD alike) counts the microjoules of each processor package in
`/sys/class/powercap`, which often only root may read. NVML counts the millijoules of each NVIDIA card. Both
count everything that runs on them.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POWERCAP = Path("/sys/class/powercap")


@dataclass(frozen=True)
class Counter:
    """A counter of joules that goes up and wraps.

    Attributes:
        name: `RAPL, whole package` or `NVML`.
        read: Joules so far.
        wraps_at: Joules at which it starts from 0 again; None: never.
    """

    name: str
    read: Callable[[], float]
    wraps_at: float | None = None


class Meter:
    """Joules between laps.

    Args:
        watts: Stated power for the estimate.
        counters: From `find_counters`.
    """

    def __init__(self, watts: float, counters: tuple[Counter, ...] = ()) -> None:
        self.watts, self.counters = watts, counters

    @property
    def how(self) -> str:
        """How joules are known: `measured (...)` or `estimated from 65 W`."""
        if not self.counters:
            return f"estimated from {self.watts:g} W"
        return f"measured ({' + '.join(dict.fromkeys(c.name for c in self.counters))})"

    def read(self) -> tuple[float, ...]:
        """The counters now."""
        return tuple(counter.read() for counter in self.counters)

    def joules(self, before: tuple[float, ...], after: tuple[float, ...], seconds: float) -> float:
        """Energy between two readings that lie `seconds` apart."""
        if not self.counters:
            return self.watts * seconds
        total = 0.0
        for counter, a, b in zip(self.counters, before, after, strict=True):
            total += b - a if b >= a or counter.wraps_at is None else b - a + counter.wraps_at
        return total


def find_counters(powercap: Path = POWERCAP) -> tuple[Counter, ...]:
    """The counters of this machine that may be read: each processor package's, and each NVIDIA card's.

    A card's alone would leave the processor out, so without RAPL there is none.
    """
    packages = tuple(filter(None, (_rapl(zone) for zone in sorted(powercap.glob("intel-rapl:[0-9]*")))))
    return (*packages, *_nvml()) if packages else ()


def _rapl(zone: Path) -> Counter | None:
    if zone.name.count(":") != 1:
        return None  # a part of a package, which is counted already
    file = zone / "energy_uj"

    def read() -> float:
        return int(file.read_text(encoding="ascii")) / 1e6

    try:
        read()
        wraps_at = int((zone / "max_energy_range_uj").read_text(encoding="ascii")) / 1e6
    except (OSError, ValueError):
        return None
    return Counter("RAPL, whole package", read, wraps_at)


def _nvml() -> tuple[Counter, ...]:
    try:
        nvml: Any = importlib.import_module("pynvml")
        nvml.nvmlInit()
        cards = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
        for card in cards:
            nvml.nvmlDeviceGetTotalEnergyConsumption(card)
    except Exception:  # no NVML, no driver, or a card that does not count
        return ()

    def reader(card: Any) -> Callable[[], float]:
        return lambda: nvml.nvmlDeviceGetTotalEnergyConsumption(card) / 1000

    return tuple(Counter("NVML", reader(card)) for card in cards)
