"""Marking files, checking them, and finding the record of stripped ones."""

import numpy as np
import pytest
from PIL import Image

from burnish.errors import BurnishError
from burnish.media.image import read_image, write_png
from burnish.prove.ledger import Ledger
from burnish.prove.marking import Marker
from burnish.prove.survival import WEARS, measure, sample_pictures
from burnish.store.workspace import open_workspace


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A workspace with four marked parts, and the folder they lie in."""
    folder = tmp_path_factory.mktemp("shop")
    workspace = open_workspace(folder / "workspace")
    marker, ledger = Marker(workspace), Ledger(workspace)
    marked = []
    for k, part in enumerate(sample_pictures(4, size=160, seed=9)):
        file = folder / "made" / f"{k}.png"
        number = ledger.begin("make", medium="image", seed=3, index=k, model_hash="abcd")
        write_png(file, part, {"parameters": f"part {k}"})
        ledger.finish(number, file)
        marked.append((number, marker.mark(file, folder / "marked" / file.name, ledger)))
    return folder, marker, ledger, marked


def test_a_marked_output_carries_its_own_record(shop):
    _, marker, _, marked = shop
    for number, result in marked:
        assert result.record == number
        found = marker.check(result.file)
        assert found.good
        assert found.same_file
        assert found.credential.made_by_model
        assert found.credential.record == number
        assert dict(found.credential.facts) == {"model": "abcd", "seed": "3"}
        assert str(found).startswith("Trusted: made by a trained model")
        assert Image.open(result.file).info["parameters"].startswith("part ")


def test_a_changed_file_is_not_good(shop, tmp_path):
    _, marker, _, marked = shop
    data = bytearray(marked[0][1].file.read_bytes())
    data[len(data) - 200] ^= 1
    (tmp_path / "changed.png").write_bytes(data)
    found = marker.check(tmp_path / "changed.png")
    assert not found.good
    assert str(found).startswith("Invalid")


def test_a_stripped_file_finds_its_record_wherever_detection_succeeds(shop, tmp_path):
    _, marker, _, marked = shop
    rng, detected = np.random.default_rng(0), 0
    for number, result in marked:
        image = read_image(result.file)
        for wear, apply in WEARS.items():
            stripped = tmp_path / f"{number} {wear}.png"
            write_png(stripped, apply(image, rng))
            assert not marker.check(stripped).good
            clues = marker.recover(stripped)
            detected += any(clue.how == "watermark" for clue in clues)
            assert clues
            assert {clue.record for clue in clues} == {number}
    assert detected == 4 * len(WEARS)


def test_the_marked_file_itself_is_recognised_in_every_way(shop):
    _, marker, _, marked = shop
    clues = marker.recover(marked[1][1].file)
    assert [clue.how for clue in clues] == ["file", "credential", "watermark", "perceptual hash"]


def test_a_stranger_is_not_recognised(shop, tmp_path):
    _, marker, _, _ = shop
    write_png(tmp_path / "other.png", next(sample_pictures(1, size=160, seed=77)))
    assert marker.recover(tmp_path / "other.png") == []


def test_a_jpeg_from_elsewhere_gets_a_record_of_its_own(shop, tmp_path):
    _, marker, ledger, marked = shop
    part = next(sample_pictures(1, size=160, seed=50))
    Image.fromarray(part).save(tmp_path / "photo.jpg", quality=92)
    result = marker.mark(tmp_path / "photo.jpg", tmp_path / "out.jpg", ledger)
    assert result.record > max(number for number, _ in marked)
    assert marker.check(tmp_path / "out.jpg").good
    assert marker.recover(tmp_path / "out.jpg")[0].record == result.record


def test_without_a_watermark_pixels_stay_as_they_are(shop, tmp_path):
    folder, marker, ledger, _ = shop
    result = marker.mark(folder / "made" / "0.png", tmp_path / "0.png", ledger, hide=False)
    assert result.psnr is None
    assert np.array_equal(read_image(result.file), read_image(folder / "made" / "0.png"))


def test_survival_is_counted(shop):
    _, marker, _, _ = shop
    found = measure(marker, sample_pictures(2, 96, seed=3), sample_pictures(2, 96, seed=4))
    assert (found.marked, found.unmarked, found.wrong) == (2, 2, 0)
    assert found.watermark["as it is"] == 2
    assert found.rates()["either: JPEG 90"].of == 2
    assert "PSNR" in str(found)


def test_what_cannot_be_marked_is_refused(shop, tmp_path):
    folder, marker, ledger, _ = shop
    with pytest.raises(BurnishError, match="not of the kind"):
        marker.mark(folder / "made" / "0.png", tmp_path / "0.jpg", ledger)
    with pytest.raises(BurnishError, match="cannot be read"):
        marker.mark(tmp_path / "missing.png", tmp_path / "0.png", ledger)
