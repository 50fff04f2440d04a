import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from burnish.cli.data import app
from burnish.errors import DatasetError
from burnish.media.image import write_png
from burnish.media.sets import SETS


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


def picture(path: Path, seed: int) -> None:
    write_png(path, np.random.default_rng(seed).integers(0, 255, (30, 40, 3), np.uint8))


@pytest.fixture
def folder(tmp_path) -> Path:
    root = tmp_path / "Meine Prüflinge"
    for k in range(3):
        picture(root / f"train/good/{k}.png", k)
    picture(root / "test/good/9.png", 9)
    picture(root / "test/defect/crack [a]/5.png", 5)
    return root


def test_list_shows_every_set_with_licence_hash_and_address():
    result = run("list")
    assert result.exit_code == 0
    shown = "".join(character for character in result.output if character not in " \n│")
    for entry in SETS:
        for text in (entry.name, entry.licence, entry.sha256, entry.address or entry.page):
            assert text.replace(" ", "") in shown


def test_check_of_a_fine_folder(folder):
    result = run("check", str(folder), "--false-rejects", "0.25")
    assert result.exit_code == 0, result.output
    assert "crack [a]" in result.output and "Fine." in result.output
    assert "takes 3 different good parts in train; there are 3 (enough)" in result.output
    assert "takes 11 different good parts in test; there are 1" in result.output


def test_check_names_problems_exits_with_1_and_writes_json(folder, tmp_path):
    (folder / "train/good/text.png").write_text("no picture")
    picture(folder / "test/good/leak.png", 0)
    result = run("check", str(folder), "--json", str(tmp_path / "deep/report.json"))
    assert result.exit_code == 1
    assert "train/good/text.png: is not a picture that can be read" in result.output
    assert "test/good/leak.png (test, good) = train/good/0.png (train, good), exact" in result.output
    content = json.loads((tmp_path / "deep/report.json").read_text(encoding="utf-8"))
    assert content["problems"][0]["thing"] == "train/good/text.png" and len(content["leaks"]) == 1


def test_long_lists_are_cut_and_say_so(folder):
    for k in range(25):
        (folder / f"train/good/x{k:02}.png").write_text("no picture")
    result = run("check", str(folder))
    assert "25 files and rows with problems" in result.output and "and 5 more" in result.output


def test_check_of_one_good_part_exits_with_2(tmp_path):
    picture(tmp_path / "good/1.png", 1)
    result = run("check", str(tmp_path))
    assert result.exit_code == 2 and "two good parts are the least" in result.output


def test_user_errors_are_ours(tmp_path, folder):
    (tmp_path / "file").write_text("")
    for arguments in (
        ("check", str(tmp_path / "none")),
        ("check", str(folder), "--false-rejects", "2"),
        ("check", str(folder), "--json", str(tmp_path / "file" / "x.json")),
        ("get", "nothing"),
        ("get", "aliens", "--from", str(tmp_path), "--to", str(tmp_path / "out")),
    ):
        result = run(*arguments)
        assert isinstance(result.exception, DatasetError) and result.exception.exit_code == 2


def test_get_from_a_folder(tmp_path, monkeypatch):
    from burnish.media import catalogue
    from burnish.media.catalogue import tree_sha256
    from burnish.media.sets import Entry

    picture(tmp_path / "ready/inspection/toy/good/1.png", 1)
    sha256 = tree_sha256(tmp_path / "ready/inspection/toy")
    toy = Entry("toy", "a toy", "CC0", "https://example.org", "inspection/toy", 1, sha256)
    monkeypatch.setattr(catalogue, "SETS", (toy,))
    result = run("get", "toy", "--from", str(tmp_path / "ready"), "--to", str(tmp_path / "my data"))
    assert result.exit_code == 0, result.output
    assert f"checked: sha256 {sha256}" in result.output and str(tmp_path / "my data/toy") in result.output
    assert (tmp_path / "my data/toy/good/1.png").is_file()
