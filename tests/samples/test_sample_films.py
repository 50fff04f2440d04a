"""Films of the sample line: a seed gives one film; parts move, or soil; a foreign frame stands out."""

import numpy as np
import pytest

from burnish.media.clip import load_clips
from burnish.media.medium import medium_of
from burnish.samples.film import render_film, write_films
from burnish.samples.render import SampleError


def test_a_seed_gives_one_film():
    film = render_film(seed=3, frames=4)
    assert film.shape == (4, 64, 64, 3)
    assert np.array_equal(film, render_film(seed=3, frames=4))
    assert not np.array_equal(film, render_film(seed=4, frames=4))


def test_a_passing_part_moves_to_one_side_and_a_soiled_one_stays():
    film = render_film("ring", 1, "pass", 6).astype(float).mean(-1)
    empty = np.median(film, 0)
    weight = np.abs(film - empty)
    centres = (weight * np.arange(64)).sum((1, 2)) / weight.sum((1, 2))
    assert (np.diff(centres[[0, 5]]) > 5).all()
    worn = render_film("ring", 1, "wear", 6).astype(float)
    away = [np.abs(worn[k] - worn[0]).mean() for k in range(6)]
    assert away[5] > 2 * away[1]


def test_a_foreign_frame_is_another_part():
    good, bad = render_film(seed=2, frames=5), render_film(seed=2, frames=5, foreign=3)
    changed = [not np.array_equal(a, b) for a, b in zip(good, bad, strict=True)]
    assert changed == [False, False, False, True, False]


def test_written_films_are_clips_of_two_classes(tmp_path):
    told = []
    write_films(tmp_path / "films", each=2, frames=3, size=32, progress=lambda *a: told.append(a))
    assert told[-1] == (4, 4)
    assert medium_of(tmp_path / "films") == "clip"
    clips = load_clips(tmp_path / "films", 32)
    assert clips.classes == ("pass", "wear")
    assert (len(clips), clips.frames) == (4, 12)


@pytest.mark.parametrize(
    "wrong", [{"motion": "fly"}, {"frames": 1}, {"foreign": 9, "frames": 4}, {"kind": "cup"}]
)
def test_what_the_line_has_not_is_refused(wrong):
    with pytest.raises(SampleError):
        render_film(**wrong)


def test_a_set_without_films_is_refused(tmp_path):
    with pytest.raises(SampleError):
        write_films(tmp_path, each=0)
