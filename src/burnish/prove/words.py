"""Records and figures in words and tables for a terminal."""

from collections.abc import Sequence
from decimal import Decimal

from burnish.prove.listing import Listing


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
