"""Forecasts: exact curves, targets, costs, dates; and what the intervals cover on real learning curves."""

import json
import math
from datetime import date

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_breast_cancer, load_digits
from typer.testing import CliRunner

from burnish.cli.app import app
from burnish.errors import BurnishError, DatasetError
from burnish.prove import forecast_pictures
from burnish.prove.forecast import HORIZON, Curve, forecast, measure, outlook
from burnish.prove.forecast_pictures import picture_curve
from burnish.prove.forecast_words import as_text, read_curve, to_json
from burnish.samples import write_line


def synthetic(c=0.05, a=1.0, b=0.5, pool=400, seed=0, noise=0.03):
    rng = np.random.default_rng(seed)
    sizes = tuple(round(pool / 2 ** (k / 2)) for k in range(9))[::-1]
    values = tuple(
        tuple((c + a * s**-b) * (1 + noise * rng.normal(size=5 if s < pool else 1))) for s in sizes
    )
    return Curve(pool, sizes, values)


def test_measuring_draws_subsamples_of_every_size_and_keeps_to_its_time():
    seen = []

    def run(chosen, rng):
        assert len(set(chosen.tolist())) == len(chosen)
        seen.append(len(chosen))
        return 1 / len(chosen)

    curve = measure(run, 200, np.random.default_rng(0), repeats=3)
    assert curve.sizes == (12, 18, 25, 35, 50, 71, 100, 141, 200) and curve.runs == len(seen) == 25
    assert seen.count(200) == 1 and curve.means == pytest.approx(1 / np.array(curve.sizes))
    short = measure(run, 200, np.random.default_rng(0), seconds=0)
    assert len(short.sizes) == 4  # the least that can be fitted, whatever the time
    with pytest.raises(BurnishError, match="too few"):
        measure(run, 15, np.random.default_rng(0))


def test_a_known_curve_is_foretold():
    found = forecast(synthetic(), np.random.default_rng(1))
    for size in (800, 4000):
        middle, low, high = found.at(size)
        truth = 0.05 + size**-0.5
        assert low <= truth <= high and middle == pytest.approx(truth, rel=0.25)
    assert found.at(400)[2] - found.at(400)[1] < found.at(40_000)[2] - found.at(40_000)[1]
    assert sum(found.weights.values()) == pytest.approx(1) and found.tested >= 3


def test_forecasts_are_the_same_for_the_same_seed():
    first, again = (forecast(synthetic(), np.random.default_rng(3)) for _ in range(2))
    assert (first.draws == again.draws).all() and first.at(900) == again.at(900)


def test_an_unreachable_target_is_told_so(record_property):
    found = forecast(synthetic(c=0.05, a=2.0, b=1.0), np.random.default_rng(0))
    never = outlook(found, 0.02, price=1, per_day=10)
    assert not never.reachable and math.isinf(never.parts[0])
    text = as_text(found, "miss rate", False, [800], never)
    assert "not reachable with more of the same data" in text
    assert to_json(found, "miss rate", False, [800], never)["target"]["parts"] == [None] * 3
    record_property("measured", "a floor of 5 %, wanted 2 %: not reachable with more of the same data")


def test_a_reachable_target_has_parts_money_and_a_date():
    found = forecast(synthetic(c=0.0, a=1.0, b=0.5, noise=0.01), np.random.default_rng(0))
    goal = outlook(found, 0.025, price=0.5, per_day=40, today=date(2026, 11, 24))
    assert goal.reachable and goal.parts[1] <= 1600 <= goal.parts[2]  # 0.025 = 1600^-1/2
    assert goal.cost is not None and goal.cost[0] == pytest.approx(0.5 * (goal.parts[0] - 400))
    assert goal.dates is not None and goal.dates[0] is not None
    assert (goal.dates[0] - date(2026, 11, 24)).days == math.ceil((goal.parts[0] - 400) / 40)
    text = as_text(found, "acceptance", True, [800], goal)
    assert "acceptance of 0.9750" in text and "ready on 20" in text and "labelling" in text
    there = outlook(found, 0.4)
    assert there.parts[0] <= 400 and "parts that are there" in as_text(found, "x", False, [], there)
    for wrong in ({"target": 0}, {"target": 0.1, "per_day": 0}, {"target": 0.1, "price": -1}):
        with pytest.raises(BurnishError):
            outlook(found, **wrong)


def test_a_curve_from_a_file(tmp_path):
    file = tmp_path / "curve.csv"
    rows = [f"{s},{1 - 0.05 - s**-0.5}" for s in (20, 20, 40, 80, 160)]
    file.write_text("\n".join(["size,value", *rows]))
    curve = read_curve(file, pool=200, higher=True)
    assert curve.pool == 200 and curve.sizes == (20, 40, 80, 160) and len(curve.values[0]) == 2
    assert curve.values[2][0] == pytest.approx(0.05 + 80**-0.5)
    out = tmp_path / "out.json"
    words = [
        "prove",
        "forecast",
        "--curve",
        str(file),
        "--higher",
        "--metric",
        "acceptance",
        "--target",
        "0.9",
    ]
    done = CliRunner().invoke(app, [*words, "--price", "1", "--per-day", "5", "--json", str(out)])
    assert done.exit_code == 0 and "acceptance of 0.9000" in done.output, done.output
    assert json.loads(out.read_text())["error_is_one_minus_value"] is True
    for text, match in (
        ("a,b\n1,2", "line 2"),
        ("size,value\n5,-1", "out of range"),
        ("size,value\n5,1", "1 sizes"),
    ):
        file.write_text(text)
        with pytest.raises(DatasetError, match=match):
            read_curve(file)
    with pytest.raises(DatasetError):
        read_curve(tmp_path / "absent.csv")


