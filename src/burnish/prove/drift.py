"""Drift: has the line moved away from what the model was calibrated on?

Three charts, each on what the line gives anyway: *scores* (EWMA of ranks, either way), *rejects* (Bernoulli
CUSUM, upwards) and, where there are pictures, *inputs* (CUSUM of the MMD of windows of frozen features). A
declared run
length counts parts between false alarms of all charts together: each of K charts gets K times as many.
Scores and inputs are ranked among what came before (`burnish.prove.sequential`), so their run lengths hold
whatever the distribution. The reject rate in order is either declared, or the upper 90 % bound of the
baseline's.

Held parts have no score and are not judged, so no chart counts them; they are reported.
"""

import heapq
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from burnish.core.stats import clopper_pearson
from burnish.errors import BurnishError, DatasetError
from burnish.prove.charts import BernoulliCusum, bernoulli_cusum, ewma, normal_cusum
from burnish.prove.sequential import normal_scores, sequential_p_values, window_p_values

SCORES, REJECTS, INPUTS = "scores", "rejects", "inputs"


@dataclass(frozen=True)
class Plan:
    """What is declared before the line is watched.

    Attributes:
        run_length: Parts between false alarms, all charts together.
        baseline: First parts, known to be in order; they are no alarm's cause.
        reject_rate: In order, in (0, 1); None takes the upper 90 % bound of the baseline's.
        matters: Factor by which the reject rate must rise to matter, above 1.
        window: Parts whose pictures are compared together.
        permutations: Relabellings a window.
        seed: Breaks ties and draws relabellings.

    Raises:
        BurnishError: A number out of range.
    """

    run_length: float = 5000.0
    baseline: int = 100
    reject_rate: float | None = None
    matters: float = 2.0
    window: int = 10
    permutations: int = 199
    seed: int = 0

    def __post_init__(self) -> None:
        if self.run_length < 20 or self.baseline < 20 or self.matters <= 1 or self.window < 2:
            raise BurnishError(
                "drift plan",
                "needs a run length and a baseline of at least 20 parts, a factor above 1 and a window of 2",
                "Give larger ones",
            )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Verdict:
    """A line of the line's log (`burnish.line.sink.verdict_object`)."""

    part: str
    time: datetime
    verdict: str
    score: float | None
    model: str


@dataclass(frozen=True)
class Reading:
    """One chart after so many parts.

    Attributes:
        parts: Judged parts so far, the baseline's among them.
        chart: `scores`, `rejects` or `inputs`.
        level, limit: Of the chart.
        alarm: Whether it alarms now; it then starts again.
    """

    parts: int
    chart: str
    level: float
    limit: float
    alarm: bool


def read_log(path: str | Path) -> tuple[list[Verdict], int]:
    """The verdicts of a line's JSON-lines file in their order, and how many lines could not be read.

    Raises:
        DatasetError: The file cannot be read, or not one of its lines is a verdict.
    """
    found, broken = [], 0
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise DatasetError(
            path, f"cannot be read ({error.strerror})", "Name what `burnish inspect run --json-lines` wrote"
        ) from error
    for line in filter(str.strip, text.splitlines()):
        try:
            given = json.loads(line)
            score = given["score"]
            verdict = Verdict(
                str(given["part_id"]),
                datetime.fromisoformat(given["time"]),
                str(given["verdict"]),
                None if score is None else float(score),
                str(given["model_hash"]),
            )
            if verdict.verdict not in ("pass", "reject", "hold") or not math.isfinite(verdict.score or 0):
                raise ValueError(verdict.verdict)
            found.append(verdict)
        except (ValueError, KeyError, TypeError):
            broken += 1
    if not found:
        raise DatasetError(path, "holds no verdicts", "Name what `burnish inspect run --json-lines` wrote")
    return found, broken


