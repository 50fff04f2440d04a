"""What a figure was measured on, and whether a process still lives."""

import os
import platform
import socket
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """Processor, cores that may be used, memory in GB, system, Python."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = (
        os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9 if hasattr(os, "sysconf") else None
    )
    return {
        "processor": processor(),
        "cores": cores,
        "memory_gb": round(memory, 1) if memory else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def in_a_line() -> str:
    """The machine as records name it."""
    m = machine()
    memory = f", {m['memory_gb']:g} GB" if m["memory_gb"] else ""
    return f"{m['processor']}, {m['cores']} cores{memory}, {m['system']}"


def processor() -> str:
    """The processor's name and the vector and matrix units that decide its speed."""
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    flags = fields.get("flags", "").split()
    units = [
        name
        for flag, name in (("avx2", "AVX2"), ("avx512f", "AVX-512"), ("amx_tile", "AMX"))
        if flag in flags
    ]
    return " ".join([fields.get("model name", platform.machine()), *units])


def this_process() -> str:
    """Host, process id and when it began: together they name one process for good."""
    return f"{socket.gethostname()} {os.getpid()} {_began(os.getpid())}"


def lives(process: str) -> bool | None:
    """Whether a process that `this_process` named still runs; None if it is on another host or not named."""
    host, _, rest = process.partition(" ")
    number, _, began = rest.partition(" ")
    if host != socket.gethostname() or not number.isdigit():
        return None
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it is somebody else's
    return _began(int(number)) == began


def _began(number: int) -> str:
    """Ticks from boot to the start of a process, with the boot's id, where the system tells (Linux)."""
    try:
        fields = Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8")[:8]
    except OSError:
        return "-"
    if fields[0] in "ZX":
        return "ended"
    return f"{boot}:{fields[19]}"
