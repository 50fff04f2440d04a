import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import beta

from burnish.errors import DatasetError
from burnish.media.check import Need, check, same_side
from burnish.media.image import write_png


def picture(path: Path, seed: int) -> Path:
    write_png(path, np.random.default_rng(seed).integers(0, 255, (40, 60, 3), np.uint8))
    return path


def names(pairs) -> list[tuple[str, str]]:
    return [(pair.first, pair.second) for pair in pairs]


def build(root: Path, rows: list[tuple[str, str, str, str, int]]) -> Path:
    """Rows of (name, label, split, group, seed of the picture)."""
    for name, _, _, _, seed in rows:
        picture(root / name, seed)
    lines = [f"{name},{label},{split},{group}" for name, label, split, group, _ in rows]
    (root / "split.csv").write_text("\n".join(["image,label,split,group", *lines]) + "\n")
    return root


def test_a_clean_set_is_fine(tmp_path):
    rows = [(f"{k}.png", "good", "train" if k < 4 else "test", "", k) for k in range(6)]
    report = check(build(tmp_path, [*rows, ("7.png", "crack", "test", "", 7)]), false_rejects=0.2)
    assert report.exit_code == 0 and not report.problems and not report.leaks
    assert report.counts == {
        ("train", "good", "-"): 4,
        ("test", "good", "-"): 2,
        ("test", "crack", "label"): 1,
    }
    assert report.sizes == {(60, 40): 7} and report.modes == {"RGB": 7}
    assert (report.need.goods, report.need.test_goods, report.goods) == (4, 2, 6)


def test_leaks_duplicates_conflicts_and_groups(tmp_path):
    report = check(
        build(
            tmp_path,
            [
                ("a.png", "good", "train", "g1", 1),
                ("b.png", "good", "test", "g2", 1),  # leak with a and f
                ("c.png", "good", "train", "g1", 3),
                ("d.png", "good", "test", "g1", 4),  # straddles
                ("e.png", "crack", "train", "", 3),  # c again, with another label
                ("f.png", "good", "spare", "", 1),  # a again: spare may share with train
            ],
        )
    )
    assert names(report.leaks) == [("a.png", "b.png"), ("b.png", "f.png")]
    assert names(report.conflicts) == [("c.png", "e.png")]
    assert names(report.duplicates) == [("a.png", "f.png"), ("c.png", "e.png")]
    assert report.straddling == {"g1": ("test", "train")}
    assert report.exit_code == 1
    assert (report.need.goods, report.need.test_goods, report.goods) == (2, 2, 3)


