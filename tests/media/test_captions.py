"""Captions in every usual form; what is wrong is named, the rest trains."""

import json

import numpy as np
import pytest
from PIL import Image

from burnish.errors import DatasetError
from burnish.media.captions import read_captions


@pytest.fixture
def folder(tmp_path):
    for name in ("a.png", "b.png", "sub/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / name)
    return tmp_path


def said(found):
    return {s.file.name: (s.caption, s.others) for s in found[1]}


def test_a_table_may_say_it_in_several_ways(folder):
    (folder / "captions.csv").write_text(
        'file,name,short_names,category\na.png,red heart,heart,Symbols\nsub/c.png,"a, b",a_b-c,"a, b"\n',
        encoding="utf-8-sig",
    )
    found = read_captions(folder)
    assert found is not None
    assert found[0] == "captions.csv"
    assert said(found) == {"a.png": ("red heart", ("heart", "Symbols")), "c.png": ("a, b", ("a b c",))}


def test_lines_of_json(folder):
    rows = [{"file_name": "a.png", "text": "one", "more": 3}, {"file_name": "gone.png", "text": "x"}, [1]]
    (folder / "metadata.jsonl").write_text("\n".join([*map(json.dumps, rows), "{broken", ""]))
    found = read_captions(folder)
    assert found is not None
    assert said(found) == {"a.png": ("one", ())}
    assert [(p.thing, p.kind) for p in found[2]] == [
        ("metadata.jsonl line 2", "missing"),
        ("metadata.jsonl line 3", "broken"),
        ("metadata.jsonl line 4", "broken"),
    ]


def test_a_text_file_beside_each(folder):
    (folder / "a.txt").write_text("  two\nlines ")
    (folder / "b.txt").write_bytes(b"\xff\xfe\xff")
    found = read_captions(folder)
    assert found is not None
    assert found[0] == "text files"
    assert said(found) == {"a.png": ("two lines", ()), "b.png": ("", ()), "c.png": ("", ())}
    assert [p.thing for p in found[2]] == ["b.txt", "c.txt"]
    assert read_captions(folder, beside=False) is None


def test_few_text_files_are_no_captions(folder):
    (folder / "a.txt").write_text("readme")
    assert read_captions(folder) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [(b"picture,words\na.png,x\n", "no columns file and name"), (b"\xff\xff", "cannot be read")],
)
def test_a_table_that_cannot_be_read_is_refused(folder, text, why):
    (folder / "captions.csv").write_bytes(text)
    with pytest.raises(DatasetError, match=why):
        read_captions(folder)
