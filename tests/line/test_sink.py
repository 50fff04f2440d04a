import io
import json
import os
import resource
import signal
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from burnish.line.runtime import Counts, Runtime, Verdict
from burnish.line.sink import (
    JsonLines,
    Overlays,
    SinkError,
    run_line,
    stop_on_signals,
    summary,
    verdict_object,
)
from burnish.line.source import Frame, Source, open_source, watch


def source(*images, names=None, total=None) -> Source:
    names = names or [f"{i}.png" for i in range(len(images))]
    frames = (
        Frame(n, image, None if image is not None else "lost") for n, image in zip(names, images, strict=True)
    )
    return Source("test", frames, total=len(images) if total is None else total)


def lines(path: Path) -> list[dict]:
    text = path.read_text(encoding="utf-8")
    assert text == "" or text.endswith("\n")
    return [
        json.loads(line, parse_constant=lambda c: pytest.fail(f"{c} is not JSON"))
        for line in text.splitlines()
    ]


def test_every_verdict_is_one_json_object(bundle, good, bad, tmp_path):
    out = tmp_path / "new" / "verdicts.jsonl"
    counts = run_line(
        Runtime(bundle), source(good, bad, None, names=["g.png", "ü \udce4.png", "l"]), [JsonLines(out)]
    )
    first, second, third = lines(out)
    assert (counts.frames, counts.passed, counts.rejected, counts.held) == (3, 1, 1, 1)
    assert [first["verdict"], second["verdict"], third["verdict"]] == ["pass", "reject", "hold"]
    assert second["part_id"] == "ü \udce4.png"
    assert second["peak"] == {"x": 18, "y": 42, "heat": 1.0}  # the centre of the white block
    assert second["area"] == pytest.approx(1 / 256, abs=1e-6)  # one of 16 x 16 blocks
    assert second["score"] == pytest.approx(1) and second["p_value"] == pytest.approx(0.2)
    assert third["reason"] == "lost" and third["score"] is None and third["peak"] is None
    assert all(
        entry["model_hash"] == "feedc0de" and entry["time"].endswith("+00:00") for entry in (first, third)
    )


def test_the_peak_is_in_pixels_of_the_picture():
    heat = np.zeros((4, 8), np.float32)
    heat[3, 1] = 0.75
    peak = verdict_object(Verdict("a", 0.0, "pass", 0.75, 1.0, "h", 1.0, None, heat, (400, 1600)))["peak"]
    assert peak == {"x": 300, "y": 350, "heat": 0.75}


def test_a_file_is_written_anew_or_continued(bundle, good, tmp_path):
    out = tmp_path / "v.jsonl"
    for _ in range(2):
        run_line(Runtime(bundle), source(good), [JsonLines(out)])
    assert len(lines(out)) == 1
    with out.open("ab") as file:
        file.write(b'{"part_id": "torn by a power cut')
    run_line(Runtime(bundle), source(good, good), [JsonLines(out, append=True)])
    assert [i for i, line in enumerate(out.read_text().splitlines()) if line.endswith("cut")] == [1]
    assert len(out.read_text().splitlines()) == 4


