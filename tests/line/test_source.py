import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from burnish.line import source as module
from burnish.line.source import Frame, SourceError, open_source, watch


def picture(path: Path, value: int = 100, size: tuple[int, int] = (8, 12)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), value, np.uint8)).save(path)
    return path


def test_a_folder_is_read_sorted_and_below_with_its_total(tmp_path):
    root = tmp_path / "with space ü"
    for i, name in enumerate(["b.png", "a.bmp", "deep/er/ß.png", "c.PNG"]):
        picture(root / name, value=10 * i)
    (root / "notes.txt").write_text("no picture")
    opened = open_source(root)
    frames = list(opened)
    assert opened.total == 4 and not opened.live
    assert [f.part_id for f in frames] == ["a.bmp", "b.png", "c.PNG", "deep/er/ß.png"]
    assert [int(f.image[0, 0, 0]) for f in frames] == [10, 0, 30, 20]
    assert all(f.error is None and f.image.dtype == np.uint8 for f in frames)


def test_broken_files_are_errors_and_the_rest_still_comes(tmp_path):
    picture(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("text, not a picture")
    whole = picture(tmp_path / "c.jpg", size=(64, 64)).read_bytes()
    (tmp_path / "c.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "d.png").write_bytes(b"")
    picture(tmp_path / "e.png")
    opened = open_source(tmp_path)
    picture(tmp_path / "f.png").unlink()
    frames = list(opened)
    assert opened.total == len(frames) == 5
    assert [f.image is not None for f in frames] == [True, False, False, False, True]
    assert all((f.error is None) == (f.image is not None) for f in frames)


def test_a_picture_that_vanishes_after_listing_is_an_error(tmp_path):
    picture(tmp_path / "a.png")
    gone = picture(tmp_path / "b.png")
    opened = open_source(tmp_path)
    gone.unlink()
    assert [f.image is None for f in opened] == [False, True]


def test_masks_of_a_data_set_are_not_parts(tmp_path):
    for name in ["good/1.png", "defect/crack/2.png", "mask/crack/2.png", "odd/3_truth.png", ".hidden.png"]:
        picture(tmp_path / name)
    (tmp_path / "split.csv").write_text("image,label,mask\ndefect/crack/2.png,crack,odd/3_truth.png\n")
    assert [f.part_id for f in open_source(tmp_path)] == ["defect/crack/2.png", "good/1.png"]


def test_one_picture(tmp_path):
    opened = open_source(str(picture(tmp_path / "part.png")))
    assert opened.total == 1 and [f.part_id for f in opened] == ["part.png"]


@pytest.mark.parametrize(
    "name", ["missing", "notes.txt", "empty", "camera:x", "broken.mp4", "sim:ring?n=many", "sim:ring?x=1"]
)
def test_what_is_no_source_is_refused_with_a_cure(tmp_path, name):
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "broken.mp4").write_bytes(b"x" * 100)
    (tmp_path / "empty").mkdir()
    spec = name if ":" in name else tmp_path / name
    with pytest.raises(SourceError) as caught:
        open_source(spec)
    assert caught.value.cure


def video(path: Path, frames: int = 20) -> Path:
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 64, 48, "yuv420p", 1
        noise = np.random.default_rng(0)
        for i in range(frames):
            array = noise.integers(0, 60, (48, 64, 3)).astype(np.uint8) + np.uint8(10 * i)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_a_video_gives_every_frame(tmp_path):
    frames = list(open_source(video(tmp_path / "line.mp4")))
    assert [f.part_id for f in frames] == [f"line.mp4#{i:06d}" for i in range(1, 21)]
    assert all(f.image.shape == (48, 64, 3) for f in frames)
    means = np.array([f.image.mean() for f in frames])
    assert np.all(np.diff(means) > 5)  # each brighter than the one before


def test_a_video_with_corrupt_packets_goes_on_after_them(tmp_path):
    path = video(tmp_path / "line.avi")
    data = bytearray(path.read_bytes())
    marker, hits, at = b"\x00\x00\x01\xb6", 0, 0
    while (at := data.find(marker, at)) >= 0:
        hits += 1
        if hits in (7, 8):
            data[at : at + 40] = b"\xff" * 40
        at += 4
    path.write_bytes(data)
    frames = list(open_source(path))
    assert hits == 20 and len(frames) == 20
    assert [i for i, f in enumerate(frames, start=1) if f.image is None] == [7, 8]
    assert all(f.error for f in frames if f.image is None)


def test_the_simulated_camera_counts_its_faults():
    spec = "sim:ring?n=16&defects=0.5&faults=0.3&seed=3"
    opened = open_source(spec)
    frames = list(opened)
    assert opened.total == len(frames) == 16
    assert len({f.part_id for f in frames}) == 16
    lost = [f for f in frames if f.image is None]
    assert 1 <= len(lost) <= 12 and all(f.error for f in lost)
    again = list(open_source(spec))
    assert all(
        (a.image is None and b.image is None) or np.array_equal(a.image, b.image)
        for a, b in zip(frames, again, strict=True)
    )


class FakeCamera:
    """Gives a script: an array, None for a corrupt picture, or an error for being gone."""

    closed = 0

    def __init__(self, script, rate=0.0):
        self.script, self.rate = script, rate

    def read(self):
        step = next(self.script)
        if isinstance(step, Exception):
            raise step
        return step

    def close(self):
        FakeCamera.closed += 1


class Clock:
    """Time passes only by sleeping."""

    def __init__(self):
        self.now, self.slept = 0.0, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


PICTURE = np.zeros((4, 4, 3), np.uint8)


def watched(script, connect, rate=0.0):
    clock = Clock()
    camera = FakeCamera(iter(script), rate)
    return watch("cam", connect, camera, clock, clock.sleep), clock


def test_a_camera_that_vanishes_is_asked_again_ever_more_rarely_and_returns():
    away = iter([OSError("no route")] * 8)

    def connect():
        error = next(away, None)
        if error:
            raise error
        return FakeCamera(itertools.repeat(PICTURE))

    frames, clock = watched([PICTURE, ConnectionError("unplugged")], connect)
    got = list(itertools.islice(frames, 12))
    assert [f.image is not None for f in got] == [True] + [False] * 9 + [True, True]
    assert "unplugged" in got[1].error and "no route" in got[2].error
    assert [f.part_id for f in got] == [f"cam#{i:06d}" for i in range(1, 13)]
    assert clock.slept == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5])


