"""What a sealed run makes: pictures that come again to the byte, verdicts on parts that the seeds draw."""

import json
import shutil

import numpy as np
import pytest
import torch

from burnish.errors import BurnishError
from burnish.media.film import read_film
from burnish.media.image import read_image, write_png
from burnish.prove.keys import signing_key
from burnish.prove.log import Log, encode
from burnish.prove.makers import Generated, Verdicts, maker_of
from burnish.prove.seal import publish, seal
from burnish.prove.verify_seal import BROKEN, UNANCHORED, drawn, verify
from burnish.store.bundle import Bundle
from burnish.verbs.load import load
from burnish.verbs.make import make
from tiny_bundles import generator, line


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Twenty pictures, every fourth with a bright spot, and one file that is no picture."""
    folder = tmp_path_factory.mktemp("parts") / "images"
    for number in range(20):
        image = np.full((64, 64, 3), 40 + number, np.uint8)
        if number % 4 == 0:
            image[8:16, 8:16] = 255
        write_png(folder / f"{number:02d}.png", image)
    (folder / "20.png").write_bytes(b"torn")
    return folder


def test_pictures_take_descriptions_in_turn_and_come_again(tmp_path):
    generator(tmp_path / "b", classes=2)
    maker = maker_of(tmp_path / "b", ["cat", "dog"], steps=2)
    assert isinstance(maker, Generated)
    seeds = [11, 12, 13]
    files = [maker.make(k, seeds, tmp_path) for k in range(3)]
    assert [maker.about(k, seeds)["description"] for k in range(3)] == ["cat", "dog", "cat"]
    wanted = next(iter(make(load(tmp_path / "b"), "dog", 1, 2, seed=12, strict=True)))
    assert (read_image(files[1]) == wanted).all()
    first = files[0].read_bytes()
    assert maker.make(0, seeds, tmp_path).read_bytes() == first
    with pytest.raises(BurnishError, match="Its classes are"):
        maker_of(tmp_path / "b", ["horse"])


def test_an_inspector_judges_what_the_seeds_draw(tmp_path, parts, record_property):
    line(tmp_path / "line")
    maker = maker_of(tmp_path / "line", parts=parts)
    assert isinstance(maker, Verdicts) and len(maker.parts) == 21
    key = signing_key(tmp_path / "key.pem")
    done = seal(tmp_path / "run", key, maker, 15)
    assert done.made == 15 and verify(tmp_path / "run").code == UNANCHORED
    outputs = Log(tmp_path / "run", key).of("output")
    names = [fact["part"] for fact in outputs]
    assert len(set(names)) == 15 and names != sorted(names)
    assert names[3] == drawn(sorted(maker.parts), [fact["seed"] for fact in outputs[:4]])
    for fact in outputs:
        said = json.loads((tmp_path / "run" / "outputs" / fact["file"]).read_text())
        number = int(fact["part"][:2])
        wanted = "hold" if number == 20 else "reject" if number % 4 == 0 else "pass"
        assert said["verdict"] == wanted and said["part"] == fact["part"]
    record_property("measured", f"an inspector's seal: {len(outputs)} verdicts on parts that the seeds drew")


def test_a_part_of_ones_own_choice_is_found(tmp_path, parts):
    line(tmp_path / "line")
    key, maker = signing_key(tmp_path / "key.pem"), Verdicts(tmp_path / "line", parts)
    seal(tmp_path / "run", key, maker, 3)
    file = tmp_path / "run" / "log.jsonl"
    facts = [json.loads(record) for record in file.read_bytes().splitlines()]
    taken = {fact.get("part") for fact in facts}
    other = next(name for name in maker.parts if name not in taken)
    for fact in facts:
        if fact["kind"] == "output" and fact["number"] == 1:
            fact |= {"part": other, "part_sha256": maker.parts[other]}
    file.write_bytes(b"".join(encode(fact) + b"\n" for fact in facts))
    (tmp_path / "run" / "checkpoint.note").unlink()
    publish(Log(tmp_path / "run", key))
    report = verify(tmp_path / "run")
    assert report.code == BROKEN and "no. 1: judged another part" in report.lines[0]


def test_a_part_changed_since_the_commitment_fails_with_its_number(tmp_path, parts):
    line(tmp_path / "line")
    own = shutil.copytree(parts, tmp_path / "parts")
    maker = Verdicts(tmp_path / "line", own)
    for file in own.iterdir():
        file.write_bytes(b"changed")
    done = seal(tmp_path / "run", signing_key(tmp_path / "key.pem"), maker, 2)
    assert (done.made, done.failed) == (0, 2)


def test_what_cannot_be_sealed_says_why(tmp_path, parts):
    line(tmp_path / "line")
    with pytest.raises(BurnishError, match="needs parts to judge"):
        maker_of(tmp_path / "line")
    with pytest.raises(BurnishError, match="not a bundle"):
        maker_of(tmp_path)
    with pytest.raises(BurnishError, match="judges no parts"):
        maker_of(generator(tmp_path / "model").path, parts=parts)
    with pytest.raises(BurnishError, match="only 21 parts"):
        seal(tmp_path / "run", signing_key(tmp_path / "k.pem"), maker_of(tmp_path / "line", parts=parts), 22)


def test_clips_are_sealed_alike(tmp_path, monkeypatch):
    ramp = np.array([0, 10, 20], np.uint8).reshape(3, 1, 1, 1)
    frames = [np.full((3, 16, 16, 3), value, np.uint8) + ramp for value in (40, 90)]
    asked = []

    def make_clips(model, description, n, steps, guidance, seed):
        asked.append((description, n, steps, guidance, seed, torch.are_deterministic_algorithms_enabled()))
        yield frames[seed % 2]

    class Model:
        bundle = Bundle(tmp_path, {"kind": "diffusion", "media": "clip", "files": {}})

        def condition(self, description):
            assert description == "worn"

    monkeypatch.setattr("burnish.verbs.load.load", lambda _: Model())
    monkeypatch.setattr("burnish.verbs.clips.make", make_clips)
    maker = Generated(tmp_path, ["worn"], steps=3)
    assert maker.facts["medium"] == "clip"
    file = maker.make(1, [10, 11], tmp_path)
    assert file.name == "00001.gif" and asked == [("worn", 1, 3, 1.0, 11, True)]
    shown = read_film(file).frames
    assert len(shown) == 3 and abs(float(np.mean(shown)) - 100) < 4
