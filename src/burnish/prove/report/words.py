"""The report's sentences and numbers as people read them."""

import calendar
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from burnish.inspect.words import unbroken
from burnish.prove.words import money


def title(month: str) -> str:
    """`November 2026`."""
    year, number = month.split("-")
    return f"{calendar.month_name[int(number)]} {year}"


def day(text: str | None) -> str:
    """`24 Nov 2026` of an ISO date or time; a dash for none."""
    if not text:
        return "–"
    when = datetime.fromisoformat(text).date() if "T" in text else date.fromisoformat(text)
    return f"{when.day}\u00a0{calendar.month_abbr[when.month]}\u00a0{when.year}"


def many(count: int, one: str, several: str = "") -> str:
    """`1 check`, `2 checks`."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def share(value: float | None) -> str:
    """A share in percent, with the digits that small ones need."""
    if value is None:
        return "unknown"
    return unbroken(f"{100 * value:.2f} %" if 0 < abs(value) < 0.01 else f"{100 * value:.1f} %")


def figure(value: float | None, unit: str) -> str:
    """A figure's value with its unit."""
    if value is None:
        return "not measured"
    if unit == "share":
        return share(value)
    return f"{value:,.4g}\u00a0{unit}".strip()


def bounds(one: Mapping[str, Any]) -> str:
    """The interval of a figure, "" without one."""
    if one["low"] is None or one["high"] is None:
        return ""
    if one["unit"] == "share":
        return unbroken(f"{100 * one['low']:.1f} to {100 * one['high']:.1f} %")
    return f"{one['low']:,.3g} to {one['high']:,.3g}"


def wanted(one: Mapping[str, Any]) -> str:
    """The threshold in words."""
    if one["threshold"] is None:
        return "–"
    return f"{'at most' if one['better'] == 'lower' else 'at least'} {figure(one['threshold'], one['unit'])}"


def amount(text: str, currency: str) -> str:
    """Exact text as money."""
    return money(Decimal(text), currency).replace(" ", "\u00a0")


def length(seconds: float) -> str:
    """A time span."""
    if seconds < 120:
        return f"{seconds:.0f}\u00a0s"
    return f"{seconds / 60:.0f}\u00a0min" if seconds < 7200 else f"{seconds / 3600:.1f}\u00a0h"


def spent(records: Mapping[str, Any]) -> str:
    """Money of the month; INCOMPLETE where no tariff is stated."""
    if records["unpriced"]:
        return "INCOMPLETE"
    return amount(records["total"], records["currency"])


def headline(facts: Mapping[str, Any]) -> str:
    """The first sentence: what came of the work, and whether anything is wrong."""
    seen, wrong = facts["acceptance"], len(facts["alarms"])
    if seen["of"]:
        first = f"{seen['count']:,} of {seen['of']:,} reviewed outputs were used as they are"
    else:
        done = facts["records"]["by_status"].get("done", 0)
        first = f"{many(done, 'record')} done, no output reviewed" if done else "Nothing was made"
    if not facts["figures"]:
        return f"{first}; no figure was measured."
    if not wrong:
        return f"{first}, and every check was made."
    return f"{first}; {many(wrong, 'thing needs', 'things need')} somebody."


def lead(facts: Mapping[str, Any]) -> str:
    """What else belongs at the top."""
    records = facts["records"]
    total = sum(records["by_status"].values())
    failed = total - records["by_status"].get("done", 0)
    said = [f"{many(total, 'record')}, {failed:,} of them failed or interrupted."]
    if facts["acceptance"]["of"]:
        one = facts["acceptance"]
        said.append(
            f"Acceptance {share(one['value'])} ({100 * one['low']:.1f} to {100 * one['high']:.1f} %, "
            "exact 95 % bounds); "
            f"{one['outputs'] - one['of']:,} outputs of the month were not reviewed."
        )
    if not facts["over"]:
        said.append("The month is not over: this is a report so far.")
    return unbroken(" ".join(said))
