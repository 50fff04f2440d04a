"""The exit: pictures again without Burnish, rows counted, the same content on the way back, no pickle."""

import json
import pickle
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from burnish.core.process import seeded
from burnish.errors import BurnishError
from burnish.prove import regenerate
from burnish.prove.exit import enter, leave, rehearse
from burnish.prove.kinds import is_pickle, kind_of, refuse_unknown
from burnish.prove.open_tables import content_hash, read_rows
from burnish.store.tables import Cost, Epoch, Figure, Record, Review
from burnish.store.workspace import open_workspace
from burnish.verbs.load import load
from burnish.verbs.make import make
from tiny_bundles import generator, line

ALONE = """import sys, runpy
sys.modules.update(burnish=None, torch=None)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")"""


@pytest.mark.parametrize("count", [16, 100, 1237, 3072])
@pytest.mark.parametrize("seed", [0, 7, 2**40 + 3])
def test_noise_without_torch_is_torchs(seed, count):
    wanted = torch.randn(count, generator=seeded(seed, 0)).numpy()
    assert np.abs(regenerate.normal(count, regenerate.mixed(seed, 0)) - wanted).max() < 5e-6


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """An exit of two generators and a workspace with every kind of value."""
    folder = tmp_path_factory.mktemp("exit")
    generator(folder / "words", classes=2, buckets=64)
    generator(folder / "gray", channels=1)
    workspace = open_workspace(folder / "workspace")
    moment = datetime(2026, 11, 3, 4, 5, 6, 789, UTC)
    with workspace.session() as session:
        for number in range(1, 6):
            made = {"seed": 2**62 + number, "seconds": 0.1 * number, "joules": None}
            made |= {"settings": {"b": [1, None], "a": 'é,"\n'}, "started": moment}
            session.add(Record(number=number, verb="make", **made))
        session.flush()
        session.add(Cost(record_number=1, kind="energy", amount=Decimal("0.000000000001230"), currency="EUR"))
        session.add(Figure(what="miss rate", value=1 / 3, next_check=date(2026, 12, 1), detail={"x": 0.1}))
        session.add(Epoch(id=1, task="t", seed=2**60))
        session.flush()
        for place, verdict in enumerate(("used", "reject", "")):
            session.add(Review(epoch_id=1, record_number=place + 1, item=f"{place}.png", item_hash="ab",
                               reviewer="ann", verdict=verdict, seconds=1.5))  # fmt: skip
    done = leave([folder / "words", folder / "gray"], folder / "left", workspace, ["", "cat", "red dot"])
    return folder, workspace, done


def test_three_seeds_come_again_where_burnish_is_not(left, record_property):
    folder, _, done = left
    text = "\n".join(done.rehearsal)
    assert text.count("within the tolerance of 2 of 255") == 2 and "NOT within" not in text
    assert text.count("seed ") == 6
    script = folder / "left" / "models" / "words" / "regenerate.py"
    words = ["--seed", "11", "--description", "Dog", "--out", str(folder / "new.png")]
    subprocess.run([sys.executable, "-I", "-c", ALONE, str(script), *words], check=True, capture_output=True)
    wanted = next(iter(make(load(folder / "words"), "dog", 1, 8, 1.0, 11))).astype(int)
    with Image.open(folder / "new.png") as picture:
        assert np.abs(np.asarray(picture).astype(int) - wanted).max() <= 2
    record_property("measured", next(line for line in done.rehearsal if "seed 1" in line).strip())


def test_guidance_and_unknown_words(left):
    model = regenerate.Generator(left[0] / "left" / "models" / "words")
    model.facts["guidance"] = 3.0
    wanted = next(iter(make(load(left[0] / "words"), "cat", 1, 8, 3.0, 4))).astype(int)
    assert np.abs(model.make(4, "cat").astype(int) - wanted).max() <= 2
    with pytest.raises(SystemExit, match="knows no words"):
        regenerate.Generator(left[0] / "left" / "models" / "gray").told("cat")


def test_tables_have_their_rows(left, record_property):
    folder, workspace, done = left
    rows = read_rows(workspace.engine)
    assert done.tables == {name: len(found) for name, found in rows.items()}
    assert done.tables["record"] == 5 and done.tables["review"] == 3
    for name, count in done.tables.items():
        table = pq.read_table(folder / "left" / "tables" / f"{name}.parquet")
        assert table.num_rows == count
        assert table.to_pylist() == rows[name]
    cost = pq.read_table(folder / "left" / "tables" / "cost.parquet").to_pylist()[0]
    assert Decimal(cost["amount"]) == Decimal("0.00000000000123")
    coco = json.loads((folder / "left" / "tables" / "verdicts.coco.json").read_text())
    assert [(a["image_id"], a["category_id"]) for a in coco["annotations"]] == [(1, 1), (2, 3)]
    assert [c["name"] for c in coco["categories"]] == ["used", "rework", "reject"]
    record_property(
        "measured", f"{sum(done.tables.values())} rows in {len(done.tables)} tables, counts match"
    )


