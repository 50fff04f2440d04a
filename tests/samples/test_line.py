"""A written line is the split.csv layout, whole and repeatable; the camera keeps its count and its rates."""

import csv
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from burnish.samples import DEFECTS, Camera, Drift, SampleError, render_part, write_line


def _rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_the_layout(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    table = write_line(
        tmp_path / "ligne é 1", "ring", 3, 8, 2, 7, seed=1, size=48, progress=lambda *p: seen.append(p)
    )
    rows = _rows(table)
    assert list(rows[0]) == ["image", "label", "mask", "split", "group"]
    assert seen == [(k + 1, 20) for k in range(20)]
    count = {
        (s, g): sum(r["split"] == s and (r["label"] == "good") == g for r in rows)
        for s in ("train", "test")
        for g in (True, False)
    }
    assert count == {("train", True): 3, ("train", False): 8, ("test", True): 2, ("test", False): 7}
    assert {r["label"] for r in rows if r["split"] == "test"} == {"good", *DEFECTS["ring"]}
    assert len({r["group"] for r in rows}) == len({r["image"] for r in rows}) == 20
    for row in rows:
        image = np.asarray(Image.open(table.parent / row["image"]))
        assert image.shape == (48, 48, 3)
        assert row["image"].split("/")[:2] == ["images", row["label"]]
        if row["label"] == "good":
            assert row["mask"] == ""
        else:
            mask = np.asarray(Image.open(table.parent / row["mask"]))
            assert mask.shape == (48, 48) and set(np.unique(mask)) == {0, 255}


def test_one_seed_one_set(tmp_path: Path) -> None:
    def pictures(name: str, seed: int) -> list[bytes]:
        table = write_line(tmp_path / name, "bracket", 2, 2, 1, 1, seed=seed, size=40)
        return [np.asarray(Image.open(table.parent / r["image"])).tobytes() for r in _rows(table)]

    first, again, other = pictures("a", 0), pictures("b", 0), pictures("c", 1)
    assert first == again
    assert not set(first) & set(other)
    assert len(set(first)) == 6, "no part is drawn twice, within or across splits"


def test_a_larger_set_begins_with_the_smaller(tmp_path: Path) -> None:
    small = write_line(tmp_path / "s", "ring", 1, 1, 0, 0, size=40).parent
    large = write_line(tmp_path / "l", "ring", 2, 2, 1, 1, size=40).parent
    for name in ("images/good/train_0000.png", "images/scratch/train_0000.png"):
        assert (small / name).read_bytes() == (large / name).read_bytes()


def test_no_table_until_the_set_is_whole(tmp_path: Path) -> None:
    def stop(done: int, _: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_line(tmp_path, goods=3, defects=0, test_goods=0, test_defects=0, size=40, progress=stop)
    assert not (tmp_path / "split.csv").exists()


def test_bad_counts(tmp_path: Path) -> None:
    with pytest.raises(SampleError, match="negative"):
        write_line(tmp_path, goods=-1)
    assert not list(tmp_path.iterdir())


def test_the_camera_repeats_itself() -> None:
    camera = Camera("ring", seed=4, defect_rate=0.5, frames=4, size=40)
    first, again = list(camera), list(camera)
    assert [p for p, _ in first] == [f"ring-4-{k:06d}" for k in range(4)] == [p for p, _ in again]
    for (_, a), (_, b) in zip(first, again, strict=True):
        assert a is not None and b is not None
        np.testing.assert_array_equal(a, b)


def test_the_camera_s_rates() -> None:
    """300 frames; the bounds are three standard errors of a binomial (false alarms below 0.6 %)."""
    camera = Camera("ring", defect_rate=0.5, fault_rate=0.2, frames=300, size=32)
    faults = sum(image is None for _, image in camera)
    bad = sum(label != "good" for label in camera.truth.values())
    assert len(camera.truth) == 300
    assert faults / 300 == pytest.approx(0.2, abs=0.07)
    assert bad / 300 == pytest.approx(0.5, abs=0.087)


def test_a_frame_that_fails_is_counted_and_the_line_runs_on() -> None:
    frames = list(islice(Camera(fault_rate=1.0, size=32), 3))
    assert [image for _, image in frames] == [None] * 3 and len({p for p, _ in frames}) == 3


def test_the_camera_drifts() -> None:
    camera = Camera(
        "bracket", defect_rate=0, drift_over_time=lambda k: Drift(exposure=-0.5 * k), frames=4, size=40
    )
    levels = [float(image.mean()) for _, image in camera if image is not None]
    assert levels == sorted(levels, reverse=True) and levels[0] > 1.5 * levels[-1]


def test_camera_and_data_set_share_no_part(tmp_path: Path) -> None:
    table = write_line(tmp_path, "ring", 3, 0, 3, 0, seed=0, size=32)
    written = {np.asarray(Image.open(p)).tobytes() for p in table.parent.rglob("*.png")}
    filmed = {image.tobytes() for _, image in Camera("ring", 0, 0.0, frames=6, size=32) if image is not None}
    assert not written & filmed


@pytest.mark.parametrize("wrong", [{"defect_rate": 1.1}, {"fault_rate": -0.1}, {"kind": "gear"}])
def test_camera_settings(wrong: dict) -> None:
    with pytest.raises(SampleError):
        Camera(**wrong)


def test_the_sample_holds_what_the_camera_shows() -> None:
    camera = Camera("connector", defect_rate=1.0, size=64)
    part_id, sample = camera.part(7)
    assert sample is not None and sample.label == camera.truth[part_id] and sample.mask.any()
    assert render_part("connector", 0, size=64).image.shape == sample.image.shape
