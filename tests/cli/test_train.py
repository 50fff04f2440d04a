"""`burnish train` and `burnish make` as commands, on a rendered folder."""

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from burnish.cli.make import make
from burnish.cli.progress import clock
from burnish.cli.train import train
from burnish.errors import BurnishError
from burnish.nets import hourglass
from burnish.train import diffusion

app = typer.Typer()
app.command("train")(train)
app.command("make")(make)


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """Trained by the command itself, with a small network."""

    def preset(size, **changes):
        return hourglass.preset(size, **{"widths": (32, 32), "depths": (1, 1), "told": 32, **changes})

    monkeypatch.setattr(diffusion, "preset", preset)
    rng = np.random.default_rng(0)
    for k in range(6):
        place = tmp_path / "my pictures" / "ab"[k % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(place / f"{k}.png")
    out = tmp_path / "bundle é"
    result = CliRunner().invoke(
        app, ["train", str(tmp_path / "my pictures"), "--out", str(out), "--steps", "2", "--size", "32"]
    )
    assert result.exit_code == 0, result.output
    assert "Found 6 pictures" in result.output
    assert "2 classes (a, b)" in result.output
    assert "2 updates in" in result.output
    return out


def test_train_then_make(bundle, tmp_path):
    made = tmp_path / "made"
    options = ["--n", "2", "--steps", "2", "--guidance", "2", "--seed", "4", "--out", str(made)]
    result = CliRunner().invoke(app, ["make", str(bundle), "a", *options])
    assert result.exit_code == 0, result.output
    assert "2 pictures in" in result.output
    assert sorted(f.name for f in made.iterdir()) == ["00000.png", "00001.png", "sheet.png"]
    wrong = CliRunner().invoke(app, ["make", str(bundle), "zebra", *options])
    assert isinstance(wrong.exception, BurnishError)
    assert "Its classes are: a, b" in str(wrong.exception)


def test_clock():
    assert [clock(s) for s in (0, 65, 3600 * 2 + 184)] == ["0:00", "1:05", "2:03:04"]


def test_presets_negative_words_and_the_film(bundle, tmp_path):
    made = tmp_path / "film"
    options = ["--n", "1", "--preset", "draft", "--guidance", "2", "--negative", "b", "--film", "--strict"]
    result = CliRunner().invoke(app, ["make", str(bundle), "a", *options, "--out", str(made)])
    assert result.exit_code == 0, result.output
    assert sorted(f.name for f in made.iterdir()) == ["00000.png", "film.gif", "sheet.png"]
    with Image.open(made / "00000.png") as picture:
        text = picture.text["parameters"]  # type: ignore[attr-defined]
    assert "Steps: 2" in text and "Negative prompt: b" in text
    wrong = CliRunner().invoke(app, ["make", str(bundle), "a", "--preset", "best", "--out", str(made)])
    assert "Known: draft, standard, fine" in str(wrong.exception)
