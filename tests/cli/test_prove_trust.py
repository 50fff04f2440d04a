"""`burnish prove` mark, check-mark, recover, brand, moderate as a user types them."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from burnish.cli.app import app
from burnish.errors import BurnishError
from burnish.media.image import write_png
from burnish.prove.survival import sample_pictures


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("BURNISH_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.chdir(tmp_path)

    def invoke(*words):
        done = CliRunner().invoke(app, ["prove", *map(str, words)])
        if isinstance(done.exception, BurnishError):
            raise done.exception
        return done.exit_code, done.output

    return invoke


def test_mark_check_strip_recover(run, tmp_path):
    write_png(tmp_path / "part.png", next(sample_pictures(1, 160)))
    code, text = run("mark", "part.png")
    assert code == 0
    assert "record 1, credential and spread spectrum" in text
    assert run("check-mark", "marked/part.png")[0] == 0
    code, text = run("check-mark", "part.png")
    assert (code, "no credential" in text) == (1, True)
    Image.open("marked/part.png").convert("RGB").save("web.jpg", quality=60)
    code, text = run("recover", "web.jpg")
    assert code == 0
    assert "record 1 by watermark" in text
    write_png(tmp_path / "other.png", next(sample_pictures(1, 160, seed=8)))
    code, text = run("recover", "other.png")
    assert (code, "not recognised" in text) == (1, True)


def test_a_film_gets_a_credential(run, tmp_path):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "film.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        for k in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 60 * k, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert "credential only" in run("mark", "film.mp4")[1]
    code, text = run("check-mark", "marked/film.mp4")
    assert (code, "Trusted: made by a trained model" in text) == (0, True)
    assert "record 1 by file" in run("recover", "marked/film.mp4")[1]


def test_brand_tells_the_rule_and_counts(run, tmp_path):
    (tmp_path / "rules.yaml").write_text("aspect: {width: 1, height: 1}\n")
    write_png(tmp_path / "pictures" / "a.png", np.zeros((40, 40, 3), np.uint8))
    assert run("brand", "rules.yaml", "pictures")[0] == 0
    write_png(tmp_path / "pictures" / "b.png", np.zeros((40, 60, 3), np.uint8))
    code, text = run("brand", "rules.yaml", "pictures", "--json", "found.json")
    assert code == 1
    assert "width to height 1.500; wanted 1.000" in text
    assert "1 of 2 keep all rules" in text
    assert (tmp_path / "found.json").exists()


def test_moderation_takes_what_is_yours(run, tmp_path):
    (tmp_path / "words.txt").write_text("gun\n")
    code, text = run("moderate", "a gun", "a bolt", "--words", "words.txt")
    assert code == 1
    assert "STOPPED  a gun" in text
    assert "passes   a bolt" in text
    with pytest.raises(BurnishError, match="no word list"):
        run("moderate", "a gun")
    with pytest.raises(BurnishError, match="no classifier"):
        run("moderate", "a.png", "--words", "words.txt")
