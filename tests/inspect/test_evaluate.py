"""A scorer of known behaviour on a small set: every figure is checked by hand or against scikit-learn."""

import csv
import json
import math

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, roc_auc_score

from burnish.core.conformal import threshold
from burnish.core.stats import parts_to_prove, rate
from burnish.errors import BurnishError, DatasetError
from burnish.inspect.calibrate import calibrate
from burnish.inspect.evaluate import evaluate
from burnish.inspect.price import Price
from burnish.media.dataset import open_parts


def scorer(image):
    """The mean of the red channel is the score; the green channel is the heat map."""
    return float(image[..., 0].mean()) / 255, image[..., 1].astype(np.float32) / 255


def write_set(folder, rows, size=(24, 32), masks=True):
    """rows of (name, label, score in 0..255); a defect's mask is a square that the heat map half finds."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    table = [("image", "label", "mask", "split", "group")]
    for name, label, score in rows:
        image = np.zeros((*size, 3), np.uint8)
        image[..., 0], image[..., 1] = score, rng.integers(0, 100, size)
        mask = np.zeros(size, np.uint8)
        if label != "good":
            mask[4:12, 4:12] = 255
            image[4:12, 4:9, 1] += 120
        Image.fromarray(image).save(folder / name)
        if label != "good" and masks:
            Image.fromarray(mask).save(folder / f"mask_{name}")
        table.append((name, label, f"mask_{name}" if label != "good" and masks else "", "test", ""))
    with (folder / "split.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(table)
    return open_parts(folder)


ROWS = [(f"g{i}.png", "good", 10 * i) for i in range(10)]
ROWS += [("a0.png", "crack", 55), ("a1.png", "crack", 200), ("a2.png", "crack", 210)]
ROWS += [("b0.png", "dent", 90), ("b1.png", "dent", 85)]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("eval") / "small set ü", ROWS)


@pytest.fixture(scope="module")
def found(small):
    return evaluate(
        scorer, small, 84.5 / 255, train_seconds=3600, model_hash="abc", wanted_false_rejects=0.05
    )


def test_rates_by_hand(found):
    assert (found.false_reject_rate.count, found.false_reject_rate.of) == (1, 10)
    assert (found.miss_rate.count, found.miss_rate.of) == (1, 5)
    exact = binomtest(1, 5).proportion_ci(0.95, "exact")
    assert (found.miss_rate.low, found.miss_rate.high) == pytest.approx((exact.low, exact.high))
    assert found.image_auroc == pytest.approx(roc_auc_score([0] * 10 + [1] * 5, [r[2] for r in ROWS]))
    assert found.miss_rate_at_1pct_false_rejects == pytest.approx(
        3 / 5
    )  # cut at the highest good, 90; a tie is a miss
    assert "Of 5 bad parts 1 was missed: 20.0 % (0.5 to 71.6)." in found.verdict()


def test_classes(found):
    assert set(found.by_class) == {"crack", "dent"}
    assert (
        found.by_class["crack"]["miss_rate"]["count"] == 1
        and found.by_class["dent"]["miss_rate"]["count"] == 0
    )
    assert found.by_class["dent"]["image_auroc"] == pytest.approx(0.925)


def test_pixels_are_those_of_all_parts(found, small):
    pairs = [(scorer(image)[1], mask) for _, image, mask in small.read([])]
    reference = average_precision_score(
        np.concatenate([m.ravel() for _, m in pairs]), np.concatenate([h.ravel() for h, _ in pairs])
    )
    assert found.pixel_ap == pytest.approx(reference, abs=1e-12)
    assert 0 < found.aupro < 1 and found.pixel_parts == 15


def test_json_has_the_stable_keys_and_is_json(found):
    plain = json.loads(json.dumps(found.to_json()))
    keys = "image_auroc pixel_ap aupro threshold false_reject_rate miss_rate"
    keys += " miss_rate_at_1pct_false_rejects by_class latency_ms train_seconds model_hash data_hash"
    assert set(keys.split()) <= set(plain)
    assert (
        set(plain["miss_rate"]) == set(plain["false_reject_rate"]) == {"value", "low", "high", "count", "of"}
    )
    assert set(plain["latency_ms"]) == {"p50", "p95", "p99"}
    assert plain["latency_ms"]["p50"] <= plain["latency_ms"]["p99"]
    assert plain["train_seconds"] == 3600 and plain["model_hash"] == "abc" and len(plain["data_hash"]) == 64
    assert len(plain["parts"]) == 15 and plain["held"] == {"count": 0, "parts": []}


def test_more_parts_to_prove(found):
    proof = found.proof["false_rejects"]
    assert proof["wanted"] == 0.05 and proof["upper_95"] == pytest.approx(0.3942, abs=1e-3)
    assert proof["more_if_none_fails"] == parts_to_prove(0.05, 1) - 10 == 83
    assert proof["more_as_so_far"] is None  # 10 % measured never proves 5 %


def test_pictures_are_the_worst(found):
    assert [p.name for p in found.pictures.misses] == ["a0.png"]
    assert [p.name for p in found.pictures.false_rejects] == ["g9.png"]
    assert [p.name for p in found.pictures.catches] == ["a2.png", "b0.png"]
    assert found.pictures.misses[0].mask is not None and found.pictures.misses[0].mask.sum() == 64


def test_only_so_many_pictures_are_kept(small):
    found = evaluate(scorer, small, -1.0, show=3)
    assert [p.name for p in found.pictures.false_rejects] == ["g9.png", "g8.png", "g7.png"]
    assert evaluate(scorer, small, 1.0, show=0).pictures.misses == ()


def test_calibrations_come_along(small):
    rule = calibrate(np.linspace(0, 0.3, 40), 0.1, folds=5)
    found = evaluate(scorer, small, rule)
    assert found.threshold == rule.threshold.value and found.calibration["folds"] == 5
    assert found.proof["false_rejects"]["wanted"] == 0.1
    assert evaluate(scorer, small, threshold(np.linspace(0, 0.3, 40), 0.2)).calibration["wanted"] == 0.2


def test_label_only_sets_have_no_pixel_figures(tmp_path):
    found = evaluate(scorer, write_set(tmp_path / "labels", ROWS, masks=False), 0.3)
    assert found.pixel_ap is None and found.aupro is None and found.pixel_parts == 0
    assert found.image_auroc is not None


def test_broken_files_are_held_by_name_and_the_rest_goes_on(tmp_path):
    write_set(tmp_path / "set", ROWS)
    (tmp_path / "set" / "g3.png").write_text("not a picture")
    Image.new("L", (5, 5)).save(tmp_path / "set" / "mask_a1.png")
    found = evaluate(scorer, open_parts(tmp_path / "set"), 84.5 / 255)
    assert [h.name for h in found.held] == ["g3.png"]
    assert found.false_reject_rate.of == 9 and found.miss_rate.of == 5
    assert len(found.parts) + len(found.held) == 15
    assert any("mask_a1.png" in note for note in found.notes) and found.pixel_parts == 13
    assert "1 could not be judged and was held." in found.verdict()


@pytest.mark.parametrize("answer", ["nan", "shape", "raise"])
def test_an_inspector_without_an_answer_holds_the_part(small, answer):
    def failing(image):
        score, heat = scorer(image)
        if round(score * 255) == 200:
            if answer == "raise":
                raise BurnishError("a1.png", "too small to inspect")
            return (math.nan, heat) if answer == "nan" else (score, heat[:5])
        return score, heat

    found = evaluate(failing, small, 0.3)
    assert [h.name for h in found.held] == ["a1.png"] and found.miss_rate.of == 4


def test_one_sided_sets(small):
    goods = evaluate(scorer, small.only(label="good"), 0.3)
    assert (
        goods.image_auroc is None
        and goods.miss_rate.value is None
        and goods.miss_rate_at_1pct_false_rejects is None
    )
    assert goods.pixel_ap is None and json.dumps(goods.to_json())
    bads = evaluate(scorer, small.only(label="crack"), 0.3)
    assert bads.false_reject_rate.of == 0 and bads.money["rechecks"]["value"] is None
    with pytest.raises(DatasetError, match="no parts"):
        evaluate(scorer, small.only(split="nowhere"), 0.3)


def test_large_pictures_are_compared_at_the_working_resolution(tmp_path):
    large = write_set(tmp_path / "large", ROWS[8:12], size=(120, 160))
    full, half = (evaluate(scorer, large, 0.3, pixel_side=side) for side in (256, 64))
    assert half.pixel_side == 64 and half.pixel_ap != full.pixel_ap
    assert half.pixel_ap > 0.1


def test_money_by_hand():
    price = Price(0.3, 100, 36, 30, 20, 500)
    cost = price.per_1000(0.036, rate(1, 100), rate(5, 50), 36_000)
    assert cost["electricity"]["value"] == pytest.approx(1000 * 0.036 * 100 / 3.6e6 * 0.3)
    assert cost["rechecks"]["value"] == pytest.approx(980 * 0.01 * 0.3)
    assert cost["escapes"]["value"] == pytest.approx(20 * 0.1 * 500)
    assert cost["total"]["value"] == pytest.approx(
        sum(cost[k]["value"] for k in ("electricity", "rechecks", "escapes"))
    )
    assert cost["total"]["low"] < cost["total"]["value"] < cost["total"]["high"]
    assert cost["training_electricity_once"] == pytest.approx(0.3) and cost["assumptions"]["watts"] == 100
    assert "escapes" not in Price().per_1000(0.01, rate(0, 9), rate(0, 9), 0)
