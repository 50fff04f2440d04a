"""What a data set is made of is seen from its files' names alone."""

import pytest

from burnish.errors import DatasetError
from burnish.media.medium import medium_of


def lay(root, *names):
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"not opened")
    return root


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["a.png", "b.jpg"], "image"),
        (["good/a.png", "bad/b.gif", "notes.txt"], "image"),
        (["a.png", "a.txt", "captions.csv"], "image"),
        (["x/frame_01.png", "x/frame_02.png", "y/Frame1.jpg"], "clip"),
        (["x/frame_01.png", "other.png"], "image"),
        (["a.mp4", "readme.md"], "clip"),
        (["a.gif"], "clip"),
        (["a.txt", "b/c.txt"], "text"),
        (["a.txt", "orders.csv"], "text"),
    ],
)
def test_folders(tmp_path, names, wanted):
    assert medium_of(lay(tmp_path, *names)) == wanted


@pytest.mark.parametrize(
    ("name", "wanted"), [("s.json", "clip"), ("v.MKV", "clip"), ("v.gif", "clip"), ("t.csv", "text")]
)
def test_files(tmp_path, name, wanted):
    assert medium_of(lay(tmp_path, name) / name) == wanted


def test_a_column_means_text(tmp_path):
    assert medium_of(lay(tmp_path, "orders.dat") / "orders.dat", "Text") == "text"


@pytest.mark.parametrize(
    ("names", "at", "why"),
    [
        ([], "", "holds no pictures, clips or text"),
        ([".hidden/a.png"], "", "holds no pictures"),
        (["captions.csv"], "", "holds captions.csv and none of the pictures"),
        (["metadata.jsonl", "x/.a.png"], "", "holds metadata.jsonl and none"),
        ([], "nowhere", "does not exist"),
        (["one.png"], "one.png", "is one picture"),
        (["model.bin"], "model.bin", "is a .bin"),
    ],
)
def test_what_is_no_data_set_is_refused(tmp_path, names, at, why):
    with pytest.raises(DatasetError, match=why):
        medium_of(lay(tmp_path, *names) / at)
