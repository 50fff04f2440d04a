"""A picture that was trained 200 times is flagged, one that was kept out is not; and the pieces of it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from drawings import drawing, train_planted

from burnish.errors import BurnishError, DatasetError
from burnish.media.image import write_png
from burnish.prove.canaries import PLAN, plant, read_plan
from burnish.prove.copies import probe
from burnish.prove.copies_found import as_figures
from burnish.prove.copies_report import write_report
from burnish.prove.memory import nearness, p_value, repeats
from burnish.verbs.load import load


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    train_planted(folder)
    return folder


@pytest.fixture(scope="module")
def found(planted):
    return probe(load(planted / "model"), planted / "data", n=12, tries=8)


def test_a_picture_trained_200_times_is_flagged_and_a_held_out_one_is_not(found, record_property):
    by_role = {one.role: one for one in found.suspects}
    bird, control = by_role["planted"], by_role["control"]
    record_property(
        "measured",
        f"planted 200 times: {bird.repeats.count} of {bird.repeats.of} samples repeat it, recall"
        f" {bird.recall:+.2f}; control: {control.repeats.count} of {control.repeats.of},"
        f" {control.recall:+.2f}",
    )
    assert (bird.times, control.times) == (200, 0)
    assert bird.flagged
    assert not control.flagged
    assert bird.repeats.count >= 4
    assert bird.p == pytest.approx(1 / 20)  # below all 19 that were kept out
    assert control.repeats.count == 0
    assert [one.name for one in found.flagged] == [bird.name]


def test_the_null_is_as_the_rule_should_be(found):
    assert found.null == 19
    assert found.trained == 41
    assert found.null_by_pixels.count == 0
    assert found.expected == pytest.approx(41 / 60)
    assert found.same_data
    assert found.duplicated == 1
    ratios = [min(e.pixels, e.features) for e in found.neighbours]
    assert ratios == sorted(ratios)
    assert all(0 <= e.pixels <= 1 and 0 <= e.features <= 1 for e in found.neighbours)


def test_the_report_shows_the_pictures_and_needs_nothing_else(found, tmp_path):
    file = write_report(tmp_path / "copies.html", found, "tiny", "burnish prove copies", when="today")
    text = file.read_text(encoding="utf-8")
    assert "FLAGGED" in text
    assert "clear" in text
    assert text.count("data:image/png;base64,") == 3 * 8 + 2 * 9
    assert "http" not in text
    assert "<script" not in text
    figures = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    assert figures["suspects"][0]["repeats"]["of"] == 8
    assert "FLAGGED  planted" in str(found)


def test_figures_for_the_card_name_their_run(found):
    figures = {figure.what: figure for figure in as_figures(found, "burnish prove copies b d")}
    assert figures["copies: pictures flagged"].count == 1
    assert all(f.command and f.subject == found.model_hash for f in figures.values())


def test_other_pictures_are_told(planted, tmp_path):
    rng = np.random.default_rng(9)
    for k in range(5):
        write_png(tmp_path / "other" / f"{k}.png", drawing(rng))
    found = probe(load(planted / "model"), tmp_path / "other", n=2, tries=1)
    assert not found.same_data
    assert found.null == 0
    assert "other pictures" in str(found)


def test_nearness_by_hand():
    picture, others = torch.zeros(2), torch.tensor([[4.0, 0.0], [0.0, 9.0]])
    samples = torch.tensor([[1.0, 0.0], [2.0, 0.0], [4.0, 0.0]])
    assert nearness(samples, picture, others).tolist()[:2] == pytest.approx([1 / 3, 1.0])
    assert repeats(torch.tensor([[0.9, 0.0], [2.0, 0.0]]), picture, others) == 1
    assert nearness(samples, picture, others[:0]).tolist() == [1, 1, 1]


def test_p_values_are_uniform_when_nothing_is_remembered():
    rng = np.random.default_rng(0)
    p = [p_value(values[0], values[1:]) for values in rng.normal(size=(2000, 20))]
    counts = np.bincount(np.round(np.array(p) * 20).astype(int), minlength=21)[1:]
    assert counts.sum() == 2000
    assert np.abs(counts - 100).max() < 40  # four deviations of a count are 39
    assert p_value(-9, [0.0] * 19) == pytest.approx(1 / 20)


def test_a_plan_is_written_and_read(planted, tmp_path):
    plan = read_plan(planted / "data")
    assert plan is not None
    assert plan.planted[0][2] == 200
    assert len({words for _, words in plan.controls}) == 19
    assert read_plan(planted) is None
    (tmp_path / PLAN).write_text("[]")
    with pytest.raises(DatasetError, match="is damaged"):
        read_plan(tmp_path)
    with pytest.raises(DatasetError, match="not empty"):
        plant(planted / "drawings", planted / "data", size=32)
    with pytest.raises(DatasetError, match="controls and a plant need"):
        plant(planted / "drawings", tmp_path / "new", size=32, controls=60)


def test_counts_below_one_are_refused(planted):
    with pytest.raises(BurnishError, match="at least 1"):
        probe(load(planted / "model"), planted / "data", n=0)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
@pytest.mark.parametrize("groups", [1, 3])
def test_what_was_held_out_is_known_from_its_number(share, groups):
    """The bundle tells how many were held out; the same pictures come out of that."""
    from burnish.train.pictures import Entry, Pictures

    entries = tuple(Entry(Path(f"{k}.png"), group=str(k // groups)) for k in range(40))
    pictures = Pictures(Path(), "plain", 32, (np.zeros((32, 32, 3), np.uint8),) * 40, entries, ())
    learned, held = pictures.holdout(share, seed=3)
    assert pictures.holdout(len(held) / 40, seed=3) == (learned, held)
