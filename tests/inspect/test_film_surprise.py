"""`burnish inspect clip` as a function and as a command, on a model whose network adds nothing yet."""

import numpy as np
import pytest
from typer.testing import CliRunner

from burnish.cli.app import app
from burnish.errors import BundleError, BurnishError
from burnish.inspect.clip import differences, inspect_film
from burnish.media.film import read_film, write_film
from burnish.samples.film import render_film, write_films
from burnish.train.budget import Budget
from burnish.train.clips import train
from burnish.verbs.load import load


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    place = tmp_path_factory.mktemp("films")
    write_films(place / "films", each=3, frames=8, size=32)
    done = train(
        place / "films", place / "b", Budget(steps=2), size=32, frames=8, widths=(32,), depths=(1,), told=32
    )
    assert done.bundle is not None
    return done.bundle.path


def test_a_foreign_frame_is_the_most_surprising_one(bundle):
    model = load(bundle)
    assert len(model.bundle.meta["surprise"]) >= 8
    film = render_film("ring", 50, "wear", 20, foreign=11)
    rows = inspect_film(model, list(film))
    assert [row.frame for row in rows] == list(range(20))
    assert max(rows, key=lambda row: row.surprise).frame == 11
    assert rows[11].p is not None
    assert rows[11].p <= min(row.p for row in rows if row.p is not None)
    with pytest.raises(BurnishError, match="too few"):
        inspect_film(model, list(film[:2]))


def test_differences_are_means_over_the_neighbours():
    film = np.zeros((4, 2, 2, 3), np.uint8)
    film[2] = 8
    assert differences(film).tolist() == [0, 4, 8, 8]


def test_the_commands_of_clips(bundle, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    film = write_film(tmp_path / "film.gif", list(render_film("ring", 50, "wear", 9, 32, foreign=4)))
    run = CliRunner()
    shown = run.invoke(app, ["inspect", "clip", str(bundle), str(film), "--alarm", "0.05"])
    assert shown.exit_code == 0, shown.output
    assert shown.output.count("\n") > 9
    frame = tmp_path / "first.png"
    from PIL import Image

    Image.fromarray(render_film("ring", 7, frames=2)[0]).save(frame)
    for words in (
        ["wear", "--out", "a.mp4"],
        ["--first-frame", str(frame), "--out", "b.mp4"],
        ["--extend", "b.mp4", "--more", "3", "--out", "c.gif"],
        ["--repair", "c.gif", "--frames", "2,4-5", "--out", "d.gif"],
    ):
        done = run.invoke(app, ["make", str(bundle), *words, "--steps", "1"])
        assert done.exit_code == 0, (words, done.output, done.exception)
    assert [len(read_film(tmp_path / name).frames) for name in ("a.mp4", "b.mp4", "c.gif", "d.gif")] == [
        8,
        8,
        11,
        11,
    ]
    wrong = run.invoke(app, ["make", str(bundle), "--repair", "c.gif", "--out", "e.gif"])
    assert isinstance(wrong.exception, BurnishError)


def test_a_model_of_something_else_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("burnish.verbs.load.load", lambda path: object())
    done = CliRunner().invoke(app, ["inspect", "clip", str(tmp_path), str(tmp_path)])
    assert isinstance(done.exception, BundleError)
