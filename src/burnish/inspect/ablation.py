"""Does synthesis earn its place? Arms of equal compute on the same seeds and parts, compared in pairs.

It prints what it finds, also when diffusion loses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from burnish.core.stats import Interval, auroc, bootstrap_over_parts, mean_of, paired_bootstrap
from burnish.errors import BurnishError
from burnish.inspect.evaluate import Evaluation
from burnish.media.part import GOOD

Arms = Mapping[str, Sequence[Evaluation | Mapping[str, Any]]]
"""Arm -> its evaluations (or their JSON), one a seed, the seeds in the same order for every arm."""

Runs = Sequence[Mapping[str, Any]]

METRICS = ("pixel_ap", "aupro", "image_auroc", "miss_rate", "miss_rate_at_1pct_false_rejects")
_LOWER_IS_BETTER = ("miss_rate", "miss_rate_at_1pct_false_rejects")
METRIC_NAMES = {
    "pixel_ap": "pixel AP",
    "aupro": "AUPRO",
    "image_auroc": "AUROC",
    "miss_rate": "misses",
    "miss_rate_at_1pct_false_rejects": "misses at 1 %",
}


@dataclass(frozen=True)
class Difference:
    """`arm` minus `against` in one metric.

    `better` is "yes", "no" or "unclear" by the interval, and "-" where one run gives none.
    """

    arm: str
    against: str
    metric: str
    interval: Interval | None
    seeds: int
    over: str
    better: str


@dataclass(frozen=True)
class Ablation:
    """Means of each arm over seeds and sets, and the paired differences. `text` prints, `to_json` records."""

    rows: dict[str, dict[str, float | None]]
    seeds: int
    sets: tuple[str, ...]
    differences: tuple[Difference, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def text(self) -> str:
        """A table for a terminal."""
        width = max(len(arm) for arm in self.rows) + 2
        lines = ["arm".ljust(width) + "".join(METRIC_NAMES[m].rjust(16) for m in METRICS)]
        for arm, row in self.rows.items():
            cells = ("-" if row[m] is None else f"{row[m]:.3f}" for m in METRICS)
            lines.append(arm.ljust(width) + "".join(cell.rjust(16) for cell in cells))
        lines.append(
            f"mean of {self.seeds} seed(s)" + (f", {len(self.sets)} sets" if len(self.sets) > 1 else "")
        )
        return "\n".join([*lines, "", *(difference_in_words(d) for d in self.differences)])


def difference_in_words(d: Difference) -> str:
    """ "diffusion against cut-paste, pixel AP: +0.051 (+0.012 to +0.090), better"."""
    head = f"{d.arm} against {d.against}, {METRIC_NAMES[d.metric]}: "
    if d.interval is None:
        return head + "not measured"
    i = d.interval
    verdict = {"yes": "better", "no": "worse", "unclear": "no clear difference", "-": "one run only"}[
        d.better
    ]
    bounds = "" if d.better == "-" else f" ({i.low:+.3f} to {i.high:+.3f}, 95 % over {d.over})"
    return f"{head}{i.value:+.3f}{bounds}, {verdict}"


def ablation_table(
    results: Arms | Mapping[str, Arms],
    *,
    baseline: str = "real only",
    diffusion: Sequence[str] | None = None,
    rng: np.random.Generator,
) -> Ablation:
    """Compares the arms of one set, or of several ({set: arms}; then each seed's value is the mean over
    sets).

    Every arm meets the baseline; then the best arm with diffusion meets the best without, each the best by
    pixel AP (by AUROC where no set has masks). Choosing the best after looking flatters the side with more
    arms.

    Args:
        results: One set's arms, or each set's.
        baseline: The arm to compare with; the first when absent.
        diffusion: Arms that use diffusion; those with "diffusion" in their name when None.
        rng: Of the bootstrap.

    Raises:
        BurnishError: No arms, or arms with unequal numbers of seeds.
    """
    sets: Mapping[str, Arms] = results if _nested(results) else {"": results}  # type: ignore[assignment]
    arms = list(next(iter(sets.values()), {}))
    seeds = {len(runs) for one in sets.values() for runs in one.values()}
    if not arms or seeds == {0} or len(seeds) != 1 or any(list(one) != arms for one in sets.values()):
        raise BurnishError("ablation", "the arms need the same seeds in every set", "Run each arm on each")
    runs = {name: {arm: [_plain(run) for run in one[arm]] for arm in arms} for name, one in sets.items()}
    values = {arm: {m: _per_seed([runs[name][arm] for name in runs], m) for m in METRICS} for arm in arms}
    rows = {arm: {m: mean_of(values[arm][m]) for m in METRICS} for arm in arms}
    start = baseline if baseline in arms else arms[0]
    pairs = [(arm, start) for arm in arms if arm != start]
    with_it = [
        arm for arm in arms if (arm in diffusion if diffusion is not None else "diffusion" in arm.lower())
    ]
    without = [arm for arm in arms if arm not in with_it]
    if with_it and without:
        by = "pixel_ap" if rows[arms[0]]["pixel_ap"] is not None else "image_auroc"
        best = [max(some, key=lambda arm: rows[arm][by] or 0.0) for some in (with_it, without)]
        if (best[0], best[1]) not in pairs:
            pairs.append((best[0], best[1]))
    differences = [
        _difference(arm, against, m, values, [(r[arm], r[against]) for r in runs.values()], rng)
        for arm, against in pairs
        for m in METRICS
        if rows[arm][m] is not None
    ]
    return Ablation(rows, seeds.pop(), tuple(name for name in sets if name), tuple(differences))


def _difference(
    arm: str,
    against: str,
    metric: str,
    values: Mapping[str, Mapping[str, list[float | None]]],
    paired: Sequence[tuple[Runs, Runs]],
    rng: np.random.Generator,
) -> Difference:
    """`paired` holds each set's runs of both arms, one a seed."""
    a = [v for v in values[arm][metric] if v is not None]
    b = [v for v in values[against][metric] if v is not None]
    seeds, over = len(values[arm][metric]), "seeds"
    if len(a) != seeds or len(b) != seeds:
        return Difference(arm, against, metric, None, seeds, "", "-")
    one_set = paired[0] if len(paired) == 1 else None
    if one_set and metric == "miss_rate":  # the same defects meet every seed: resample both
        missed, missed_against = _missed(*one_set)
        interval = paired_bootstrap(missed, missed_against, rng, resamples=1999)
        over = "seeds and parts" if seeds > 1 else "parts"
    elif seeds > 1:
        interval = paired_bootstrap(a, b, rng)
    elif one_set and metric == "image_auroc":
        interval, over = _auroc_over_parts(one_set[0][0], one_set[1][0], rng), "parts"
    else:
        value = a[0] - b[0]
        return Difference(arm, against, metric, Interval(value, value, value), 1, "", "-")
    sign = -1 if metric in _LOWER_IS_BETTER else 1
    low, high = sorted((sign * interval.low, sign * interval.high))
    better = "yes" if low > 0 else "no" if high < 0 else "unclear"
    return Difference(arm, against, metric, interval, seeds, over, better)


