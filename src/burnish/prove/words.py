"""Records and figures in words and tables for a terminal."""

import math
from collections.abc import Sequence
from decimal import Decimal

from burnish.core.stats import Rate
from burnish.prove.listing import Listing
from burnish.prove.returns import Returns
from burnish.prove.value import Saved, Value


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Lines of a table with aligned columns; those in `right` to the right."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return [
        "  ".join(
            c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]


def money(amount: Decimal, currency: str = "", digits: int | None = None) -> str:
    """An amount for people: to the cent, or to three significant digits where it is less than that."""
    if digits is None:
        digits = 2
        while amount and digits < 12 and abs(amount) < Decimal(10) ** (2 - digits):
            digits += 1
    return f"{amount:,.{digits}f} {currency}".rstrip()


def ledger_text(found: Listing, last: int) -> str:
    """The last rows and the sums over all."""
    if not found.rows:
        return "no records"
    rows = [
        (
            str(row["number"]),
            row["started"].strftime("%Y-%m-%d %H:%M"),
            row["verb"],
            row["status"],
            "-" if row["seed"] is None else str(row["seed"]),
            "-" if row["index"] is None else str(row["index"]),
            "-" if row["seconds"] is None else f"{row['seconds']:.2f}",
            "-" if row["joules"] is None else f"{row['joules']:.1f}",
            row["model_hash"][:8] or "-",
            (row["error"] or row["description"] or row["output"])[:48],
        )
        for row in (found.rows[-last:] if last else ())
    ]
    head = ("no.", "started (UTC)", "verb", "status", "seed", "index", "s", "J", "model", "what")
    lines = [*table(head, rows, (0, 4, 5, 6, 7)), ""] if rows else []
    counts = ", ".join(f"{count} {status}" for status, count in sorted(found.by_status.items()))
    lines.append(f"{len(found.rows)} records: {counts}")
    known = ", ".join(found.energy_known) or "unknown"
    lines.append(f"{found.seconds:,.2f} s; energy {found.joules / 3.6e6:.4g} kWh, {known}")
    if found.costs:
        parts = " + ".join(f"{kind} {money(amount)}" for kind, amount in found.costs.items())
        lines.append(f"money: {parts} = {money(found.total, found.currency)} ({found.total} exactly)")
    else:
        lines.append("money: unknown, no tariff is stated in burnish.yaml")
    return "\n".join(lines)


def value_text(found: Value) -> str:
    """A task's worth, one figure a line, with what it does not say."""
    currency, spent = found.spend.currency, found.spend
    counts = ", ".join(f"{count} {name}" for name, count in sorted(found.outcomes.items())) or "no outputs"
    lines = [f"task {found.task}: {counts}", f"acceptance: {acceptance_text(found.acceptance)}"]
    parts = " + ".join(f"{kind} {money(amount)}" for kind, amount in spent.by_kind.items()) or "nothing"
    lines.append(f"spent: {parts} = {money(spent.total, currency)}")
    lines.append(f"cost per usable output: {cost_text(found)}")
    lines.append(f"spent on outputs that were not used: {waste_text(found)}")
    lines.append(f"time saved: {saved_text(found.saved)}")
    lines += [f"missing: {what}" for what in spent.missing]
    return "\n".join(lines)


def acceptance_text(acceptance: Rate) -> str:
    """`90 of 100 used as they were: 0.900 (0.824 to 0.951)`."""
    if acceptance.value is None:
        return "unknown, nothing was reviewed"
    bounds = f"{acceptance.value:.3f} ({acceptance.low:.3f} to {acceptance.high:.3f})"
    return f"{acceptance.count} of {acceptance.of} used as they were: {bounds}"


def cost_text(found: Value) -> str:
    """The cost per usable output, or why there is none; INCOMPLETE where a cost is missing."""
    cost, bounds, currency = found.cost_per_usable, found.cost_bounds, found.spend.currency
    missing = bool(found.spend.missing)
    if cost is None:
        return "undefined, no output was used without rework" + (
            " (and spend is INCOMPLETE)" if missing else ""
        )
    if missing:
        return f"INCOMPLETE, more than {money(cost, currency)}: see what is missing"
    within = f" ({money(bounds[0])} to {money(bounds[1])} by the bounds of acceptance)" if bounds else ""
    return f"{money(cost, currency)}{within}"


def waste_text(found: Value) -> str:
    """What was spent on outputs that were not used; a lower bound while some wait for review."""
    amount, waiting = money(found.waste, found.spend.currency), found.outcomes.get("unreviewed", 0)
    return f"at least {amount}, {waiting:,} unreviewed" if waiting else amount


def saved_text(saved: Saved) -> str:
    """Hours with their interval, negative when negative."""
    if saved.hours is None:
        return f"unknown: {saved.why}"
    hours = saved.hours
    if hours.low == hours.high:
        return f"{hours.value:.2f} hours ({saved.how}): {saved.why}"
    told = f"{hours.value:.2f} hours ({hours.low:.2f} to {hours.high:.2f}; {saved.how}): {saved.why}"
    if hours.low <= 0 <= hours.high:
        told += "; not shown to differ from none"
    return told


def returns_text(found: Returns, currency: str) -> str:
    """The return in words, with a bar for each lever."""
    b, years = found.benefit, found.payback

    def year(value: float) -> str:
        return f"{value:.1f}" if math.isfinite(value) else "never"

    lines = [
        f"benefit a year: {b.value:,.0f} {currency} (9 of 10 cases: {b.low:,.0f} to {b.high:,.0f})",
        f"a year loses money in {100 * found.loses:.0f} of 100 cases",
        f"paid back after {year(years.value)} years ({year(years.low)} to {year(years.high)})",
    ]
    if found.levers:
        first = found.levers[0]
        lines += ["", f"the answer hangs on {first.name}" + _turn(first.turns_at), ""]
        widest = first.swing
        rows = [
            (v.name, f"{v.at_low:,.0f}", f"{v.at_high:,.0f}", "#" * max(1, round(30 * v.swing / widest)))
            for v in found.levers
        ]
        lines += table(("input", "at its low", "at its high", "swing"), rows, (1, 2))
    return "\n".join(lines)


def _turn(at: float | None) -> str:
    return "" if at is None else f": at {at:,.4g} the benefit turns its sign"