def test_frames_missed_while_the_camera_was_away_are_counted_by_its_rate():
    cameras = iter([FakeCamera(iter([PICTURE]), rate=30.0)])
    frames, clock = watched([PICTURE, ConnectionError("gone")], lambda: next(cameras), rate=30.0)
    got = list(itertools.islice(frames, 5))
    assert clock.slept == pytest.approx([0.1])  # 3 frames at 30 a second
    assert [f.image is None for f in got] == [False, True, True, True, False]


def test_the_wait_starts_anew_after_a_return():
    cameras = iter([FakeCamera(iter([PICTURE, ConnectionError("again")])), FakeCamera(iter([PICTURE]))])
    frames, clock = watched([ConnectionError("once")], lambda: next(cameras))
    assert [f.image is None for f in itertools.islice(frames, 4)] == [True, False, True, False]
    assert clock.slept == pytest.approx([0.1, 0.1])


def test_a_corrupt_picture_is_an_error_without_a_new_connection():
    def connect():
        raise AssertionError("it was there all the time")

    frames, clock = watched([PICTURE, None, PICTURE], connect)
    assert [f.error for f in itertools.islice(frames, 3)] == [None, "corrupt frame", None]
    assert clock.slept == []


def test_a_camera_is_closed_when_it_is_lost_and_at_the_end():
    FakeCamera.closed = 0
    frames, _ = watched([ConnectionError("gone")], lambda: FakeCamera(itertools.repeat(PICTURE)))
    assert next(frames).image is None and FakeCamera.closed == 1
    assert next(frames).image is not None
    frames.close()
    assert FakeCamera.closed == 2


def test_a_camera_that_was_never_there_is_refused_at_once(monkeypatch):
    def refuse(spec):
        raise SourceError(spec, "cannot be opened", "Check its cable")

    monkeypatch.setattr(module, "UsbCamera", refuse)
    with pytest.raises(SourceError, match="camera:7"):
        open_source("camera:7")


def test_a_password_in_an_address_is_not_written_into_verdicts(monkeypatch):
    monkeypatch.setattr(module, "StreamCamera", lambda address, name: FakeCamera(itertools.repeat(PICTURE)))
    opened = open_source("rtsp://user:secret@cam.local:554/stream?key=hidden")
    assert opened.live and opened.total is None
    frame: Frame = next(iter(opened))
    assert frame.part_id == "rtsp://cam.local:554/stream#000001"


def test_a_stream_over_the_network_is_read_and_its_loss_noticed(tmp_path):
    """A real connection: a video served by HTTP, which ends and is asked for again."""
    import functools
    import http.server
    import threading

    video(tmp_path / "cam.avi", frames=6)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format, *args):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        opened = open_source(f"http://127.0.0.1:{server.server_port}/cam.avi")
        frames = list(itertools.islice(opened, 10))
    finally:
        server.shutdown()
    seen = [f.image is not None for f in frames]
    assert seen[:6] == [True] * 6 and seen[6] is False and any(seen[7:])
    assert "camera lost" in frames[6].error


def test_masks_are_left_out_whatever_the_table_and_folders_look_like(tmp_path):
    for name in ("a.png", "labels/a.png", "Mask/b.png", ".thumbs/a.png"):
        picture(tmp_path / name)
    (tmp_path / "split.csv").write_text("image;label;mask\na.png;good;labels\\a.png\n")
    assert [f.part_id for f in open_source(tmp_path)] == ["a.png"]
