"""A moved threshold: closed form, false rejects simulated, refused when scores spread, bundles whole."""

import json

import numpy as np
import pytest
from scipy import stats
from tests.prove.test_promote import bundle, picture
from typer.testing import CliRunner

from burnish.cli.app import app
from burnish.core.conformal import threshold
from burnish.errors import BurnishError
from burnish.inspect.calibrate import calibrate
from burnish.line.runtime import Runtime
from burnish.prove.jobs import RETRAIN, open_job, open_jobs
from burnish.prove.recalibrate import move_threshold, recalibrate
from burnish.prove.service import install, link_of
from burnish.store.bundle import read_bundle
from burnish.store.workspace import open_workspace


def test_the_threshold_moves_by_the_closed_form():
    """Of normal scores the mean of the middle half of 8 has 0.147 of their variance (100,000 samples)."""
    old = stats.norm.ppf((np.arange(2000) + 0.5) / 2000)
    fresh = 3 + stats.norm.ppf((np.arange(8) + 0.5) / 8)
    found = move_threshold(old, 2.0, fresh)
    assert found.shift == pytest.approx(3, abs=1e-9)
    assert found.new == pytest.approx(3 + 2 * np.sqrt(1.145), rel=5e-3)
    assert (found.rejected_before, found.rejected_after) == (7, 0) and "8 verified-good" in found.in_words()


def test_one_odd_picture_drags_nothing_along():
    old = np.random.default_rng(0).normal(size=200)
    fresh = np.array([-1.0, -0.6, -0.3, -0.1, 0.1, 0.3, 0.6, 1.0])
    plain, odd = (move_threshold(old, 2.0, 5 + f) for f in (fresh, np.append(fresh[:-1], 40.0)))
    assert odd.new == pytest.approx(plain.new) and odd.rejected_after == 1


@pytest.mark.parametrize(
    "law", [stats.norm(), stats.gumbel_r(), stats.lognorm(0.5)], ids=["normal", "gumbel", "lognormal"]
)
def test_eight_pictures_bring_the_false_rejects_back(law):
    """2 % wanted, shift of three standard deviations, 600 repeats: from far too many to 1 to 4 %."""
    rng, before, after = np.random.default_rng(0), [], []
    shift = 3 * law.std()
    for _ in range(600):
        old = law.rvs(100, random_state=rng)
        cut = threshold(old, 0.02).value
        try:
            found = move_threshold(old, cut, law.rvs(8, random_state=rng) + shift)
        except BurnishError:
            continue
        before.append(law.sf(cut - shift))
        after.append(law.sf(found.new - shift))
    assert np.mean(before) > 0.4 and 0.01 <= np.mean(after) <= 0.04
    assert len(after) >= 600 * 0.9  # a mere move is refused in about 5 %


def test_a_stretch_is_refused_and_so_are_too_few():
    rng = np.random.default_rng(1)
    old = rng.normal(size=200)
    refused = 0
    for _ in range(100):
        try:
            move_threshold(old, 2.0, 5 + 3 * rng.normal(size=8))
        except BurnishError:
            refused += 1
    assert refused > 90
    with pytest.raises(BurnishError, match="too few"):
        move_threshold(old, 2.0, old[:7])
    with pytest.raises(BurnishError, match="not numbers"):
        move_threshold(old, 2.0, [np.nan] * 8)


def test_a_bundle_with_a_moved_threshold(tmp_path, monkeypatch):
    monkeypatch.setenv("BURNISH_WORKSPACE", str(tmp_path / "workspace"))
    workspace = open_workspace()
    scores = np.linspace(0.2, 0.4, 40)
    old = bundle(tmp_path / "old", 0.45, scores)
    dimmed = [picture(tmp_path / f"{k}.png", 0.5 + 0.02 * k) for k in range(8)]
    install(workspace, "ring", old)
    open_job(workspace, RETRAIN, "old", "drift", "Ada")
    words = ["prove", "recalibrate", str(old), *map(str, dimmed), "--out", str(tmp_path / "new")]
    done = CliRunner().invoke(app, [*words, "--task", "ring", "--by", "Eve"])
    assert done.exit_code == 0 and "1 job(s) closed" in done.output, done.output
    made, before = read_bundle(tmp_path / "new"), read_bundle(old)
    assert made.meta["threshold"] == pytest.approx(0.57 + 0.15 * np.sqrt(1.15), abs=0.008)
    assert made.meta["good_scores"] == pytest.approx((scores + 0.27).tolist(), abs=0.005)
    assert made.meta["recalibrated"][0]["by"] == "Eve" and before.meta["threshold"] == 0.45
    assert made.meta["files"]["inspector.onnx"] == before.meta["files"]["inspector.onnx"]
    assert made.hash != before.hash and "moved on" in (made.path / "card.md").read_text()
    assert Runtime(link_of(workspace, "ring")).threshold == made.meta["threshold"]
    with workspace.session() as session:
        assert not open_jobs(session)
    again, _ = recalibrate(made.path, dimmed, tmp_path / "newer")
    assert len(again.meta["recalibrated"]) == 2
    assert again.meta["threshold"] > made.meta["threshold"] - 0.02
    with pytest.raises(BurnishError, match="the bundle itself"):
        recalibrate(old, dimmed, old)


def test_the_calibration_beside_it_promises_no_more_than_it_can(tmp_path):
    scores = np.linspace(0.2, 0.4, 40)
    old = bundle(tmp_path / "old", 0.45, scores)
    meta = json.loads((old / "bundle.json").read_text())
    meta["calibration"] = calibrate(scores, 0.05).to_json()
    (old / "bundle.json").write_text(json.dumps(meta))
    made, found = recalibrate(
        old, [picture(tmp_path / f"{k}.png", 0.5 + 0.02 * k) for k in range(8)], tmp_path / "n"
    )
    calibration = made.meta["calibration"]
    assert calibration["value"] == found.new == made.meta["threshold"]
    assert calibration["promised"] == pytest.approx(1 / 9) and calibration["n"] == 8
