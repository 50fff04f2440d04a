"""A bundle's description and a folder become figures, JSON and a report; splits are respected."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from burnish.errors import DatasetError
from burnish.inspect.calibrate import calibrate
from burnish.inspect.judge import as_scorer, as_text, evaluate_inspector, parts_to_judge

GOODS = np.linspace(0.1, 0.3, 40)


def inspector(x):
    """Score: mean red. Heat: green, every fourth pixel."""
    return x[:, 0].mean((1, 2)), x[:, 1, ::4, ::4]


def make(folder, splits=True, test="test"):
    folder.mkdir()
    rows = ["image,label,mask,split,group"]
    for i in range(12):
        label = "good" if i % 2 else "dent"
        image = np.full((64, 96, 3), 40 + (0 if i % 2 else 160), np.uint8)
        where = folder if splits else folder / ("good" if i % 2 else "defect/dent")
        where.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(where / f"{i}.png")
        rows.append(f"{i}.png,{label},,{'train' if i < 4 else test},")
    if splits:
        (folder / "split.csv").write_text("\n".join(rows))
    return folder


def meta(**more):
    rule = calibrate(GOODS, 0.05, folds=5)
    return {
        "side": 64, "threshold": rule.threshold.value, "good_scores": list(GOODS), "wanted": 0.05,
        "model_hash": "m1",
    } | more  # fmt: skip


def test_scorer_returns_the_pictures_own_size():
    image = np.zeros((50, 90, 3), np.uint8)
    image[:, 45:, 1] = 255
    image[..., 0] = 51
    score, heat = as_scorer(inspector, 64)(image)
    assert score == pytest.approx(0.2, abs=1e-6)
    assert heat.shape == (50, 90) and heat[:, :30].max() < 0.05 and heat[:, 60:].min() > 0.95


def test_only_the_test_rows_count_and_everything_is_written(tmp_path):
    root = make(tmp_path / "set")
    found = evaluate_inspector(
        inspector, meta(train_seconds=9, name="toy"), root,
        json_file=tmp_path / "new" / "e.json", report=tmp_path / "new" / "e.html", command="burnish",
    )  # fmt: skip
    assert len(found.parts) == 8 and found.miss_rate.count == 0 and found.false_reject_rate.count == 0
    plain = json.loads((tmp_path / "new" / "e.json").read_text())
    assert plain["miss_rate"]["of"] == 4 and plain["train_seconds"] == 9 and plain["model_hash"] == "m1"
    assert "toy" in (tmp_path / "new" / "e.html").read_text()
    text = as_text(found)
    assert "Of 4 bad parts 0 were missed: 0.0 % (0.0 to 60.2)." in text and "dent" in text


def test_a_recorded_calibration_is_used_and_a_differing_threshold_wins(tmp_path):
    root = make(tmp_path / "set")
    recorded = calibrate(GOODS, 0.05, folds=7).to_json()
    assert evaluate_inspector(inspector, meta(calibration=recorded), root).calibration["folds"] == 7
    moved = evaluate_inspector(inspector, meta(threshold=0.9), root)
    assert moved.threshold == 0.9 and moved.calibration is None and moved.miss_rate.count == 4
    assert "given by hand" in as_text(moved)


def test_a_folder_without_splits_is_taken_whole_with_a_warning(tmp_path):
    parts, notes = parts_to_judge(make(tmp_path / "set", splits=False))
    assert len(parts) == 12 and "flatter" in notes[0]


def test_splits_without_test_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="no `test`"):
        parts_to_judge(make(tmp_path / "set", test="spare"))


def test_a_torch_module_leaves_no_graph():
    layer = torch.nn.Conv2d(3, 1, 4, 4)

    def judge(x):
        heat = layer(x)[:, 0].sigmoid()
        return heat.mean((1, 2)), heat

    score, heat = as_scorer(judge, 32)(np.full((32, 32, 3), 9, np.uint8))
    assert 0 < score < 1 and heat.dtype == np.float32
