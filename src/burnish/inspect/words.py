"""What the report says in words: the headline, whether the promise was kept, and numbers with their units."""

from typing import Any

from scipy import stats

from burnish.core.stats import Rate, clopper_pearson
from burnish.inspect.evaluate import Evaluation, in_percent


def promise_kept(e: Evaluation) -> dict[str, Any]:
    """Do the measured false rejects agree with the promise? Its state, title, text and mark.

    A threshold on the k-th highest of n scores rejects a beta-binomial number of new good parts. So "broken"
    means: as many rejects had a chance below 2.5 %, were the new parts exchangeable with the old.
    """
    rate = e.false_reject_rate
    if not e.calibration:
        return {
            "state": "open",
            "title": "No promise on false rejects.",
            "text": "The threshold was given by hand and not calibrated on good parts.",
            "mark": None,
        }
    promised = e.calibration["promised"]
    said = f"The promise was {pct(promised)} false rejects on average"
    if e.calibration["extrapolated"]:
        wanted, n = pct(e.calibration["wanted"]), e.calibration["n"]
        said += f" (asked for: {wanted}, which {n} good parts cannot promise)"
    said += f"; measured {in_percent(rate)}." if rate.of else "; there was no good part to measure it on."
    if not rate.of:
        return {
            "state": "open",
            "title": "The false-reject promise was not tested.",
            "text": said,
            "mark": promised,
        }
    n = e.calibration["n"]
    rank = round(promised * (n + 1))
    if stats.betabinom.sf(rate.count - 1, rate.of, rank, n + 1 - rank) < 0.025:
        said += " Chance does not explain it: these good parts differ from those of the calibration"
        said += (
            ", or the final model scores unlike those of the folds."
            if e.calibration.get("folds", 1) > 1
            else "."
        )
        return {
            "state": "broken",
            "title": "The false-reject promise was broken.",
            "text": said,
            "mark": promised,
        }
    if rate.low > promised:
        said += f" The promise is an average; {n} good parts can miss it by this much."
        return {"state": "open", "title": "More false rejects than promised.", "text": said, "mark": promised}
    if clopper_pearson(rate.count, rate.of, 0.95, "upper")[1] <= promised:
        return {
            "state": "kept",
            "title": "The false-reject promise was kept, and is proven.",
            "text": said,
            "mark": promised,
        }
    need = e.proof["false_rejects"]["more_if_none_fails"]
    wanted = pct(e.proof["false_rejects"]["wanted"])
    more = f" To prove {wanted} takes {need:,} more good parts without a false reject." if need else ""
    if (rate.value or 0.0) <= promised:
        return {
            "state": "kept",
            "title": "The false-reject promise was kept here.",
            "text": said + more,
            "mark": promised,
        }
    text = said + " That is above the promise, but within what chance explains." + more
    return {
        "state": "open",
        "title": "In line with the false-reject promise, not proven.",
        "text": text,
        "mark": promised,
    }


def headline(e: Evaluation) -> str:
    miss, false = e.miss_rate, e.false_reject_rate
    if miss.of:
        return f"Of {miss.of:,} bad parts {miss.count:,} {_were(miss.count)} missed: {in_percent(miss)}."
    return f"Of {false.of:,} good parts {false.count:,} {_were(false.count)} rejected: {in_percent(false)}."


def subline(e: Evaluation) -> str:
    miss, false = e.miss_rate, e.false_reject_rate
    said = []
    if miss.of and false.of:
        said.append(
            f"Of {false.of:,} good parts {false.count:,} {_were(false.count)} rejected: {in_percent(false)}."
        )
    elif not false.of:
        said.append("There were no good parts, so false rejects are unknown.")
    else:
        said.append("There were no bad parts, so misses are unknown.")
    worst = max(e.by_class.items(), key=lambda item: item[1]["miss_rate"]["value"] or 0, default=None)
    if len(e.by_class) > 1 and worst and worst[1]["miss_rate"]["count"]:
        count, of = worst[1]["miss_rate"]["count"], worst[1]["miss_rate"]["of"]
        said.append(f"The kind missed most is {worst[0]}: {count} of {of}.")
    if e.held:
        said.append(f"{len(e.held):,} could not be judged and {_were(len(e.held))} held.")
    return " ".join(said)


def unbroken(text: str) -> str:
    """Keeps a number and its unit on one line."""
    return text.replace(" %", "\u00a0%").replace(" EUR", "\u00a0EUR")


def pct(value: float | None) -> str:
    if value is None:
        return "unknown"
    return unbroken(f"{100 * value:.2f} %" if 0 < value < 0.001 else f"{100 * value:.1f} %")


def num(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def eur(value: float | None, digits: int = 2) -> str:
    return "unknown" if value is None else unbroken(f"{plain(value, digits)} EUR")


def plain(value: float | None, digits: int = 2) -> str:
    if value is None:
        return "unknown"
    least = 10**-digits
    return f"under {least:g}" if 0 < value < least else f"{value:,.{digits if value < 100 else 0}f}"


def more(value: int | None) -> str:
    return "never, at this rate" if value is None else "none: proven" if value == 0 else f"{value:,}"


def bounds(rate: Rate) -> str:
    return f"{100 * rate.low:.1f} to {100 * rate.high:.1f} %"


def duration(seconds: float) -> str:
    if seconds <= 0:
        return "not recorded"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} minutes"


def scale(rate: Rate) -> float:
    """The end of a bar's scale that holds the rate's upper bound."""
    return next((top for top in (0.02, 0.05, 0.1, 0.2, 0.5) if rate.high <= top), 1.0)


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
