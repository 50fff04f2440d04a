"""Drift: streams in order keep the declared run length, planted shifts alarm in time, one job opens."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count

import numpy as np
import pytest
from typer.testing import CliRunner

from burnish.cli.app import app
from burnish.errors import BurnishError, DatasetError
from burnish.media.image import write_png
from burnish.prove.drift import INPUTS, REJECTS, SCORES, Plan, expected_delays, read_log, watch
from burnish.prove.drift_job import check_drift
from burnish.prove.jobs import close_jobs, open_jobs
from burnish.samples import Camera, Drift
from burnish.store.workspace import open_workspace

KINDS = 4
DIMENSIONS = 6


def stream(rng, parts, start=None, shift=0.0, rejects=(0.1, 0.1)):
    """Skewed scores, rejects and clustered features; from part `start` on all three are shifted."""
    late = np.arange(parts) >= (parts if start is None else start)
    scores = rng.lognormal(size=parts) * np.where(late, np.exp(shift), 1.0)
    rejected = rng.random(parts) < np.where(late, rejects[1], rejects[0])
    centres = 2 * rng.normal(size=(KINDS, DIMENSIONS))
    features = centres[rng.integers(KINDS, size=parts)] + rng.normal(size=(parts, DIMENSIONS))
    return scores, rejected, features + shift * late[:, None]


def first(readings, chart=None):
    return next((r.parts for r in readings if r.alarm and chart in (None, r.chart)), None)


def test_a_thousand_streams_in_order_keep_the_declared_run_length(record_property):
    """All three charts on, 60 parts declared. The mean of 1,000 has a standard error of 3 %; the band is 12 %
    below, and 25 % above, because charts that alarm together alarm less often than declared."""
    plan = Plan(run_length=60, baseline=40, reject_rate=0.1, permutations=39)
    lengths = []
    for k in range(1000):
        rng = np.random.default_rng((k, 1))
        scores, rejected, features = stream(rng, 700)
        one = Plan(**{**plan.to_json(), "seed": k})
        lengths.append((first(watch(one, scores, rejected, features)) or 700) - plan.baseline)
    assert 0.88 * 60 <= np.mean(lengths) <= 1.25 * 60
    record_property(
        "measured", f"1,000 streams in order: an alarm every {np.mean(lengths):.1f} parts, 60 declared"
    )


@pytest.mark.parametrize("chart", [SCORES, REJECTS])
def test_each_chart_alone_keeps_it_too(chart):
    """1,000 streams, 400 parts declared: standard error 3 %; the reject chart is on a lattice: a bit late."""
    lengths = []
    for k in range(1000):
        rng = np.random.default_rng((k, 2))
        plan = Plan(run_length=400, baseline=30, reject_rate=0.05, seed=k)
        given = (
            {"scores": rng.standard_cauchy(4000)}
            if chart == SCORES
            else {"rejected": rng.random(4000) < 0.05}
        )
        lengths.append((first(watch(plan, **given)) or 4000) - 30)
    assert 0.9 * 400 <= np.mean(lengths) <= 1.15 * 400


def test_a_planted_shift_alarms_within_the_declared_delay(record_property):
    """Scores and features move by 1.5 standard deviations, rejects double, one at a time.

    The mean delay is at most the declared one plus a quarter (what the past has taken in), and 95 % of them
    are within three times it.
    """
    plan = Plan(run_length=3000, baseline=200, reject_rate=0.1)
    told = []
    for chart in (SCORES, REJECTS, INPUTS):
        delays = []
        for k in range(100 if chart != INPUTS else 25):
            rng = np.random.default_rng((k, 3))
            scores, rejected, features = stream(rng, 1400, 300, 1.5, (0.1, 0.2))
            given = {"scores": scores, "rejected": rejected}
            given = {chart: given[chart]} if chart == SCORES else {"rejected": rejected}
            if chart == INPUTS:
                given = {"features": features[:400]}
            alarms = (r.parts - 300 for r in watch(Plan(**{**plan.to_json(), "seed": k}), **given) if r.alarm)
            delays.append(next((d for d in alarms if d > 0), 1100))
        declared = expected_delays(plan, rejected, [chart])[chart]
        assert np.mean(delays) <= 1.25 * declared and np.mean(np.array(delays) <= 3 * declared) >= 0.95
        told.append(f"{chart} {np.mean(delays):.0f} of {declared:.0f}")
    record_property("measured", "mean delay of a planted shift, of declared parts: " + ", ".join(told))


def write_log(path, scores, rejected, model="m1", begin=datetime(2026, 11, 1, tzinfo=UTC), mode="w"):
    with path.open(mode) as file:
        for k, (score, reject) in enumerate(zip(scores, rejected, strict=True)):
            told = {
                "part_id": f"p{k}", "time": (begin + timedelta(seconds=k)).isoformat(), "score": float(score),
                "verdict": "reject" if reject else "pass", "model_hash": model,
            }  # fmt: skip
            file.write(json.dumps(told) + "\n")
    return path


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("BURNISH_WORKSPACE", str(tmp_path / "workspace"))
    return open_workspace()


def test_an_alarm_opens_exactly_one_job_and_names_its_owner(workspace, tmp_path, record_property):
    rng = np.random.default_rng(5)
    scores, rejected, _ = stream(rng, 900, 400, 1.5, (0.05, 0.2))
    log = write_log(tmp_path / "line.jsonl", scores, rejected)
    with pytest.raises(BurnishError, match="has no owner"):
        check_drift(workspace, log, Plan())
    words = ["prove", "drift", str(log), "--owner", "Ada", "--json", str(tmp_path / "d.json")]
    runs = [CliRunner().invoke(app, words) for _ in range(3)]
    assert [run.exit_code for run in runs] == [1, 1, 1], runs[0].output
    assert "job 1 opened, owner Ada" in runs[0].output and "job 1 open already, owner Ada" in runs[2].output
    told = json.loads((tmp_path / "d.json").read_text())
    assert len(told["alarms"]) > 1 and 400 < told["alarms"][0]["parts"] < 500
    with workspace.session() as session:
        (job,) = open_jobs(session)
        assert job.owner == "Ada" and "drift" in job.why
    record_property("measured", f"{len(told['alarms'])} alarms in three runs opened 1 job, owner Ada")


def test_after_the_job_is_closed_only_what_follows_counts(workspace, tmp_path):
    rng = np.random.default_rng(6)
    scores, rejected, _ = stream(rng, 900, 400, 1.5)
    log = write_log(tmp_path / "line.jsonl", scores, rejected)
    assert check_drift(workspace, log, Plan(), "Ada").job == (1, "Ada", True)
    with workspace.session() as session:
        close_jobs(session, "m1", "looked into it")
    with pytest.raises(BurnishError):
        check_drift(workspace, log, Plan(), "Ada")
    later = datetime.now(UTC) + timedelta(days=1)
    scores, rejected, _ = stream(rng, 300)
    write_log(log, scores, rejected, begin=later, mode="a")
    quiet = check_drift(workspace, log, Plan(), "Ada")
    assert quiet.job is None and quiet.judged == 300 and quiet.left_out == 900
    assert "no alarm" in quiet.in_words()
    write_log(log, *stream(rng, 200)[:2], model="m2", begin=later, mode="a")
    other = check_drift(workspace, log, Plan(), "Ada")
    assert (other.model, other.judged, other.left_out) == ("m2", 200, 1200)


def test_a_log_with_holds_and_torn_lines_is_read(tmp_path):
    log = write_log(tmp_path / "a.jsonl", [1.0, 2.0], [False, True])
    held = {
        "part_id": "x",
        "time": "2026-11-01T00:00:00+00:00",
        "score": None,
        "verdict": "hold",
        "model_hash": "m",
    }
    log.write_text(log.read_text() + json.dumps(held) + '\n{"part_id": "torn', encoding="utf-8")
    found, broken = read_log(log)
    assert [v.verdict for v in found] == ["pass", "reject", "hold"] and broken == 1
    log.write_text("nonsense\n")
    with pytest.raises(DatasetError, match="no verdicts"):
        read_log(log)
    with pytest.raises(DatasetError):
        read_log(tmp_path / "absent")


@pytest.mark.parametrize("wrong", [{"run_length": 3}, {"baseline": 2}, {"matters": 1}, {"window": 1}])
def test_a_plan_out_of_range_is_told(wrong):
    with pytest.raises(BurnishError):
        Plan(**wrong)


def test_too_short_a_stream_is_told():
    with pytest.raises(BurnishError, match="baseline takes 100"):
        watch(Plan(), scores=np.arange(50.0))


def test_pictures_of_a_dimmed_station_alarm(workspace, tmp_path):
    """The sample line, 48 px: in order, then two stops darker; its scores and rejects do not move."""
    camera = Camera("ring", 3, 0.0, lambda n: Drift(exposure=-2.0 if n >= 60 else 0.0), frames=110, size=48)
    for k, (_, image) in zip(count(), camera, strict=False):
        write_png(tmp_path / "pictures" / f"{k:04d}.png", image)
    rng = np.random.default_rng(7)
    log = write_log(tmp_path / "line.jsonl", rng.normal(size=110), np.zeros(110, bool))
    plan = Plan(run_length=1000, baseline=40)
    found = check_drift(workspace, log, plan, "Ada", tmp_path / "pictures")
    assert found.job is not None and {r.chart for r in found.last} == {SCORES, REJECTS, INPUTS}
    alarm, _ = found.alarms[0]
    assert alarm.chart == INPUTS and 60 < alarm.parts <= 60 + found.delays[INPUTS]