@pytest.fixture
def small_disk():
    """Files can grow to 1,000 bytes in this block of the test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_keeps_whole_lines_and_ends_with_code_4(bundle, good, tmp_path, small_disk):
    out, counts = tmp_path / "v.jsonl", Counts()
    with pytest.raises(SinkError) as caught:
        run_line(Runtime(bundle), source(*[good] * 50), [JsonLines(out)], counts=counts)
    kept = [entry["part_id"] for entry in lines(out)]
    assert 1 <= len(kept) < 10 and kept == [f"{i}.png" for i in range(len(kept))]
    assert f"the {len(kept)} verdicts before it are kept" in str(caught.value)
    assert caught.value.exit_code == 4 and caught.value.cure
    assert counts.frames == counts.passed == len(kept) + 1  # the one that could not be written was judged


def test_a_device_without_space_is_a_sink_error(bundle, good):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(SinkError, match="No space left"):
        run_line(Runtime(bundle), source(good), [JsonLines("/dev/full")])


def test_overlays_show_where_and_keep_the_size(bundle, bad, good, tmp_path):
    wide = bad.repeat(2, axis=1)
    names = ["line/wide.png", "cam#000001", "lost"]
    run_line(Runtime(bundle), source(wide, good, None, names=names), [Overlays(tmp_path / "o")])
    made = sorted(p.relative_to(tmp_path / "o").as_posix() for p in (tmp_path / "o").rglob("*.png"))
    assert made == ["cam_000001.png", "line/wide.png.png"]
    with Image.open(tmp_path / "o" / "line" / "wide.png.png") as picture:
        assert picture.size == (128, 64) and picture.text["burnish:verdict"] == "reject"
        changed = np.abs(np.asarray(picture.convert("RGB"), float) - wide).sum(2)
    assert changed[38:46, 30:42].max() > 30  # something is drawn at the block


def test_the_overlay_of_a_large_picture_is_a_megapixel(bundle, bad, tmp_path):
    run_line(Runtime(bundle), source(bad.repeat(40, axis=0).repeat(20, axis=1)), [Overlays(tmp_path)])
    with Image.open(tmp_path / "0.png.png") as picture:
        assert picture.size == pytest.approx((724, 1448), abs=1)


def test_a_full_disk_for_overlays_leaves_no_half_picture(bundle, tmp_path, small_disk):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    with pytest.raises(SinkError, match="0 overlays before it are kept") as caught:
        run_line(Runtime(bundle), source(noise), [Overlays(tmp_path / "o")])
    assert caught.value.exit_code == 4
    assert [p for p in (tmp_path / "o").rglob("*") if p.is_file()] == []


def test_a_camera_that_vanishes_and_returns_leaves_no_gap_in_the_log(bundle, good, bad, tmp_path):
    class Camera:
        rate = 100.0

        def __init__(self, *steps):
            self.steps = iter(steps)

        def read(self):
            step = next(self.steps)
            if step is OSError:
                raise OSError("unplugged")
            return step

        def close(self):
            pass

    class Away:
        def __init__(self):
            raise OSError("no such device")

    first, *later = [lambda: Camera(good, bad, OSError), Away, lambda: Camera(good, None, bad)]
    connections = iter(later)
    frames = watch("cam", lambda: next(connections)(), first(), clock := Clock(), clock.sleep)
    out = tmp_path / "v.jsonl"
    counts = run_line(Runtime(bundle), Source("cam", frames, live=True), [JsonLines(out)], limit=35)
    entries = lines(out)
    assert [e["part_id"] for e in entries] == [f"cam#{i:06d}" for i in range(1, 36)]
    # 0.1 s and then 0.2 s away at 100 frames a second: 30 holds, none of them a guess of pass.
    assert [e["verdict"] for e in entries] == ["pass", "reject", *["hold"] * 30, "pass", "hold", "reject"]
    assert (counts.frames, counts.passed, counts.rejected, counts.held) == (35, 2, 2, 31)


class Clock:
    """Time passes only by sleeping."""

    now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def test_pictures_of_every_kind_are_judged_and_a_giant_one_is_held(bundle, tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    gray = np.full((64, 64), 51, np.uint8)
    Image.fromarray(gray).save(folder / "1_gray.png")
    Image.fromarray(gray.astype(np.uint16) * 257).save(folder / "2_deep.png")
    Image.fromarray(gray).convert("CMYK").save(folder / "3_cmyk.jpg")
    Image.fromarray(np.dstack([gray] * 3 + [gray + 204])).save(folder / "4_alpha.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(gray).convert("RGB").save(folder / "5_turned.jpg", exif=exif)
    giant = bytearray((folder / "1_gray.png").read_bytes())
    giant[16:24] = (20_000).to_bytes(4, "big") * 2
    giant[29:33] = zlib.crc32(giant[12:29]).to_bytes(4, "big")
    (folder / "6_giant.png").write_bytes(giant)
    out = tmp_path / "v.jsonl"
    run_line(Runtime(bundle), open_source(folder), [JsonLines(out)])
    *judged, held = lines(out)
    assert [entry["verdict"] for entry in judged] == ["pass"] * 5
    assert all(entry["score"] == pytest.approx(0.2, abs=0.02) for entry in judged)
    assert held["verdict"] == "hold" and "too large" in held["reason"]


@pytest.mark.parametrize("sink", [JsonLines, Overlays])
def test_a_place_that_cannot_be_written_is_told_before_the_run(tmp_path, sink):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SinkError) as caught:
        sink(tmp_path / "file" / "below")
    assert caught.value.exit_code == 4


def test_a_limit_reads_no_further(bundle, good):
    opened = source(*[good] * 10)
    counts = run_line(Runtime(bundle), opened, limit=4)
    assert counts.frames == 4
    assert next(iter(opened)).part_id == "4.png"


def test_sinks_are_closed_even_when_one_fails(bundle, good):
    closed = []

    class Failing:
        def write(self, frame, verdict):
            raise SinkError("it", "is full")

        def close(self):
            closed.append(True)

    with pytest.raises(SinkError):
        run_line(Runtime(bundle), source(good), [Failing(), Failing()])
    assert closed == [True, True]


def test_signals_set_the_stop_and_a_second_one_ends_at_once():
    outside = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        with stop_on_signals() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert stop.wait(1)
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
                threading.Event().wait(1)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, outside)


def test_live_counts_appear_on_a_terminal_only(bundle, good, bad):
    for terminal in (True, False):
        console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
        run_line(Runtime(bundle), source(good, bad), console=console)
        assert ("images/s" in console.file.getvalue()) is terminal


def test_the_summary_has_every_figure():
    console = Console(file=io.StringIO(), width=100)
    counts = Counts(passed=7, rejected=2, held=1, milliseconds=[10.0] * 9)
    console.print(summary(counts))
    text = console.file.getvalue()
    assert all(word in text for word in ("in", "pass", "reject", "hold", "p50", "p95", "images/s"))
    assert [cell.strip() for cell in text.splitlines()[3].split("│")[1:7]] == [
        "10",
        "7",
        "2",
        "1",
        "10.0",
        "10.0",
    ]
    console.print(summary(Counts(held=1)))
    assert "nan" not in console.file.getvalue()