def test_the_way_back_has_the_same_content(left, tmp_path, record_property):
    folder, workspace, done = left
    assert enter(folder / "left", tmp_path / "back") == done.content
    back = open_workspace(tmp_path / "back" / "workspace")
    assert read_rows(back.engine) == read_rows(workspace.engine)
    assert load(tmp_path / "back" / "models" / "words").bundle.hash == load(folder / "words").bundle.hash
    with back.session() as session:
        assert session.get(Record, 2).settings == {"b": [1, None], "a": 'é,"\n'}
        session.get(Record, 2).seconds = 0.25
    assert content_hash(read_rows(back.engine)) != content_hash(read_rows(workspace.engine))
    with pytest.raises(BurnishError, match="not empty"):
        enter(folder / "left", tmp_path / "back")
    record_property("measured", "content hash the same on the way back")


def test_no_pickle_anywhere(left, tmp_path, record_property):
    count = refuse_unknown(left[0] / "left")
    assert count > 40
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert is_pickle(pickle.dumps({"a": [1, np.float64]}, protocol))
    torch.save({"a": torch.zeros(2)}, tmp_path / "a.json")
    assert is_pickle((tmp_path / "a.json").read_bytes()) and kind_of(tmp_path / "a.json") is None
    (tmp_path / "a.json").unlink()
    for name in ("a.pkl", "a.txt", "a.safetensors", "a.png", "a.onnx"):
        (tmp_path / name).write_bytes(pickle.dumps(np.float64, 0 if name == "a.txt" else 4))
        with pytest.raises(BurnishError, match=f"{name}.*could carry code"):
            refuse_unknown(tmp_path)
        (tmp_path / name).unlink()
    record_property("measured", f"{count} files, none of them a pickle")


def test_an_inspector_leaves_too(tmp_path):
    line(tmp_path / "line")
    done = leave([tmp_path / "line"], tmp_path / "left", open_workspace(tmp_path / "w"))
    assert done.models["line"]["onnx"] == ["inspector.onnx"]
    assert any("within the tolerance of 0.001" in said for said in done.rehearsal)
    for name, value in (("dark", 30), ("bright", 200)):
        Image.fromarray(np.full((90, 70, 3), value, np.uint8)).save(tmp_path / f"{name}.png")
    script = tmp_path / "left" / "models" / "line" / "rejudge.py"
    words = [str(tmp_path / "dark.png"), str(tmp_path / "bright.png")]
    said = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, str(script), *words], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert "dark.png: pass, score 0.1176" in said[0] and "bright.png: reject, score 0.7843" in said[1]


def test_damage_is_told(left, tmp_path):
    broken = shutil.copytree(left[0] / "left", tmp_path / "left")
    table = broken / "tables" / "record.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(BurnishError, match=r"record\.csv was changed"):
        enter(broken, tmp_path / "back")
    with pytest.raises(BurnishError, match=r"does not hold without Burnish.*WRONG: tables/record\.csv"):
        rehearse(broken)
    expected = broken / "models" / "words" / "expected" / "00001.png"
    Image.fromarray(np.asarray(Image.open(expected)) ^ 8).save(expected)
    with pytest.raises(BurnishError, match="NOT within the tolerance"):
        rehearse(broken)
    with pytest.raises(BurnishError, match="is no exit"):
        enter(tmp_path, tmp_path / "elsewhere")


def test_a_failed_exit_leaves_nothing(tmp_path):
    with pytest.raises(BurnishError, match="not a bundle"):
        leave([tmp_path / "none"], tmp_path / "left", open_workspace(tmp_path / "w"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["w"]
    (tmp_path / "w" / "mine.txt").write_text("keep")
    with pytest.raises(BurnishError, match="is not empty"):
        leave([], tmp_path / "w", open_workspace(tmp_path / "w"))


def test_names_are_not_taken_twice(tmp_path):
    for folder in ("a", "b"):
        generator(Path(tmp_path / folder / "m"))
    done = leave(
        [tmp_path / "a" / "m", tmp_path / "b" / "m"], tmp_path / "left", open_workspace(tmp_path / "w")
    )
    assert list(done.models) == ["m", "m-2"]