def rejects_chart(rejected: Sequence[bool], plan: Plan, share: int) -> BernoulliCusum:
    """The chart of the reject rate, from the declared rate or the baseline's upper bound.

    Args:
        rejected: Of each judged part.
        plan: The plan.
        share: Charts that share the run length.
    """
    start = list(rejected[: plan.baseline])
    p0 = plan.reject_rate or clopper_pearson(sum(start), len(start), 0.9, "upper")[1]
    p1 = min(plan.matters * p0, (1 + p0) / 2)
    return bernoulli_cusum(p0, p1, share * plan.run_length)


def watch(
    plan: Plan,
    scores: Sequence[float] = (),
    rejected: Sequence[bool] = (),
    features: np.ndarray | None = None,
) -> Iterator[Reading]:
    """Follows the charts part by part, lazily, in the order of the parts.

    Args:
        plan: As declared.
        scores: Of the judged parts, in their order; empty leaves the chart out.
        rejected: Of the same parts; empty leaves the chart out.
        features: Of the same parts' pictures, (n, D); None leaves the chart out.

    Raises:
        BurnishError: A stream is no longer than the baseline.
    """
    streams = {SCORES: len(scores), REJECTS: len(rejected), INPUTS: 0 if features is None else len(features)}
    given = [name for name, length in streams.items() if length]
    for name in given:
        if streams[name] <= plan.baseline:
            raise BurnishError(
                name,
                f"hold {streams[name]} judged parts, and the baseline takes {plan.baseline}",
                "Wait for more parts, or give a shorter --baseline",
            )
    rngs = dict(zip(streams, np.random.default_rng(plan.seed).spawn(3), strict=True))
    share, readings = len(given), []
    if SCORES in given:
        chart = ewma(share * plan.run_length)
        ranks = normal_scores(sequential_p_values(scores, rngs[SCORES]))
        walk = chart.walk(islice(ranks, plan.baseline, None))
        readings.append(_readings(SCORES, walk, chart.limit, plan.baseline, 1))
    if REJECTS in given:
        counted = rejects_chart(rejected, plan, share)
        walk = counted.walk(rejected[plan.baseline :])
        readings.append(_readings(REJECTS, walk, counted.limit, plan.baseline, 1))
    if INPUTS in given and features is not None:
        summed = normal_cusum(max(5.0, share * plan.run_length / plan.window))
        p = window_p_values(
            features[: plan.baseline],
            features[plan.baseline :],
            plan.window,
            rngs[INPUTS],
            permutations=plan.permutations,
        )
        walk = summed.walk(normal_scores(p))
        readings.append(_readings(INPUTS, walk, summed.limit, plan.baseline, plan.window))
    return heapq.merge(*readings, key=lambda reading: reading.parts)


def expected_delays(plan: Plan, rejected: Sequence[bool], charts: Sequence[str]) -> dict[str, float]:
    """Parts from a shift that matters to the alarm, on average.

    Scores move by one standard deviation, rejects by the plan's factor, inputs so far that each window is the
    most unusual of all.

    Args:
        plan: The plan.
        rejected: Of the judged parts; for the baseline's rate.
        charts: Which are in use.
    """
    share, found = len(charts), {}
    if SCORES in charts:
        found[SCORES] = ewma(share * plan.run_length).run_length(1.0)
    if REJECTS in charts:
        chart = rejects_chart(rejected, plan, share)
        found[REJECTS] = chart.run_length(chart.p1)
    if INPUTS in charts:
        summed = normal_cusum(max(5.0, share * plan.run_length / plan.window))
        step = float(stats.norm.isf(0.5 / (plan.permutations + 1))) - summed.k
        found[INPUTS] = plan.window * math.ceil(summed.limit / step)
    return found


def _readings(
    name: str, walk: Iterator[tuple[float, bool]], limit: float, baseline: int, step: int
) -> Iterator[Reading]:
    for count, (level, alarm) in enumerate(walk, 1):
        yield Reading(baseline + step * count, name, float(level), float(limit), alarm)
