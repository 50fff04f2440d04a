"""Moderation: words by hand, classifiers of others checked."""

import sys
import types

import numpy as np
import pytest

from burnish.errors import BurnishError
from burnish.prove.moderation import Words, measure, open_classifier, read_words, score

GRAY = [np.full((4, 4, 3), level, np.uint8) for level in (0, 100, 200, 250)]


def brightness(image):
    return float(image.mean()) / 255


def test_words_as_they_are_and_not_inside_others():
    words = Words(["gun", "blood*", "very bad"])
    assert words.found("A GUN, and  very   bad Bloodstains") == ["gun", "very bad", "bloodstains"]
    assert words.found("a gunwale of a begun boat") == []
    assert words.found("gún") == ["gun"]
    assert Words([]).found("anything") == []


def test_other_words_for_the_same_pass():
    """The stated limit of a word list."""
    assert Words(["gun"]).found("a pistol") == []


def test_a_list_is_read(tmp_path):
    (tmp_path / "words.txt").write_text("# mine\ngun\n\nknife  # and its kin\n", encoding="utf-8")
    assert read_words(tmp_path / "words.txt").entries == ("gun", "knife")
    (tmp_path / "empty.txt").write_text("# nothing\n")
    for name, told in (("empty.txt", "holds no word"), ("missing.txt", "cannot be read")):
        with pytest.raises(BurnishError, match=told):
            read_words(tmp_path / name)


def test_a_callable_of_the_user_is_taken(monkeypatch):
    module = types.ModuleType("mine")
    module.brightness, module.number = brightness, 3  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mine", module)
    classify = open_classifier("mine:brightness")
    assert score(classify, GRAY[3]) == pytest.approx(250 / 255)
    for name, told in (("mine:nothing", "cannot be imported"), ("mine:number", "cannot be called")):
        with pytest.raises(BurnishError, match=told):
            open_classifier(name)


def test_a_classifier_is_measured():
    found = measure(brightness, bad=GRAY[2:], good=GRAY[:3], threshold=0.9)
    assert (found.missed.count, found.missed.of) == (1, 2)
    assert (found.stopped.count, found.stopped.of) == (0, 3)
    assert "missed 1 of 2 (1.3 to 98.7 %)" in str(found)


def test_a_score_out_of_range_is_refused():
    with pytest.raises(BurnishError, match="in \\[0, 1\\]"):
        score(lambda image: 7.0, GRAY[0])
