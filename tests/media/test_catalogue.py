import os
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from burnish.errors import DatasetError
from burnish.media import catalogue
from burnish.media.catalogue import dataset_path, entry, get, tree_sha256
from burnish.media.dataset import open_parts
from burnish.media.image import write_png
from burnish.media.sets import SETS, Entry


@pytest.fixture
def toy(tmp_path, monkeypatch) -> Entry:
    """A set that lies ready in `ready/` and, as its authors would pack it, in an archive."""
    ready = tmp_path / "ready/inspection/toy"
    for name, value in (("good/1", 10), ("good/2", 20), ("dent/3", 30)):
        write_png(ready / f"images/{name}.png", np.full((6, 8, 3), value, np.uint8))
    (ready / "split.csv").write_text("image,label\nimages/good/1.png,good\nimages/good/2.png,good\n")
    package = tmp_path / "package/splits"
    package.mkdir(parents=True)
    (package / "toy.txt").write_text("[train good]\ngood/1\ngood/2\n[test dent]\n3\n")
    monkeypatch.setattr("burnish.media.arrange.resources.files", lambda _: package.parent)
    with zipfile.ZipFile(tmp_path / "toy.zip", "w") as archive:
        for path in (ready / "images").rglob("*.png"):
            archive.write(path, f"toy-abc/{path.relative_to(ready / 'images')}")
    made = Entry(
        "toy",
        "a toy",
        "CC0",
        "https://example.org/toy",
        "inspection/toy",
        999,
        tree_sha256(ready),
        address=(tmp_path / "toy.zip").as_uri(),
        pictures_sha256=tree_sha256(ready / "images"),
    )
    monkeypatch.setattr(catalogue, "SETS", (made,))
    return made


def litter(folder: Path) -> list[str]:
    return [p.name for p in folder.iterdir() if p.name != "toy"]


def test_every_entry_says_what_it_must():
    assert len({e.name for e in SETS}) == len(SETS) == 12
    for e in SETS:
        assert e.what and e.licence and e.page.startswith("https://") and e.size > 0
        assert re.fullmatch(r"[0-9a-f]{64}", e.sha256)
        assert e.address.startswith("https://") or e.hint
        assert not e.is_file or e.address_sha256 == e.sha256


def test_an_unknown_name_lists_the_known():
    with pytest.raises(DatasetError, match="not in the catalogue") as caught:
        entry("nothing")
    assert "magnetic_tile" in caught.value.cure


def test_tree_hash_follows_names_and_content(tmp_path):
    for root in ("a", "b"):
        (tmp_path / root / "x").mkdir(parents=True)
        (tmp_path / root / "x/1").write_text("one")
        (tmp_path / root / "2").write_text("two")
    assert tree_sha256(tmp_path / "a") == tree_sha256(tmp_path / "b")
    (tmp_path / "b/2").rename(tmp_path / "b/3")
    assert tree_sha256(tmp_path / "a") != tree_sha256(tmp_path / "b")


@pytest.mark.parametrize("inside", ["ready", "ready/inspection", "ready/inspection/toy"])
def test_from_a_folder(toy, tmp_path, inside):
    told: list[str] = []
    path = get("toy", tmp_path / "my data", tmp_path / inside, told.append)
    assert path == tmp_path / "my data/toy" and tree_sha256(path) == toy.sha256 and toy.sha256 in told[0]
    assert litter(tmp_path / "my data") == []
    assert get("toy", tmp_path / "my data", tmp_path / inside, told.append) == path and "already" in told[-1]


def test_a_damaged_or_missing_source_leaves_nothing(toy, tmp_path):
    with pytest.raises(DatasetError, match="does not hold inspection/toy"):
        get("toy", tmp_path / "out", tmp_path / "package")
    (tmp_path / "ready/inspection/toy/split.csv").write_text("changed")
    with pytest.raises(DatasetError, match="damaged or another version"):
        get("toy", tmp_path / "out", tmp_path / "ready")
    assert list((tmp_path / "out").iterdir()) == []


def test_something_in_the_way_is_not_overwritten(toy, tmp_path):
    (tmp_path / "out/toy").mkdir(parents=True)
    (tmp_path / "out/toy/mine.txt").write_text("precious")
    with pytest.raises(DatasetError, match="in the way"):
        get("toy", tmp_path / "out", tmp_path / "ready")
    assert (tmp_path / "out/toy/mine.txt").read_text() == "precious"


def test_from_the_public_address(toy, tmp_path):
    told: list[str] = []
    seen: list = []
    path = get("toy", tmp_path / "out", tell=told.append, progress=lambda done, of: seen.append((done, of)))
    parts = open_parts(path)
    assert [(p.label, p.split) for p in parts] == [("dent", "test"), ("good", "train"), ("good", "train")]
    assert toy.pictures_sha256 in told[1] and seen[-1][0] == (tmp_path / "toy.zip").stat().st_size
    assert litter(tmp_path / "out") == []
    get("toy", tmp_path / "out", tell=told.append)
    assert "already" in told[-1]


def test_an_archive_without_a_known_hash_is_called_unpinned(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "SETS", (replace(toy, pictures_sha256=None),))
    told: list[str] = []
    get("toy", tmp_path / "out", tell=told.append)
    assert told[1].startswith("unpinned")


def test_other_pictures_under_the_same_names_are_refused(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "SETS", (replace(toy, pictures_sha256="0" * 64),))
    with pytest.raises(DatasetError, match="other pictures"):
        get("toy", tmp_path / "out")
    assert not (tmp_path / "out/toy").exists()


def test_a_single_file(tmp_path, monkeypatch):
    (tmp_path / "words.txt").write_text("to be")
    sha256 = tree_sha256(tmp_path / "words.txt")
    made = Entry(
        "words",
        "words",
        "MIT",
        "https://example.org",
        "text/words.txt",
        5,
        sha256,
        address=(tmp_path / "words.txt").as_uri(),
        address_sha256=sha256,
    )
    monkeypatch.setattr(catalogue, "SETS", (made,))
    assert get("words", tmp_path / "a").read_text() == "to be"
    assert get("words", tmp_path / "b", tmp_path).read_text() == "to be"
    monkeypatch.setattr(catalogue, "SETS", (replace(made, address=""),))
    with pytest.raises(DatasetError, match="no address"):
        get("words", tmp_path / "c")


def test_a_full_disk_is_named_and_leaves_nothing(toy, tmp_path, monkeypatch):
    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("burnish.media.catalogue.shutil.copytree", full)
    with pytest.raises(DatasetError, match="No space left"):
        get("toy", tmp_path / "out", tmp_path / "ready")
    assert list((tmp_path / "out").iterdir()) == []


def test_dataset_path(toy, tmp_path, monkeypatch):
    monkeypatch.delenv("BURNISH_DATA", raising=False)
    assert dataset_path("toy") is None
    monkeypatch.setenv("BURNISH_DATA", str(tmp_path))
    assert dataset_path("toy") is None
    monkeypatch.setenv("BURNISH_DATA", str(tmp_path / "ready"))
    assert dataset_path("toy") == tmp_path / "ready/inspection/toy"


@pytest.mark.parametrize("name", ["aliens", "paper_pa_gla01_tl", "tinyshakespeare", "bolt_conveyor"])
def test_the_hashes_of_real_sets(name):
    if not os.environ.get("BURNISH_DATA"):
        pytest.skip("BURNISH_DATA names no folder of ready sets")
    path = dataset_path(name)
    if path is None:
        pytest.skip(f"BURNISH_DATA holds no {name}")
    assert tree_sha256(path) == entry(name).sha256
