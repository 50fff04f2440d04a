"""A session is the walk of `make`, one step at a time, and can be turned, taken back, branched and ended."""

import numpy as np
import pytest

from burnish.errors import BurnishError
from burnish.verbs.load import load
from burnish.verbs.make import make
from burnish.verbs.session import Session
from tiny_bundles import generator


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("session") / "b"
    generator(folder, classes=2)
    return load(folder)


def last(session):
    *_, preview = session
    return preview.picture


def test_left_alone_it_makes_what_make_makes(model):
    session = Session(model, "cat", steps=5, guidance=2, seed=3, index=1)
    assert session.t == 1
    seen = [(p.index, p.of, p.t) for p in session]
    assert [index for index, _, _ in seen] == [1, 2, 3, 4, 5]
    assert seen[-1][1:] == (5, 0)
    assert session.done
    made = list(make(model, "cat", n=2, steps=5, guidance=2, seed=3))[1]
    assert (session.preview().picture == made).all()


def test_a_step_taken_back_and_again_is_the_same(model):
    session = Session(model, "cat", steps=5)
    previews = list(session)
    again = list(session.back(3))
    assert all((a.picture == b.picture).all() for a, b in zip(previews[2:], again, strict=True))


def test_another_word_half_way_changes_the_rest_only(model):
    plain, turned = Session(model, "cat", steps=6), Session(model, "cat", steps=6)
    for _ in range(3):
        assert (plain.step().picture == turned.step().picture).all()
    turned.change(description="dog", guidance=4)
    assert (last(plain) != last(turned)).any()


def test_a_branch_leaves_the_session_as_it_is(model):
    session = Session(model, "cat", steps=6)
    for _ in range(3):
        session.step()
    same, other = session.branch(), session.branch(seed=9)
    other.change(negative="dog", guidance=3)
    ends = [last(one) for one in (same, other)]
    assert 0 < session.t < 1
    assert same.t == other.t == 0
    assert (last(session) == ends[0]).all()
    assert (ends[0] != ends[1]).any()


def test_strength_goes_up_and_down_between_steps(model):
    session = Session(model, "cat", steps=8)
    for _ in range(4):
        session.step()
    session.change(strength=0.9)
    assert session.t == 0.9
    session.change(strength=0.2)
    assert session.t == pytest.approx(0.2)
    assert last(session).shape == (32, 32, 3)


def test_what_the_mask_protects_stays_to_the_bit(model):
    picture = np.random.default_rng(0).integers(60, 180, (32, 32, 3), dtype=np.uint8)
    mask = np.zeros((32, 32), bool)
    mask[8:20, 8:20] = True
    session = Session(model, "dog", steps=4, picture=picture, mask=mask)
    session.step()
    wider = mask.copy()
    wider[8:20, 20:24] = True
    session.change(mask=wider)
    end = last(session)
    assert (end[~wider] == picture[~wider]).all()
    assert (end[wider] != picture[wider]).any()


def test_cancelled_it_shows_what_there_is_and_steps_no_further(model):
    session = Session(model, steps=4)
    seen = []
    for preview in session:
        seen.append(preview.index)
        if preview.index == 2:
            session.cancel()
    assert seen == [1, 2]
    assert session.preview().index == 2
    with pytest.raises(BurnishError, match="was cancelled"):
        session.step()
    assert last(session.back(1)).shape == (32, 32, 3)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"steps": 0}, "at least 1"),
        ({"solver": "magic"}, "Known: euler"),
        ({"description": "horse"}, "Its classes are"),
        ({"strength": 0.5}, "needs a picture"),
        ({"mask": np.ones((32, 32), bool)}, "needs the picture"),
        ({"picture": np.zeros((8, 8, 3), np.uint8)}, r"must be uint8 \(32, 32, 3\)"),
        ({"picture": np.zeros((32, 32, 3), np.uint8), "mask": np.ones((8, 8), bool)}, "must be bool"),
        ({"picture": np.zeros((32, 32, 3), np.uint8), "strength": 0.0}, "above 0"),
        ({"negative": "dog"}, "no effect without guidance"),
    ],
)
def test_wrong_wishes_are_refused(model, wrong, why):
    with pytest.raises(BurnishError, match=why):
        Session(model, **wrong)


def test_a_refused_change_changes_nothing(model):
    session, same = Session(model, "cat", steps=3), Session(model, "cat", steps=3)
    with pytest.raises(BurnishError, match="Its classes are"):
        session.change(description="horse")
    with pytest.raises(BurnishError, match="above 0"):
        session.change(description="dog", strength=2)
    with pytest.raises(BurnishError, match="only 0 were taken"):
        session.back(1)
    assert (last(session) == last(same)).all()