def test_a_copy_saved_again_leaks_and_within_a_group_is_expected(tmp_path):
    rows = [(f"{k}.png", "good", "train", "", k) for k in range(8)]
    build(tmp_path, [*rows, ("x.png", "good", "train", "same", 20), ("y.png", "good", "train", "same", 21)])
    smooth = np.asarray(Image.open(tmp_path / "0.png").resize((240, 160), Image.Resampling.BICUBIC))
    write_png(tmp_path / "0.png", smooth)
    Image.fromarray(smooth).save(tmp_path / "again.jpg", quality=80)
    Image.fromarray((smooth * 0.7).astype(np.uint8)).save(tmp_path / "x.png")
    write_png(tmp_path / "y.png", np.asarray(Image.open(tmp_path / "x.png")) // 10 * 10)
    with (tmp_path / "split.csv").open("a") as stream:
        stream.write("again.jpg,good,test,\n")
    report = check(tmp_path)
    assert set(names(report.leaks)) == {
        ("0.png", "again.jpg"),
        ("again.jpg", "x.png"),
        ("again.jpg", "y.png"),
    }
    assert all(0.96 < pair.likeness < 1 for pair in report.leaks)
    assert set(names(report.near)) == {("0.png", "x.png"), ("0.png", "y.png")}


def test_every_broken_file_is_named(tmp_path):
    for k in range(3):
        picture(tmp_path / f"good/{k}.png", k)
    (tmp_path / "good/text.png").write_text("no picture")
    (tmp_path / "good/empty.jpg").write_bytes(b"")
    whole = picture(tmp_path / "good/cut.png", 9).read_bytes()
    (tmp_path / "good/cut.png").write_bytes(whole[: len(whole) // 2])
    masks = (("size", (41, 60), 1), ("black", (40, 60), 0), ("full", (40, 60), 1))
    for seed, (name, size, value) in enumerate(masks, start=50):
        picture(tmp_path / f"defect/dent/{name}.png", seed)
        write_png(tmp_path / f"mask/dent/{name}.png", np.full(size, value, bool))
    report = check(tmp_path)
    named = {problem.thing: problem.kind for problem in report.problems}
    assert named == {
        "good/text.png": "broken",
        "good/empty.jpg": "broken",
        "good/cut.png": "broken",
        "mask/dent/size.png": "mask",
        "mask/dent/black.png": "mask",
        "defect/dent/full.png": "mask",
    }
    assert report.exit_code == 1
    assert report.counts == {
        ("train", "good", "-"): 3,
        ("train", "dent", "label"): 2,
        ("train", "dent", "mask"): 1,
    }


def test_mixed_modes_are_counted_not_blamed(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "good").mkdir()
    gray = rng.integers(0, 255, (30, 40), np.uint8)
    Image.fromarray(gray).save(tmp_path / "good/gray.png")
    Image.fromarray(rng.integers(0, 65535, (30, 40), np.uint16)).save(tmp_path / "good/deep.png")
    Image.fromarray(rng.integers(0, 255, (30, 40, 4), np.uint8)).convert("RGBA").save(
        tmp_path / "good/alpha.png"
    )
    Image.fromarray(rng.integers(0, 255, (30, 40, 3), np.uint8)).convert("CMYK").save(
        tmp_path / "good/print.jpg"
    )
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.fromarray(rng.integers(0, 255, (30, 40, 3), np.uint8)).save(tmp_path / "good/turned.jpg", exif=exif)
    report = check(tmp_path)
    assert report.exit_code == 0 and not report.problems
    assert report.sizes == {(40, 30): 4, (30, 40): 1}
    assert report.modes == {"L": 1, "I;16": 1, "RGBA": 1, "CMYK": 1, "RGB": 1}


@pytest.mark.parametrize(("goods", "code"), [(0, 2), (1, 2), (2, 0)])
def test_fewer_than_two_goods_cannot_be_used(tmp_path, goods, code):
    for k in range(goods):
        picture(tmp_path / f"good/{k}.png", k)
    picture(tmp_path / "defect/dent/1.png", 10)
    assert check(tmp_path).exit_code == code


def test_the_same_good_twice_is_one_good(tmp_path):
    for name in "ab":
        picture(tmp_path / f"good/{name}.png", 1)
    assert check(tmp_path).exit_code == 2


def test_nothing_readable_and_no_rate(tmp_path):
    (tmp_path / "good").mkdir()
    (tmp_path / "good/a.png").write_text("no")
    with pytest.raises(DatasetError, match=r"no readable picture; the first: good/a\.png"):
        check(tmp_path)
    for rate in (0.0, 1.0, -1.0):
        with pytest.raises(DatasetError, match="between 0 and 1"):
            check(tmp_path, rate)


@pytest.mark.parametrize(
    ("wanted", "promise", "prove"), [(0.01, 99, 299), (0.05, 19, 59), (0.1, 9, 29), (0.5, 1, 5)]
)
def test_how_many_goods_it_takes(wanted, promise, prove):
    need = Need(wanted, promise, prove)
    assert (need.to_promise, need.to_prove) == (promise, prove)
    assert need.promised <= wanted < Need(wanted, promise - 1, 0).promised
    # Against scipy's Clopper-Pearson: zero events among n, one-sided 95 %.
    assert need.provable == pytest.approx(beta.ppf(0.95, 1, prove)) and need.provable <= wanted
    assert beta.ppf(0.95, 1, prove - 1) > wanted
    assert Need(wanted, 0, 0).provable == 1.0 and Need(wanted, 0, 0).promised == 1.0


def test_json_holds_everything_in_plain_values(tmp_path):
    rows = [
        ("a.png", "good", "train", "g", 1),
        ("b.png", "good", "test", "g", 1),
        ("c.png", "good", "train", "", 2),
    ]
    content = json.loads(json.dumps(check(build(tmp_path, rows)).to_json()))
    assert content["exit_code"] == 1 and content["layout"] == "split.csv"
    assert content["leaks"][0]["first"] == "a.png" and content["straddling_groups"] == {
        "g": ["test", "train"]
    }
    assert content["false_rejects"]["to_promise"] == 99 and content["false_rejects"]["goods"] == 2


def test_progress_rises_to_one(tmp_path):
    told: list[float] = []
    rows = [(f"{k}.png", "good", "train", "", k) for k in range(5)]
    check(build(tmp_path, rows), progress=lambda done, what: told.append(done))
    assert told == sorted(told) and told[-1] == 1.0


def test_only_train_and_spare_may_share():
    assert same_side("train", "spare") and same_side("test", "test")
    assert not same_side("train", "test") and not same_side("spare", "val")
