"""Lines from files, tables, records and folders; what is left out is told; duplicates stay together."""

import json

import pytest

from burnish.errors import DatasetError
from burnish.media.text import LONGEST, key, load_texts

LINES = [f"Replace part {k}" for k in range(60)]


def test_lines_tables_records_and_folders_give_the_same(tmp_path):
    text = "\n".join(LINES)
    (tmp_path / "a.txt").write_text(f"\ufeff{text}\n\n \n", encoding="utf-8")
    table = "id,note\n" + "\n".join(f'{k},"{line}"' for k, line in enumerate(LINES))
    (tmp_path / "a.csv").write_text(table)
    (tmp_path / "one.tsv").write_text("note\n" + text)
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"text": line}) for line in LINES))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.txt").write_text("\n".join(LINES[:30]))
    (folder / "b.txt").write_text("\n".join(LINES[30:]))
    read = [
        load_texts(tmp_path / "a.txt"),
        load_texts(tmp_path / "a.csv", "note"),
        load_texts(tmp_path / "one.tsv"),
        load_texts(tmp_path / "a.jsonl"),
        load_texts(folder),
    ]
    assert all(list(texts.lines) == LINES for texts in read)
    assert len({texts.hash for texts in read}) == 1
    assert read[0].empty == 2


def test_long_lines_are_cut_at_spaces_and_nothing_is_lost(tmp_path):
    long = " ".join(["valve"] * 100)
    (tmp_path / "a.txt").write_text("\n".join([*LINES, long, "x" * 400]))
    texts = load_texts(tmp_path / "a.txt")
    pieces = texts.lines[len(LINES) :]
    assert texts.cut == 2
    assert max(map(len, texts.lines)) <= LONGEST
    assert " ".join(p for p in pieces if "x" not in p) == long
    assert "".join(p for p in pieces if "x" in p) == "x" * 400


def test_duplicates_are_on_one_side_of_the_hold_out(tmp_path):
    twice = LINES + [line.upper() for line in LINES] + [line.replace(" ", "  ") for line in LINES]
    (tmp_path / "a.txt").write_text("\n".join(twice))
    texts = load_texts(tmp_path / "a.txt")
    train, held = texts.holdout(0.2, seed=3)
    assert len(train) + len(held) == 180 and len(held) == 36
    assert not set(map(key, train)) & set(map(key, held))
    assert texts.holdout(0.2, seed=3)[1] == held != texts.holdout(0.2, seed=4)[1]
    assert texts.repeated == 1 and texts.different == 60


@pytest.mark.parametrize(
    ("name", "content", "column", "message"),
    [
        ("a.txt", b"", None, "0 different lines"),
        ("a.txt", b"\n \n\t\n", None, "0 different lines"),
        ("a.txt", b"one\n" * 50, None, "1 different lines"),
        ("a.txt", b"\xff\xfe\x00x", None, "no UTF-8"),
        ("a.txt", b"x", "note", "no columns"),
        ("a.csv", b"a,b\n1,2\n", None, "several columns"),
        ("a.csv", b"a,b\n1,2\n", "c", "no column 'c'.*a, b"),
        ("a.csv", b"", "c", "no column"),
        ("a.jsonl", b"{}\n[1]\nnope\n", None, "0 different lines"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path, name, content, column, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        load_texts(tmp_path / name, column)


def test_a_bad_file_in_a_folder_is_named_and_the_rest_is_read(tmp_path):
    (tmp_path / "good.txt").write_text("\n".join(LINES))
    (tmp_path / "bad.txt").write_bytes(b"\xff\xff")
    (tmp_path / "table.csv").write_text("a,b\n1,2")
    texts = load_texts(tmp_path)
    assert len(texts) == 60
    assert [p.thing for p in texts.problems] == ["bad.txt", "table.csv"]
