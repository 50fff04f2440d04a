"""The inspection bench's driver: plan, replay and table, without a peer in sight."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
import cells
import inspection
import inspection_table as table
from burnish.inspect.evaluate import evaluate
from burnish.media.dataset import open_parts
from cells import Cell, Replay


@pytest.fixture
def line(tmp_path: Path) -> Path:
    """Two good and two bad test parts of different sizes; the bad ones' top left quarter is defective."""
    rng = np.random.default_rng(0)
    rows = ["image,label,mask,split,group"]
    for i, (label, size) in enumerate(
        [("good", (40, 30)), ("good", (64, 64)), ("dent", (40, 30)), ("dent", (50, 80))]
    ):
        mask = np.zeros(size, dtype=np.uint8)
        mask[: size[0] // 2, : size[1] // 2] = 255
        Image.fromarray(rng.integers(0, 255, (*size, 3), dtype=np.uint8)).save(tmp_path / f"{i}.png")
        Image.fromarray(mask).save(tmp_path / f"m{i}.png")
        rows.append(f"{i}.png,{label},{f'm{i}.png' if label != 'good' else ''},test,")
    (tmp_path / "split.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def result(auroc: float, **more: object) -> dict:
    """A finished cell's JSON."""
    rate = {"value": 0.1, "low": 0.02, "high": 0.3, "count": 1, "of": 10}
    figures = {"image_auroc": auroc, "pixel_ap": None, "aupro": None, "miss_rate_at_1pct_false_rejects": 0.5}
    return (
        figures
        | {"train_seconds": 3.0, "miss_rate": rate, "false_reject_rate": rate, "promised": 0.05}
        | more
    )


def test_replay_measures_a_peer_by_the_common_code(line: Path) -> None:
    test = open_parts(line).only(split="test")
    names = np.array(["3.png", "1.png", "0.png", "2.png"])  # not the order of the set
    maps = np.zeros((4, 256, 256), dtype=np.float16)
    maps[[0, 3], :128, :128] = 1
    found = evaluate(Replay(test, names, np.array([3.0, 1.0, 0.0, 2.0]), maps), test, 0.5, show=0)
    assert [(part.name, part.score) for part in found.parts] == [(f"{i}.png", float(i)) for i in range(4)]
    assert found.image_auroc == 1
    assert (found.false_reject_rate.count, found.miss_rate.count) == (1, 0)
    assert found.pixel_ap == pytest.approx(1, abs=0.02)  # but for the squashed edge


def test_plan_runs_the_first_seed_of_all_before_the_others_and_spares_what_has_no_chance() -> None:
    cells_ = inspection.plan(["a", "b"], ["anomalydino", "padim"], [0, 1])
    assert [(c.model, c.set, c.seed) for c in cells_] == [
        ("padim", "a", 0),
        ("padim", "b", 0),
        ("anomalydino", "a", 0),
        ("anomalydino", "b", 0),
        ("padim", "a", 1),
        ("padim", "b", 1),
    ]


def test_run_keeps_finished_cells_and_lists_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    ran = []

    def peer(cell: Cell, root: Path, fresh: bool) -> dict:
        ran.append(cell.set)
        if cell.set == "bad":
            raise cells.CellError("no weights")
        return result(0.9)

    monkeypatch.setattr(cells, "run_peer", peer)
    monkeypatch.setattr(cells, "CELLS", tmp_path)
    todo = inspection.plan(["good", "bad"], ["padim"], [0])
    inspection.run(todo, tmp_path, 10, tmp_path, fresh=False)
    inspection.run(todo, tmp_path, 10, tmp_path, fresh=False)
    assert ran == ["good", "bad", "bad"]
    assert "failed: no weights" in capsys.readouterr().out
    figures, failed, _ = table.read(tmp_path)
    assert figures["good"]["padim"][0]["image_auroc"] == 0.9
    assert failed == {("bad", "padim", 0): "no weights"}
    inspection.run(todo[:1], tmp_path, 10, tmp_path, fresh=True)
    assert ran[-1] == "good"


def test_table_has_means_over_seeds_the_best_peer_and_promises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "CELLS", tmp_path)
    for model, seed, auroc in [
        ("burnish", 0, 0.9),
        ("burnish", 1, 1.0),
        ("padim", 0, 0.8),
        ("patchcore", 0, 0.7),
    ]:
        Cell("magnetic_tile", model, seed).write(result(auroc))
    docs = tmp_path / "benchmarks.md"
    docs.write_text(f"before\n{table.BEGIN}\nstale\n{table.END}\nafter\n")
    figures, _, _ = table.read(tmp_path)
    rows = {
        row["row"]: row for row in table.rows(figures, {"padim": 57.0}, ["padim", "patchcore", "burnish"])
    }
    ours = rows["magnetic_tile: image AUROC"]
    assert ours["value"] == pytest.approx(0.95)
    assert (ours["peer"], ours["target"], ours["holds"], ours["seeds"]) == (0.8, 0.96, False, [0, 1])
    promise = rows["magnetic_tile: false rejects at the calibrated threshold"]
    assert (promise["value"], promise["target"], promise["holds"]) == (0.1, 0.05, True)  # bound 0.02 <= 0.05
    assert rows["one picture, one thread"]["holds"] is False  # not measured, so not met
    shown = table.markdown(figures, {}, ["padim", "patchcore", "burnish"])
    assert "| magnetic_tile | image AUROC | >= 0.96 | **0.950 (0.900 to 1.000)** | 0.800 | 0.700 |" in shown
    changed = table.replace_block(docs.read_text(), shown)
    assert changed.startswith("before\n") and changed.endswith("after\n") and "stale" not in changed
    with pytest.raises(ValueError, match="no block"):
        table.replace_block("nothing", shown)


def test_mean_of_the_paper_sets_needs_all_four_and_a_shared_seed() -> None:
    figures = {f"paper_{i}": {"padim": {0: {"x": float(i)}, i: {"x": 9.0}}} for i in range(1, 5)}
    assert table.with_mean(figures)["paper, mean of four"] == {"padim": {0: {"x": 2.5}}}
    del figures["paper_4"]
    assert "paper, mean of four" not in table.with_mean(figures)


def test_json_of_a_cell_is_strict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "CELLS", tmp_path)
    cell = Cell("a", "padim", 0)
    with pytest.raises(ValueError):
        cell.write({"x": float("nan")})
    assert cell.read() is None
    assert json.loads(json.dumps(cell.write({"x": 1}))) == cell.read()