def test_the_command_on_rendered_parts(tmp_path):
    write_line(tmp_path / "parts", goods=54, defects=6, test_goods=0, test_defects=0, size=64)
    words = ["prove", "forecast", str(tmp_path / "parts"), "--target", "0.01", "--at", "100"]
    done = CliRunner().invoke(app, [*words, "--minutes", "0.03", "--json", str(tmp_path / "f.json")])
    assert done.exit_code == 0 and "surprise alone" in done.output and "which took" in done.output, (
        done.output
    )
    told = json.loads((tmp_path / "f.json").read_text())
    assert told["pool"] == 36 and len(told["curve"]) >= 4 and told["forecast"][0]["size"] == 100
    with pytest.raises(BurnishError):
        CliRunner().invoke(app, ["prove", "forecast"], catch_exceptions=False)


@pytest.fixture
def tiles(tmp_path):
    """90 plain tiles of many colours, the first one twice."""
    folder = tmp_path / "tiles"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for k in range(90):
        colour = rng.integers(40, 216, 3)
        tile = np.clip(rng.normal(colour, 6, (32, 32, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(tile).save(folder / f"{k:02d}.png")
    (folder / "copy.png").write_bytes((folder / "00.png").read_bytes())
    return folder


@pytest.fixture
def made(monkeypatch):
    """Instead of trained models, copies of what they were shown, turned black unless there are many; and what
    each was shown."""
    seen = []

    def make(pictures, chosen, updates, seed, on_progress=None):
        seen.append(list(chosen))
        shown = np.stack([pictures.images[i] for i in chosen])
        black = np.random.default_rng(seed).random(len(shown)) < 8 / len(shown)
        return np.where(black[:, None, None, None], 0, shown).astype(np.uint8)

    def colours(images):
        blocks = np.stack(images).reshape(len(images), 2, 16, 2, 16, 3) / 128.0
        return torch.from_numpy(blocks.mean((2, 4)).reshape(len(images), -1))

    monkeypatch.setattr(forecast_pictures, "_make", make)
    monkeypatch.setattr(forecast_pictures, "Features", lambda: colours)
    return seen


def test_pictures_are_judged_by_ones_that_no_model_was_shown(tiles, made):
    curve = picture_curve(tiles, np.random.default_rng(0), updates=5)
    assert curve.pool == 60 and curve.sizes == (11, 15, 21, 30, 42, 60) and curve.runs == 11
    shown = {i for chosen in made for i in chosen}
    assert len(shown) == 60 and [len(c) for c in made].count(11) == 2  # 30 of 90 were shown to none
    assert len(made) == 12 and len(made[-1]) == 60  # the largest once more, on half of the updates
    assert curve.means[-1] < 0.5 * curve.means[0]  # less black, nearer to the real ones
    for words in ("11 diffusion models", "on 11 to 60 pictures", "5 updates", "30 held-out", "left out: 1"):
        assert words in curve.trained


def test_updates_fill_the_time_that_is_shared(tiles, made, monkeypatch):
    monkeypatch.setattr(forecast_pictures, "_time", lambda *_: (0.01, 0.5))
    curve = picture_curve(tiles, np.random.default_rng(0), seconds=600)
    updates = int(curve.trained.split("each of ")[1].split()[0])
    assert 11.5 * (0.01 * updates + 0.5) == pytest.approx(0.9 * 600, rel=0.02)
    made.clear()
    with pytest.raises(BurnishError, match=r"updates for each of 12 models; 100 .*Give --minutes 0\.\d or"):
        picture_curve(tiles, np.random.default_rng(0), seconds=12)
    assert not made


@pytest.mark.parametrize(("need", "words"), [(10, "give more --minutes"), (0, "brings little")])
def test_more_training_is_asked_for_before_the_data_are_blamed(tiles, made, monkeypatch, need, words):
    """Models that make black pictures with fewer updates than they need, else what they were shown."""

    def make(pictures, chosen, updates, seed, on_progress=None):
        shown = np.stack([pictures.images[i] for i in chosen])
        return np.zeros_like(shown) if updates < need else shown

    monkeypatch.setattr(forecast_pictures, "_make", make)
    assert words in picture_curve(tiles, np.random.default_rng(0), updates=10).trained


def test_the_command_on_a_folder_of_pictures(tiles, tmp_path, monkeypatch):
    monkeypatch.setattr(forecast_pictures, "SAMPLES", 16)
    monkeypatch.setattr(forecast_pictures, "STEPS", 1)
    words = ["prove", "forecast", str(tiles), "--target", "0.001", "--at", "100", "--steps"]
    out = tmp_path / "f.json"
    done = CliRunner().invoke(app, [*words, "1", "--json", str(out)])
    assert done.exit_code == 0, done.output
    assert "Trained: 11 diffusion models" in done.output and "KID to held-out pictures" in done.output
    assert "subsamples of 60 pictures" in done.output and "which took" in done.output
    told = json.loads(out.read_text())
    assert told["pool"] == 60 and told["seconds"] > 0 and "1 updates of 16" in told["trained"]
    again = tmp_path / "again.json"
    CliRunner().invoke(app, [*words, "1", "--json", str(again)])
    assert json.loads(again.read_text())["curve"] == told["curve"]


def test_what_no_curve_can_be_measured_of_is_refused(tiles, tmp_path):
    def refused(*words):
        with pytest.raises(BurnishError) as found:
            CliRunner().invoke(app, ["prove", "forecast", *map(str, words)], catch_exceptions=False)
        return str(found.value)

    for k in range(50, 90):
        (tiles / f"{k}.png").unlink()
    few = refused(tiles)
    assert "50 different pictures and 1 copies" in few and "54 pictures at least" in few
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("words")
    assert "--curve" in refused(tmp_path / "text")
    assert "less is better" in refused(tiles, "--higher")
    assert "does not exist" in refused(tmp_path / "absent")


def test_parts_are_pictures_too_when_kid_is_asked_for(tmp_path):
    write_line(tmp_path / "parts", goods=12, defects=2, test_goods=0, test_defects=0, size=64)
    for words, told in (([], "good and 2 bad parts"), (["--metric", "KID"], "54 pictures at least")):
        with pytest.raises(DatasetError, match=told):
            CliRunner().invoke(
                app, ["prove", "forecast", str(tmp_path / "parts"), *words], catch_exceptions=False
            )


def centroids(x, y, z):
    means = np.stack([x[y == k].mean(0) for k in np.unique(y)])
    return np.unique(y)[((z[:, None] - means[None]) ** 2).sum(2).argmin(1)]


def three_neighbours(x, y, z):
    near = np.argpartition((x * x).sum(1)[None] - 2 * z @ x.T, 3, axis=1)[:, :3]
    votes = np.stack([(y[near] == k).sum(1) for k in range(y.max() + 1)], axis=1)
    return votes.argmax(1)


def ridge(x, y, z):
    middle, sign = x.mean(0), 2.0 * y - 1
    a = x - middle
    w = np.linalg.solve(a.T @ a + 3 * np.eye(x.shape[1]), a.T @ (sign - sign.mean()))
    return ((z - middle) @ w + sign.mean() > 0).astype(int)


def shrunk_lda(x, y, z):
    classes, prior = np.unique(y, return_counts=True)
    means = np.stack([x[y == k].mean(0) for k in classes])
    rest = x - means[np.searchsorted(classes, y)]
    within = rest.T @ rest / len(x)
    within = 0.8 * within + 0.2 * np.trace(within) / len(within) * np.eye(len(within))
    w = np.linalg.solve(within, means.T)
    return classes[(z @ w - (means.T * w).sum(0) / 2 + np.log(prior / len(x))).argmax(1)]


DIGITS = load_digits(return_X_y=True)
CANCER = load_breast_cancer(return_X_y=True)
TASKS = [  # name, pictures or measurements, labels, model, all training data, judged on
    ("digits, nearest centroid", *DIGITS, centroids, 600, 600),
    ("digits, 3 neighbours", *DIGITS, three_neighbours, 1000, 600),
    ("even digits, ridge", DIGITS[0], DIGITS[1] % 2, ridge, 800, 600),
    ("digits, shrunk LDA", *DIGITS, shrunk_lda, 800, 600),
    ("cancer, shrunk LDA", *CANCER, shrunk_lda, 320, 240),
]


def test_intervals_cover_what_the_full_data_give(record_property):
    """50 repeats, ten on each of five real tasks that nothing was tuned on; each fits half of the data."""
    covered, widths = 0, []
    for k, (_, x, y, model, full, judged) in enumerate(TASKS):
        for repeat in range(10):
            rng = np.random.default_rng((k, repeat))
            order = rng.permutation(len(x))
            test, train = order[:judged], order[judged : judged + full]

            def error(rows, x=x, y=y, model=model, test=test):
                return float((model(x[rows], y[rows], x[test]) != y[test]).mean())

            half = train[: full // 2]
            curve = measure(lambda chosen, _, half=half, error=error: error(half[chosen]), len(half), rng)
            _, low, high = forecast(curve, rng).at(full)
            truth = error(train)
            covered += low <= truth <= high
            widths.append((high - low) / truth)
    record_property(
        "measured",
        f"80 % intervals from half of the data cover the full-data error in {covered} of 50 "
        f"(median width {np.median(widths):.0%} of the error)",
    )
    assert 0.7 <= covered / 50 <= 0.9
    assert HORIZON == 100