def _auroc_over_parts(a: Mapping[str, Any], b: Mapping[str, Any], rng: np.random.Generator) -> Interval:
    _same_parts([a, b])
    good = np.array([p["label"] == GOOD for p in a["parts"]])
    one, two = (np.array([p["score"] for p in run["parts"]]) for run in (a, b))

    def gain(i: np.ndarray) -> float:
        here, there = i[good[i]], i[~good[i]]
        return (auroc(one[here], one[there]) or 0.0) - (auroc(two[here], two[there]) or 0.0)

    return bootstrap_over_parts(gain, ["good" if g else "bad" for g in good], rng)


def _missed(a: Runs, b: Runs) -> tuple[np.ndarray, np.ndarray]:
    """1 where a defect was missed, (seeds, defects), for both arms."""
    _same_parts([*a, *b])

    def table(runs: Runs) -> np.ndarray:
        rows = [[not p["rejected"] for p in run["parts"] if p["label"] != GOOD] for run in runs]
        return np.array(rows, dtype=np.float64)

    return table(a), table(b)


def _same_parts(runs: Runs) -> None:
    if len({tuple(p["name"] for p in run["parts"]) for run in runs}) != 1:
        raise BurnishError(
            "ablation", "the arms were judged on different parts", "Use the same test set for all"
        )


def _per_seed(sets: Sequence[Sequence[Mapping[str, Any]]], metric: str) -> list[float | None]:
    """The mean over sets for each seed."""
    return [mean_of([_value(runs[i], metric) for runs in sets]) for i in range(len(sets[0]))]


def _value(run: Mapping[str, Any], metric: str) -> float | None:
    value = run[metric]
    return value["value"] if isinstance(value, Mapping) else value


def _plain(run: Evaluation | Mapping[str, Any]) -> Mapping[str, Any]:
    return run.to_json() if isinstance(run, Evaluation) else run


def _nested(results: Mapping[str, Any]) -> bool:
    return all(isinstance(one, Mapping) for one in results.values()) and bool(results)
