"""Promotion: declared before, paired, better or not at all; one-step rollback; a moved threshold."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from tests.line.conftest import SIDE, block_mean_model
from typer.testing import CliRunner

from burnish.cli.app import app
from burnish.errors import BundleError, BurnishError, DatasetError
from burnish.line.runtime import Runtime
from burnish.media.image import write_png
from burnish.prove.jobs import RETRAIN, open_job, open_jobs
from burnish.prove.promote import FALSE_REJECTS, MISSES, Pairs, Plan, decide, declare
from burnish.prove.service import champion_of, install, link_of, roll_back
from burnish.store.bundle import write_bundle
from burnish.store.tables import Promotion
from burnish.store.workspace import open_workspace

PLAN = Plan("parts", "hash")


def test_only_better_and_not_worse_elsewhere_is_promoted(record_property):
    cases = {
        "worse": (Pairs(2, 9, 80), Pairs(3, 3, 300)),
        "tied": (Pairs(4, 4, 80), Pairs(3, 3, 300)),
        "equal": (Pairs(0, 0, 80), Pairs(0, 0, 300)),
        "better, but more false rejects": (Pairs(12, 1, 80), Pairs(1, 12, 300)),
        "better": (Pairs(12, 1, 80), Pairs(2, 3, 300)),
    }
    found = {name: decide(PLAN, *pairs) for name, pairs in cases.items()}
    assert [name for name, d in found.items() if d.promoted] == ["better"]
    assert "not shown to be better" in found["tied"].in_words()
    assert "not shown that false rejects" in found["better, but more false rejects"].in_words()
    assert "PROMOTED" in found["better"].in_words() and "-13.75%" in found["better"].in_words()
    swapped = decide(Plan("p", "h", FALSE_REJECTS), Pairs(2, 3, 300), Pairs(12, 1, 80))
    assert swapped.promoted
    with pytest.raises(BurnishError, match="lacks"):
        decide(PLAN, Pairs(1, 0, 10), Pairs(0, 0, 0))
    for wrong in ({"better": "speed"}, {"margin": 0}, {"confidence": 1}):
        with pytest.raises(BurnishError):
            Plan("p", "h", **wrong)
    record_property(
        "measured", "worse, tied, equal and better-but-more-false-rejects refused; better promoted"
    )


def test_a_challenger_that_is_no_better_is_promoted_in_at_most_five_percent():
    """Exact: equal challengers, 100 bad parts of which 20 differ on average; and 2,000 simulated looks."""
    exact = sum(
        stats.binom.pmf(n, 100, 0.2) * stats.binom.pmf(b, n, 0.5)
        for n in range(60)
        for b in range(n + 1)
        if n and stats.binom.sf(b - 1, n, 0.5) <= 0.05
    )
    assert exact <= 0.05
    rng, promoted = np.random.default_rng(0), 0
    for _ in range(2000):
        better, worse, _ = rng.multinomial(100, [0.1, 0.1, 0.8])
        promoted += decide(PLAN, Pairs(better, worse, 100), Pairs(0, 0, 500)).promoted
    assert promoted / 2000 <= exact + 0.015


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("BURNISH_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("BURNISH_OWNER", "Ada")
    return open_workspace()


def bundle(path: Path, threshold: float, good_scores=(0.1, 0.2, 0.3, 0.4)) -> Path:
    """A line bundle that rejects what has a bright block; its card makes its hash its own."""
    meta = {
        "kind": "line", "side": SIDE, "multiple": 32, "threshold": threshold, "wanted": 0.05,
        "good_scores": list(good_scores), "model_hash": path.name,
    }  # fmt: skip
    model = block_mean_model()
    write_bundle(path, meta, lambda d: (d / "inspector.onnx").write_bytes(model) and None, path.name)
    return path


def picture(path: Path, score: float) -> Path:
    image = np.full((SIDE, SIDE, 3), 51, np.uint8)
    image[40:44, 16:20] = round(255 * score)
    write_png(path, image)
    return path


@pytest.fixture
def parts(tmp_path):
    """80 good parts that score up to 0.45, 40 bad ones from 0.5 to 0.9."""
    for k in range(80):
        picture(tmp_path / f"parts/test/good/{k:02d}.png", 0.25 + 0.2 * k / 80)
    for k in range(40):
        picture(tmp_path / f"parts/test/defect/dent/{k:02d}.png", 0.5 + 0.4 * k / 40)
    return tmp_path / "parts"


def run(*words):
    return CliRunner().invoke(app, ["prove", *map(str, words)])


def test_from_the_first_model_to_a_rollback(workspace, parts, tmp_path, record_property):
    champion, worse, better = (
        bundle(tmp_path / name, t) for name, t in (("champion", 0.7), ("worse", 0.8), ("better", 0.48))
    )
    assert "first of its task" in run("promote", "ring line", champion).output
    link = link_of(workspace, "ring line")
    assert Runtime(link).model_hash == "champion"
    undeclared = run("promote", "ring line", better)
    assert isinstance(undeclared.exception, BurnishError) and "no declared test" in str(undeclared.exception)
    job, _ = open_job(workspace, RETRAIN, "champion", "drift")
    for challenger, promoted in ((worse, False), (better, True)):
        assert "declaration" in run("declare", "ring line", challenger, parts, "--margin", "0.05").output
        twice = run("declare", "ring line", challenger, parts)
        assert "declared already" in str(twice.exception)
        done = run("promote", "ring line", challenger)
        assert done.exit_code == int(not promoted) and not isinstance(done.exception, BurnishError)
        again = run("promote", "ring line", challenger)
        assert isinstance(again.exception, BurnishError)  # one look
        assert Runtime(link).model_hash == (challenger if promoted else champion).name
    with workspace.session() as session:
        assert job.id not in {j.id for j in open_jobs(session)}
        rows = session.query(Promotion).order_by(Promotion.id).all()
        assert [r.decision for r in rows] == ["first", "declared", "refused", "declared", "promoted"]
        assert rows[-1].result["misses"] == {"better": 21, "worse": 0, "of": 40} and rows[-1].by == "Ada"
    done = run("rollback", "ring line", "--reason", "too many false alarms")
    assert done.exit_code == 0 and Runtime(link).model_hash == "champion"
    nothing = run("rollback", "ring line", "--reason", "again")
    assert "nothing to go back to" in str(nothing.exception) and Runtime(link).model_hash == "champion"
    record_property("measured", "a worse challenger refused, a better one promoted, one command back")


def test_rollbacks_go_back_one_by_one_and_never_to_a_damaged_bundle(workspace, tmp_path):
    paths = [bundle(tmp_path / name, 0.5) for name in "abc"]
    install(workspace, "t", paths[0])
    with pytest.raises(BurnishError, match="in service"):
        install(workspace, "t", paths[1])
    for path in paths[1:]:
        install(workspace, "t", path, "recalibrated")
    roll_back(workspace, "t", "x")
    assert Runtime(link_of(workspace, "t")).model_hash == "b"
    (paths[0] / "inspector.onnx").write_bytes(b"broken")
    with pytest.raises(BundleError):
        roll_back(workspace, "t", "x")
    assert Runtime(link_of(workspace, "t")).model_hash == "b"
    with workspace.session() as session:
        assert champion_of(session, "t").path == str(paths[1])
    with pytest.raises(BurnishError, match="reason"):
        roll_back(workspace, "t", " ")
    assert link_of(workspace, "t") != link_of(workspace, "T!") != link_of(workspace, "T?")


def test_a_declaration_binds(workspace, parts, tmp_path):
    champion, other, third = (bundle(tmp_path / n, t) for n, t in (("a", 0.7), ("b", 0.48), ("c", 0.49)))
    with pytest.raises(BurnishError, match="nothing in service"):
        declare(workspace, "t", other, PLAN)
    install(workspace, "t", champion)
    with pytest.raises(BurnishError, match="in service already"):
        declare(workspace, "t", champion, PLAN)
    assert run("declare", "t", other, parts).exit_code == 0
    picture(parts / "test/good/99.png", 0.3)
    changed = run("promote", "t", other)
    assert isinstance(changed.exception, DatasetError) and "changed since" in str(changed.exception)
    install(workspace, "t", third, "recalibrated")
    stale = run("promote", "t", other)
    assert "in service no more" in str(stale.exception)


def test_a_challenger_that_judges_nothing_is_told(workspace, parts, tmp_path):
    install(workspace, "t", bundle(tmp_path / "a", 0.7))
    painter = tmp_path / "painter"
    write_bundle(painter, {"kind": "diffusion"}, lambda d: None, "x")
    assert run("declare", "t", painter, parts, "--better", MISSES).exit_code == 0
    assert isinstance(run("promote", "t", painter).exception, BundleError)


def test_plans_and_results_are_plain_json(workspace, parts, tmp_path):
    install(workspace, "t", bundle(tmp_path / "a", 0.7))
    run("declare", "t", bundle(tmp_path / "b", 0.48), parts)
    run("promote", "t", tmp_path / "b")
    with workspace.session() as session:
        row = session.query(Promotion).order_by(Promotion.id.desc()).first()
        assert json.loads(json.dumps(row.plan))["better"] == MISSES and row.result["declaration"] == 2
