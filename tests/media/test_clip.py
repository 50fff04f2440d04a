"""Clips as a data set: every form of source, hold-out, windows; what is wrong is named."""

import json

import numpy as np
import pytest
from PIL import Image

from burnish.errors import DatasetError
from burnish.media.clip import load_clips, shrink, window
from burnish.media.film import write_film


def save(path, value, size=(24, 16)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((size[1], size[0], 3), value, np.uint8)).save(path)


def levels(take):
    return [int(frame[0, 0, 0]) for frame in take.frames]


@pytest.fixture
def pictures(tmp_path):
    for k in range(6):
        save(tmp_path / "images" / "good" / f"p{k}.png", 10 * k)
    return tmp_path


def listed(folder, data):
    (folder / "list.json").write_text(json.dumps(data))
    return load_clips(folder / "list.json", 16)


def test_json_lists_in_every_form(pictures):
    by_name = listed(pictures, {"a": ["p0", "p1", "p2"], "b": ["p5.png", "images/good/p4.png"]})
    assert [(take.name, levels(take)) for take in by_name.takes] == [("a", [0, 10, 20]), ("b", [50, 40])]
    assert by_name.takes[0].frames.shape == (3, 16, 24, 3)
    assert (by_name.layout, by_name.frames, by_name.classes) == ("json", 5, ())
    assert [len(t) for t in listed(pictures, [["p0", "p1"], ["p2"]]).takes] == [2, 1]
    assert [t.name for t in listed(pictures, ["p0", "p1"]).takes] == ["list"]
    told = listed(
        pictures,
        [{"name": "x", "frames": ["p0"], "label": "new", "caption": "a new part", "group": "g"},
         {"frames": ["p1"], "label": "worn"}],
    )  # fmt: skip
    assert told.classes == ("new", "worn")
    assert told.described
    assert (told.takes[0].group, told.takes[1].name) == ("g", "1")


def test_missing_frames_are_named_and_the_others_used(pictures):
    clips = listed(pictures, {"a": ["p0", "lost", "p2", "gone"], "b": ["lost"]})
    assert [levels(take) for take in clips.takes] == [[0, 20]]
    assert [(p.thing, p.kind) for p in clips.problems] == [("a", "missing"), ("b", "missing")]
    assert "lost and 1 more frames are not there" in clips.problems[0].reason
    with pytest.raises(DatasetError, match="no usable clip"):
        listed(pictures, {"b": ["lost"]})


def test_test_rows_beside_a_list_are_not_trained_on(pictures):
    rows = ["image,label,mask,split,group", "images/good/p3.png,good,,test,g"]
    (pictures / "split.csv").write_text("\n".join(rows))
    data = {"a": ["p0", "p1"], "b": ["p2", "p3"]}
    assert [t.name for t in listed(pictures, data).takes] == ["a"]
    assert [t.name for t in load_clips(pictures / "list.json", 16, "test").takes] == ["b"]
    assert len(load_clips(pictures / "list.json", 16, None)) == 2


@pytest.mark.parametrize("text", ["{", "[]", "{}", "3", '{"a": 3}', '{"a": {"frames": "p0"}}'])
def test_other_json_is_refused(pictures, text):
    (pictures / "list.json").write_text(text)
    with pytest.raises(DatasetError, match=r"list\.json"):
        load_clips(pictures / "list.json", 16)


def test_films_and_folders_of_frames(tmp_path):
    frames = [np.full((32, 40, 3), 20 * k, np.uint8) for k in range(5)]
    write_film(tmp_path / "films" / "fast" / "a.gif", frames)
    write_film(tmp_path / "films" / "slow" / "b.mp4", frames)
    (tmp_path / "films" / "captions.csv").write_text("file,name\nfast/a.gif,a part that rushes\n")
    (tmp_path / "films" / "slow" / "broken.mp4").write_bytes(b"no film")
    clips = load_clips(tmp_path / "films", 16)
    assert clips.classes == ("fast", "slow")
    assert [t.caption for t in clips.takes] == ["a part that rushes", ""]
    assert [p.thing for p in clips.problems] == ["slow/broken.mp4"]
    assert load_clips(tmp_path / "films" / "fast" / "a.gif", 16).frames == 5
    for name in ("one", "two"):
        for k in range(3):
            save(tmp_path / "frames" / name / f"frame_{k}.png", k)
    assert [t.name for t in load_clips(tmp_path / "frames", 16).takes] == ["one", "two"]
    assert len(load_clips(tmp_path / "frames" / "one", 16)) == 1
    with pytest.raises(DatasetError, match="is not there"):
        load_clips(tmp_path / "nowhere", 16)


def test_frames_of_other_sizes_are_fitted_to_the_first_and_counted(pictures):
    save(pictures / "images" / "good" / "tall.png", 99, (30, 90))
    save(pictures / "images" / "good" / "large.png", 88, (240, 160))
    clips = listed(pictures, {"a": ["p0", "tall", "large"]})
    assert clips.takes[0].frames.shape == (3, 16, 24, 3)
    assert levels(clips.takes[0]) == [0, 99, 88]
    assert "1 frames have another shape" in clips.problems[0].reason


def test_the_hash_follows_the_frames_and_their_order(pictures):
    hashes = {listed(pictures, data).hash for data in (["p0", "p1"], ["p1", "p0"], {"list": ["p0", "p1"]})}
    assert len(hashes) == 2


def test_hold_out_keeps_groups_whole_and_splits_one_take_by_time(pictures):
    data = [{"name": str(k), "frames": [f"p{k}"], "group": f"g{k // 2}"} for k in range(6)]
    few = listed(pictures, data)
    assert len(few.holdout()[1]) == 0
    many = listed(pictures, {str(k): [f"p{k}"] for k in range(6)})
    train, held = many.holdout(0.3)
    assert sorted(t.name for t in (*train.takes, *held.takes)) == [str(k) for k in range(6)]
    assert len(held) == 2
    assert many.holdout(0.3)[1].takes[0].name == held.takes[0].name
    long = listed(pictures, {"a": ["p0", "p1", "p2"] * 20})
    train, held = long.holdout()
    assert (train.frames, held.frames) == (51, 9)
    assert train.windows(16) == 36


def test_windows_of_short_takes_say_what_is_missing():
    frames = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    cut, there = window(frames, 3, 4)
    assert there.tolist() == [True, True, False, False]
    assert cut[:, 0, 0, 0].tolist() == [3, 4, 0, 0]


def test_shrink_keeps_the_aspect_or_covers_a_shape():
    image = np.zeros((100, 300, 3), np.uint8)
    image[:, 150:] = 200
    assert shrink(image, 20).shape == (20, 60, 3)
    square = shrink(image, 20, (20, 20))
    assert square.shape == (20, 20, 3)
    assert (square[:, 2].max(), square[:, -3].min()) == (0, 200)
