"""The probe: what counts as fulfilled, what chance gives, which conditions do what they say."""

import numpy as np
import pytest
import torch

from burnish.core.stats import rate
from burnish.errors import BurnishError, DatasetError
from burnish.media.image import write_png
from burnish.prove import conditions
from burnish.prove.conditions import CONDITIONS, probe_inspector
from burnish.prove.probe import Probe, probe, probe_text
from burnish.prove.requests import NEAR, Request, fulfilled, names_of, requests_of
from burnish.store.bundle import write_bundle
from burnish.train.pictures import Entry, Pictures


def pictures(labels, captions=None):
    entries = tuple(
        Entry(None, label, caption)  # type: ignore[arg-type]
        for label, caption in zip(labels, captions or [""] * len(labels), strict=True)
    )
    images = tuple(np.zeros((8, 8, 3), np.uint8) for _ in labels)
    return Pictures(None, "plain", 8, images, entries, tuple(sorted(set(labels) - {""})))  # type: ignore[arg-type]


def test_names_are_the_class_or_the_words_of_the_description():
    assert names_of(Entry(None, "Cat", "a red dog")) == {"cat"}  # type: ignore[arg-type]
    said = Entry(None, "", "The red dog, and 2 cats", others=("hound",))  # type: ignore[arg-type]
    assert names_of(said) == {"red", "dog", "cats", "hound"}


def test_requests_and_their_chance():
    found = requests_of(pictures(["cat"] * 6 + ["dog"] * 3 + ["emu"]), 50)
    kinds = {kind: [r for r in found if r.kind == kind] for kind in {r.kind for r in found}}
    assert {r.description: r.chance for r in kinds["one common name"]} == {"cat": 0.6, "dog": 0.3}
    assert {r.description: r.chance for r in kinds["one rare name"]} == {"emu": 0.1}
    both = (1 - 0.4**NEAR) * (1 - 0.7**NEAR)
    assert len(kinds["two names together"]) == 50
    assert {round(r.chance, 9) for r in kinds["two names together"]} == {round(both, 9)}


def test_pictures_without_names_cannot_be_probed():
    with pytest.raises(DatasetError, match="says nothing"):
        requests_of(pictures([""] * 4), 3)


def test_one_name_needs_the_nearest_and_two_need_both_among_five():
    carried = [{"cat"}, {"dog"}, {"emu"}, {"emu"}, {"emu"}, {"fox"}]
    order = [0, 2, 3, 4, 1, 5]
    assert fulfilled(Request("", "", ("cat",), 0), order, carried)
    assert not fulfilled(Request("", "", ("emu",), 0), order, carried)
    assert fulfilled(Request("", "", ("cat", "dog"), 0), order, carried)
    assert not fulfilled(Request("", "", ("cat", "fox"), 0), order, carried)


def test_conditions_do_what_they_say():
    image = np.random.default_rng(0).integers(60, 150, (64, 64, 3)).astype(np.uint8)
    assert (CONDITIONS["as it is"](image) == image).all()
    assert CONDITIONS["light down by 30 %"](image).mean() == pytest.approx(0.7 * image.mean(), rel=0.01)
    assert CONDITIONS["light up by 30 %"](image).mean() == pytest.approx(1.3 * image.mean(), rel=0.01)
    assert CONDITIONS["out of focus (sigma 1.5 px)"](image).std() < image.std() / 2
    for change in CONDITIONS.values():
        changed = change(image)
        assert changed.shape == image.shape and changed.dtype == np.uint8 and changed.flags.c_contiguous
    spot = np.zeros((65, 65, 3), np.uint8)
    spot[32, 60] = 255
    y, x = np.unravel_index(CONDITIONS["turned by 5 degrees"](spot)[..., 0].argmax(), (65, 65))
    assert (y - 32, x - 32) == (round(-28 * np.sin(np.pi / 36)), round(28 * np.cos(np.pi / 36)))


@pytest.fixture
def bright(tmp_path, monkeypatch):
    """Bright parts are bad, and an inspector that rejects what is brighter than half."""

    def inspector(x):
        return x.mean((1, 2, 3)), torch.zeros(len(x), x.shape[2] // 4, x.shape[3] // 4)

    meta = {"side": 32, "multiple": 32, "model_hash": "m", "threshold": 0.5}
    monkeypatch.setattr(conditions, "for_line", lambda path: (inspector, meta, []))
    rows = ["image,label,mask,split,group"]
    for k, (label, value) in enumerate([("good", 100)] * 3 + [("hot", 150)] * 5):
        write_png(tmp_path / f"{k}.png", np.full((32, 32, 3), value, np.uint8))
        mask = ""
        if label != "good":
            mask = f"{k}_mask.png"
            marked = np.zeros((32, 32), np.uint8)
            marked[: k + 1, :4] = 255
            write_png(tmp_path / mask, marked)
        rows.append(f"{k}.png,{label},{mask},test,")
    (tmp_path / "split.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_an_inspector_is_judged_under_each_condition(bright):
    found = {p.what: p.found for p in probe_inspector("b", bright)[0]}
    assert (found["as it is: miss rate"].count, found["as it is: false reject rate"].count) == (0, 0)
    assert found["light down by 30 %: miss rate"].to_json() == rate(5, 5).to_json()
    assert found["light up by 30 %: false reject rate"].to_json() == rate(3, 3).to_json()
    (small,) = [r for what, r in found.items() if what.startswith("smallest quarter")]
    assert (small.count, small.of) == (0, 2)


def test_the_text_names_what_was_not_measured():
    text = probe_text([Probe("one name", rate(3, 4), "higher", "nearest", 0.1)])
    assert "3 of 4" in text and "hands and faces" in text
    assert "hands" not in probe_text([Probe("x: miss rate", rate(3, 4), "lower", "verdict")])


def test_a_bundle_for_the_line_has_no_probe(tmp_path):
    line = write_bundle(
        tmp_path / "l", {"kind": "line"}, lambda folder: (folder / "w").write_text("1") and None
    )
    with pytest.raises(BurnishError, match="exported from"):
        probe(line.path, tmp_path)
