"""The main job from end to end on a tiny rendered line: train, measure, synthesise, export, run, add."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from burnish.cli.app import app
from burnish.inspect import heldout, learn
from burnish.inspect.pairs import Shot
from burnish.inspect.recipe import Recipe
from burnish.inspect.shots import load_shots
from burnish.media.dataset import open_parts
from burnish.samples import write_line
from burnish.store.bundle import WEIGHTS, read_bundle, sha256_of

KEYS = {
    "image_auroc", "pixel_ap", "aupro", "threshold", "false_reject_rate", "miss_rate", "by_class",
    "latency_ms",
    "miss_rate_at_1pct_false_rejects", "train_seconds", "model_hash", "data_hash",
}  # fmt: skip


def burnish(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["inspect", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module", autouse=True)
def small() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learn, "SIDES", (128, 128))
        yield patch


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("line") / "parts"
    write_line(folder, goods=12, defects=7, test_goods=6, test_defects=7, seed=1, size=128)
    return folder


@pytest.fixture(scope="module")
def bundle(parts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundle") / "inspector"
    burnish("train", parts, "--out", out, "--steps", 4, "--seed", 3)
    return out


def test_same_seed_same_inspector(bundle: Path, parts: Path, tmp_path: Path) -> None:
    burnish("train", parts, "--out", tmp_path / "again", "--steps", 4, "--seed", 3)
    assert sha256_of(tmp_path / "again" / WEIGHTS) == sha256_of(bundle / WEIGHTS)
    first, second = read_bundle(bundle).meta, read_bundle(tmp_path / "again").meta
    assert first["threshold"] == second["threshold"] and first["good_scores"] == second["good_scores"]


def test_eval_answers_every_question(bundle: Path, parts: Path, tmp_path: Path) -> None:
    burnish("eval", bundle, parts, "--json", tmp_path / "e.json", "--report", tmp_path / "r.html")
    found = json.loads((tmp_path / "e.json").read_text())
    assert set(found) >= KEYS
    assert (
        set(found["miss_rate"]) >= {"value", "low", "high", "count", "of"} and found["miss_rate"]["of"] == 7
    )
    assert found["false_reject_rate"]["of"] == 6 and set(found["latency_ms"]) >= {"p50", "p95", "p99"}
    page = (tmp_path / "r.html").read_text()
    assert "bad parts" in page and 'src="http' not in page and 'href="http' not in page


def test_export_and_run_lose_no_frame(bundle: Path, parts: Path, tmp_path: Path) -> None:
    burnish("export", bundle, "--out", tmp_path / "line")
    (parts / "images" / "good" / "zz_broken.png").write_bytes(b"no picture")
    try:
        burnish("run", tmp_path / "line", parts / "images", "--json-lines", tmp_path / "v.jsonl")
    finally:
        (parts / "images" / "good" / "zz_broken.png").unlink()
    verdicts = [json.loads(line)["verdict"] for line in (tmp_path / "v.jsonl").read_text().splitlines()]
    assert len(verdicts) == 12 + 7 + 6 + 7 + 1 and verdicts.count("hold") == 1
    assert set(verdicts) <= {"pass", "reject", "hold"}


def test_synthesis_writes_a_data_set(bundle: Path, tmp_path: Path) -> None:
    burnish("synthesise", bundle, "--n", 8, "--out", tmp_path / "new")
    made = open_parts(tmp_path / "new")
    assert len(made.defects) == 8 and all(p.read()[1].any() for p in made.defects)  # type: ignore[union-attr]
    assert len((tmp_path / "new" / "provenance.jsonl").read_text().splitlines()) == 8


def test_a_missed_part_is_added(bundle: Path, parts: Path, tmp_path: Path) -> None:
    missed = open_parts(parts).only("test").defects[0]
    before = len(load_shots(bundle / "synthesis" / "parts"))
    (tmp_path / "b").mkdir()
    grown = tmp_path / "b" / "inspector"
    subprocess.run(["cp", "-r", str(bundle), str(grown)], check=True)
    burnish("add", grown, missed.image, "--label", missed.label, "--mask", missed.mask, "--minutes", 0.1)
    kept = load_shots(grown / "synthesis" / "parts")
    assert len(kept) == before + 1 and kept[-1].label == missed.label and read_bundle(grown, "inspector")
    assert sha256_of(grown / WEIGHTS) != sha256_of(bundle / WEIGHTS)


CHILD = """
import sys
from burnish.inspect import learn
learn.SIDES = (128, 128)
sys.argv = ["burnish", "inspect", "train", sys.argv[1], "--out", sys.argv[2], "--steps", "12"]
from burnish.cli import main
main()
"""


def test_a_killed_training_goes_on_to_the_same_inspector(parts: Path, tmp_path: Path) -> None:
    def start(out: Path) -> subprocess.Popen:
        return subprocess.Popen([sys.executable, "-c", CHILD, str(parts), str(out)], env=os.environ)

    broken = start(tmp_path / "a")
    work, until = tmp_path / ".a.work", time.monotonic() + 120
    while (
        not list(work.glob("segmenter_*.safetensors")) and time.monotonic() < until and broken.poll() is None
    ):
        time.sleep(0.05)
    broken.send_signal(signal.SIGKILL)
    broken.wait()
    assert start(tmp_path / "a").wait() == 0 and start(tmp_path / "b").wait() == 0
    assert sha256_of(tmp_path / "a" / WEIGHTS) == sha256_of(tmp_path / "b" / WEIGHTS)
    assert not work.exists()


def test_every_part_is_held_out_once_and_groups_stay_together() -> None:
    mask = np.zeros((8, 8), bool)
    shots = [
        Shot(np.zeros((8, 8, 3), np.uint8), mask, label, "")
        for label in ["good"] * 12 + ["a"] * 4 + ["b"] * 3
    ]
    shots = [replace(s, group=str(k // 3) if k < 12 else "") for k, s in enumerate(shots)]
    dealt = heldout.deal(shots, np.random.default_rng(0))
    fold = np.array([s.fold for s in dealt])
    assert set(fold) == {0, 1}
    assert all(len(set(fold[k : k + 3])) == 1 for k in range(0, 12, 3))
    assert sorted(np.bincount(fold[12:16])) == [2, 2] and sorted(np.bincount(fold[16:])) == [1, 2]
    kept, other = (heldout.taught(dealt, k) for k in (heldout.KEPT, 1 - heldout.KEPT))
    assert sum(s.label != "good" for s in kept) == 7 and not any(s.fold == 1 - heldout.KEPT for s in other)
    groups = [{s.group for s in some if s.label == "good"} for some in (kept, other)]
    assert groups[0].isdisjoint(groups[1])
    added = heldout.deal([*dealt, replace(shots[0], name="new")], np.random.default_rng(1))
    assert [s.fold for s in added[:-1]] == list(fold)
    assert heldout.taught(added, heldout.KEPT)[-1].name == "new"


def test_the_threshold_is_the_conformal_one_of_held_out_goods() -> None:
    rng = np.random.default_rng(0)
    peaks = np.concatenate([rng.normal(0, 1, (60, 2)), rng.normal(4, 1, (8, 2))])
    mask = np.zeros((8, 8), bool)
    shots = [Shot(np.zeros((8, 8, 3), np.uint8), mask, label, "") for label in ["good"] * 60 + ["bad"] * 8]
    held = heldout.Held(peaks, np.ones(68, bool), (3.0, 2.0), [])
    fusion, calibration, ranks = heldout.conclude(shots, held, True, 0.05)
    assert calibration.threshold.value == sorted(calibration.scores)[60 - 3]  # floor(0.05 x 61) = 3rd highest
    raw = peaks * (2.0, 1.0) + (3.0, 0.0)  # the final segmenter's own unit
    assert fusion.score(raw)[:60] == pytest.approx(calibration.scores)
    assert ranks["both"] > 0.95


def test_new_defects_come_from_the_given_parts_alone(parts: Path) -> None:
    shots, _ = learn.read_shots(open_parts(parts).only("train"), [], lambda *_: None)
    goods = [s for s in shots if s.label == "good"][:3]
    defects = [s for s in shots if s.label != "good"][:2]
    made = Recipe({"cutpaste": 0.8, "perlin": 0.2}, "").synthesiser(goods, defects)
    assert made is not None
    rng, names = np.random.default_rng(0), {s.name for s in (*goods, *defects)}
    for _ in range(20):
        told = made.draw(rng).provenance
        assert {told["good"], told["defect"] or told["good"]} <= names
