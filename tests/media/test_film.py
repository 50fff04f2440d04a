"""Films in and out: videos, GIFs, folders; broken ones keep what can be read and name the file."""

import numpy as np
import pytest
from PIL import Image

from burnish.errors import ImageError
from burnish.media.film import is_film, natural, read_film, write_film


def moving(count=10, height=48, width=64):
    frames = np.full((count, height, width, 3), 40, np.uint8)
    for k in range(count):
        frames[k, 10:30, 4 + 4 * k : 14 + 4 * k] = (200, 120, 60)
    return list(frames)


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_what_is_written_is_read_again(tmp_path, suffix):
    file = write_film(tmp_path / "new" / f"film{suffix}", moving(), fps=10, comment="seed 7")
    film = read_film(file)
    assert len(film.frames) == 10
    assert film.problems == ()
    for read, frame in zip(film.frames, moving(), strict=True):
        assert np.abs(read.astype(int) - frame).mean() < 4
    assert [f.name for f in file.parent.iterdir()] == [file.name]
    assert b"seed 7" in file.read_bytes()


def test_equal_frames_of_a_gif_are_not_lost(tmp_path):
    frames = moving(8)
    frames[3] = frames[4] = frames[2]
    film = read_film(write_film(tmp_path / "film.gif", frames))
    assert len(film.frames) == 8
    assert np.abs(film.frames[4].astype(int) - frames[2]).mean() < 4
    assert np.abs(film.frames[5].astype(int) - frames[5]).mean() < 4


def test_odd_sides_are_padded_for_mp4(tmp_path):
    file = write_film(tmp_path / "odd.mp4", moving(4, 33, 41))
    assert read_film(file).frames[0].shape == (34, 42, 3)


def test_a_video_that_breaks_off_keeps_its_frames_and_is_named(tmp_path):
    whole = write_film(tmp_path / "film.mkv.mp4", moving(40))
    av = pytest.importorskip("av")
    stream_file = tmp_path / "film.mkv"  # Matroska needs no index at its end
    with av.open(str(stream_file), "w") as out:
        stream = out.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for frame in read_film(whole).frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24").reformat(format="yuvj420p")))
        out.mux(stream.encode())
    data = stream_file.read_bytes()
    (tmp_path / "cut.mkv").write_bytes(data[: len(data) // 2])
    film = read_film(tmp_path / "cut.mkv")
    assert 5 <= len(film.frames) < 35
    assert [p.thing for p in film.problems] == ["cut.mkv"]
    assert "breaks off after" in film.problems[0].reason
    assert read_film(stream_file).problems == ()
    (tmp_path / "head.mp4").write_bytes(whole.read_bytes()[:300])
    with pytest.raises(ImageError, match=r"head\.mp4: cannot be read"):
        read_film(tmp_path / "head.mp4")


def test_a_gif_that_breaks_off_keeps_its_frames_and_is_named(tmp_path):
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 255, (32, 32, 3), dtype=np.uint8) for _ in range(12)]
    data = write_film(tmp_path / "film.gif", frames).read_bytes()
    (tmp_path / "cut.gif").write_bytes(data[: len(data) * 2 // 3])
    film = read_film(tmp_path / "cut.gif")
    assert 1 <= len(film.frames) < 12
    assert film.problems[0].thing == "cut.gif"
    assert "breaks off after" in film.problems[0].reason


def test_folders_are_read_in_natural_order_and_bad_pictures_named(tmp_path):
    for k in (10, 2, 1):
        Image.fromarray(np.full((16, 16, 3), k, np.uint8)).save(tmp_path / f"frame_{k}.png")
    (tmp_path / "frame_3.png").write_bytes(b"not a picture")
    Image.new("RGB", (1, 1)).save(tmp_path / "frame_4.png")
    film = read_film(tmp_path)
    assert [int(frame[0, 0, 0]) for frame in film.frames] == [1, 2, 10]
    assert [p.thing for p in film.problems] == ["frame_3.png", "frame_4.png"]
    assert "1 x 1 px" in film.problems[1].reason
    assert sorted([tmp_path / "b10", tmp_path / "b9"], key=natural)[0].name == "b9"


def test_an_animated_picture_is_a_film_and_a_rotated_one_is_turned(tmp_path):
    frames = [Image.fromarray(frame) for frame in moving(3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert len(read_film(tmp_path / "a.gif").frames) == 3
    exif = Image.Exif()
    exif[274] = 6
    frames[0].save(tmp_path / "turned.jpg", exif=exif)
    assert read_film(tmp_path / "turned.jpg").frames[0].shape == (64, 48, 3)
    assert is_film(tmp_path / "a.gif")
    assert not is_film(tmp_path / "turned.jpg")


def test_films_of_one_pixel_empty_files_and_missing_ones_are_refused(tmp_path):
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.gif")
    with pytest.raises(ImageError, match="1 x 1 px"):
        read_film(tmp_path / "dot.gif")
    (tmp_path / "empty.mp4").touch()
    for name in ("empty.mp4", "missing.mp4"):
        with pytest.raises(ImageError, match="is empty or not there"):
            read_film(tmp_path / name)
    (tmp_path / "none").mkdir()
    with pytest.raises(ImageError, match="no usable frame"):
        read_film(tmp_path / "none")


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(ImageError, match=r"neither \.mp4 nor \.gif"):
        write_film(tmp_path / "film.avi", moving(2))
    with pytest.raises(ImageError, match="0 frames"):
        write_film(tmp_path / "film.gif", [])
    with pytest.raises(ImageError, match="sizes"):
        write_film(tmp_path / "film.gif", [*moving(1), *moving(1, 50, 50)])
    (tmp_path / "file").touch()
    with pytest.raises(ImageError, match="cannot be written"):
        write_film(tmp_path / "file" / "film.gif", moving(2))
