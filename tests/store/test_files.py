"""Files appear whole or not at all."""

import json

import pytest

from burnish.errors import BurnishError
from burnish.store.files import write_json, write_text


def test_text_and_json_are_written_with_their_folder(tmp_path):
    file = tmp_path / "new" / "a.json"
    write_json(file, {"ü": [1, None]})
    assert json.loads(file.read_text(encoding="utf-8")) == {"ü": [1, None]}
    write_text(file, "other")
    assert file.read_text(encoding="utf-8") == "other" and list(file.parent.iterdir()) == [file]


def test_what_cannot_be_written_leaves_the_old_file(tmp_path):
    file = tmp_path / "a.json"
    write_json(file, 1)
    with pytest.raises(ValueError):
        write_json(file, float("nan"))
    assert file.read_text(encoding="utf-8") == "1\n"
    with pytest.raises(BurnishError, match="cannot be written"):
        write_text(file / "below", "x")
