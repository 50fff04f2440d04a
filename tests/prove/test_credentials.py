"""Content credentials: what validates, what does not, and who is trusted."""

import io

import numpy as np
import pytest
from PIL import Image

from burnish.errors import BurnishError
from burnish.prove.certificates import CHAIN, KEY, open_identity
from burnish.prove.credentials import attach, check, check_file, media_type


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    return open_identity(tmp_path_factory.mktemp("keys"))


def picture(kind="PNG", side=32):
    out = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(noise).save(out, kind)
    return out.getvalue()


def film():
    av = pytest.importorskip("av")
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        for k in range(4):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 40 * k, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "make"),
    [("image/png", picture), ("image/jpeg", lambda: picture("JPEG")), ("video/mp4", film)],
    ids=["PNG", "JPEG", "MP4"],
)
def test_it_validates_and_says_that_a_model_made_it(identity, kind, make):
    signed = attach(make(), kind, identity, 17, {"model": "ab12"}, "thing")
    found = check(signed, kind, identity.root)
    assert (found.state, found.record, dict(found.facts)) == ("Trusted", 17, {"model": "ab12"})
    assert found.made_by_model
    assert found.source == ("http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",)
    stranger = check(signed, kind)
    assert stranger.state == "Valid"
    assert stranger.made_by_model
    middle = bytearray(signed)
    middle[len(middle) // 2] ^= 1
    last = bytearray(signed)
    last[-40] ^= 1
    assert check(bytes(middle), kind, identity.root).state == "Invalid"
    assert check(bytes(last), kind, identity.root).state == "Invalid"
    assert check(make(), kind, identity.root).state == "None"


def test_no_flipped_byte_of_a_picture_passes(identity, record_property):
    """Every fourth of the first 2,600 (boxes, claim, signature, where the padding begins), then every 29th.
    Once all 15,921 were tried: none passed."""
    signed = attach(picture(), "image/png", identity, 17, {}, "thing.png")
    places = sorted({*range(0, 2600, 4), *range(2600, len(signed), 29)})
    passed = []
    for place in places:
        changed = bytearray(signed)
        changed[place] ^= 1
        if check(bytes(changed), "image/png", identity.root).state not in ("Invalid", "None"):
            passed.append(place)
    record_property("measured", f"{len(places) - len(passed)} of {len(places)} flipped bytes are Invalid")
    assert passed == []


def test_saving_again_as_jpeg_strips_it(identity):
    signed = attach(picture("JPEG"), "image/jpeg", identity, 17, {}, "thing.jpg")
    out = io.BytesIO()
    Image.open(io.BytesIO(signed)).save(out, "JPEG", quality=95)
    assert check(out.getvalue(), "image/jpeg", identity.root).state == "None"


def test_marking_again_replaces_the_credential(identity):
    once = attach(picture(), "image/png", identity, 1, {}, "thing.png")
    twice = attach(once, "image/png", identity, 2, {}, "thing.png")
    assert check(twice, "image/png", identity.root).record == 2
    assert len(twice) < len(once) + 100


def test_another_workspace_is_not_trusted(identity, tmp_path):
    signed = attach(picture(), "image/png", open_identity(tmp_path), 17, {}, "thing.png")
    assert check(signed, "image/png", identity.root).state == "Valid"


def test_keys_are_kept_and_private(tmp_path):
    first, again = open_identity(tmp_path), open_identity(tmp_path)
    assert first.chain == again.chain
    assert (tmp_path / KEY).stat().st_mode & 0o077 == 0
    (tmp_path / CHAIN).write_text("nonsense", encoding="ascii")
    with pytest.raises(BurnishError, match="damaged keys"):
        open_identity(tmp_path)
    (tmp_path / CHAIN).unlink()
    with pytest.raises(BurnishError, match="not all"):
        open_identity(tmp_path)


def test_other_kinds_are_refused(identity, tmp_path):
    with pytest.raises(BurnishError, match="cannot carry a credential"):
        media_type("thing.bmp")
    with pytest.raises(BurnishError, match="cannot be given a credential"):
        attach(b"no picture", "image/png", identity, 1, {}, "thing.png")
    with pytest.raises(BurnishError, match="cannot be read"):
        check_file(tmp_path / "missing.png")
