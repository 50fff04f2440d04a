"""What runs of all media share: a place, an agreement, an outcome in words."""

import pytest

from burnish.errors import BundleError, BurnishError
from burnish.train.loop import Fitted
from burnish.train.run import CHECKPOINT, Trained, agree, open_place, work_folder


def test_a_place_must_be_free_of_other_things_and_of_unfinished_runs(tmp_path):
    out = tmp_path / "model"
    work = open_place(out, resume=False)
    assert work == work_folder(out)
    assert not work.exists()
    work.mkdir()
    (work / CHECKPOINT).touch()
    assert open_place(out, resume=True) == work
    with pytest.raises(BurnishError, match="unfinished run"):
        open_place(out, resume=False)
    out.mkdir()
    (out / "thesis.txt").touch()
    with pytest.raises(BundleError, match="not a bundle"):
        open_place(out, resume=True)


def test_a_resumed_run_must_agree_with_what_was_begun(tmp_path):
    work = tmp_path / "work"
    agree(work, {"data": "a", "widths": (1, 2)})
    agree(work, {"data": "b", "widths": (1, 2)})
    (work / CHECKPOINT).touch()
    agree(work, {"data": "b", "widths": (1, 2)})
    with pytest.raises(BurnishError, match="other data"):
        agree(work, {"data": "a", "widths": (1, 2)})
    (tmp_path / "file").touch()
    with pytest.raises(BurnishError, match="cannot be written"):
        agree(tmp_path / "file" / "work", {"data": "a"})


def test_an_interrupted_run_says_how_to_go_on(tmp_path):
    said = str(Trained(None, Fitted(step=7, stopped="asked"), tmp_path))
    assert said.startswith("Stopped after 7 updates")
    assert "--resume" in said
