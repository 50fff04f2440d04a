import json
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from burnish.errors import BundleError
from burnish.line.runtime import Counts, Runtime
from burnish.line.source import Frame


def tally(verdicts) -> Counter:
    return Counter(v.verdict for _, v in verdicts)


def test_scores_verdicts_and_p_values_are_the_closed_form(bundle, good, bad):
    runtime = Runtime(bundle)
    passed, rejected = runtime.judge(Frame("a", good, time=12.5)), runtime.judge(Frame("b", bad))
    assert (passed.part_id, passed.time, passed.verdict, passed.model_hash) == ("a", 12.5, "pass", "feedc0de")
    assert passed.score == pytest.approx(0.2, abs=1e-6)
    assert (rejected.verdict, rejected.score) == ("reject", pytest.approx(1.0))
    assert rejected.p_value == pytest.approx(1 / 5)  # above all four good scores
    # 0.2 in float32 lies just above the good score 0.2: two of four are at least as high.
    assert passed.p_value == pytest.approx(3 / 5)
    assert rejected.reason is None and rejected.milliseconds > 0


def test_a_score_at_the_threshold_passes_and_the_next_above_it_is_rejected(make_bundle, bundle, good):
    score = Runtime(bundle).judge(Frame("a", good)).score
    assert Runtime(make_bundle(threshold=score).path).judge(Frame("a", good)).verdict == "pass"
    below = float(np.nextafter(score, 0))
    assert Runtime(make_bundle(threshold=below).path).judge(Frame("a", good)).verdict == "reject"


def test_the_heat_map_lies_on_the_picture_at_its_own_size(bundle, bad):
    picture = bad.repeat(3, axis=0).repeat(2, axis=1)  # 192 x 128: another aspect than the model's
    verdict = Runtime(bundle).judge(Frame("a", picture))
    assert verdict.heat is not None
    assert verdict.heat.shape == (192, 128) and verdict.heat.dtype == np.float32
    row, column = np.unravel_index(verdict.heat.argmax(), verdict.heat.shape)
    assert 3 * 40 - 8 <= row < 3 * 44 + 8 and 2 * 16 - 8 <= column < 2 * 20 + 8


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (None, "camera fault"),
        (np.zeros((64, 64), np.uint8), "uint8"),
        (np.zeros((64, 64, 3), np.float32), "float32"),
        (np.zeros((0, 64, 3), np.uint8), ""),
    ],
)
def test_what_cannot_be_judged_is_held(bundle, image, reason):
    verdict = Runtime(bundle).judge(Frame("a", image, "camera fault"))
    assert verdict.verdict == "hold" and verdict.score is None and verdict.p_value is None
    assert verdict.reason and reason in verdict.reason


class Answer:
    """A session that answers as told."""

    def __init__(self, score, heat):
        self.answer = [np.array([score], np.float32), np.full((1, 16, 16), heat, np.float32)]

    def run(self, names, feeds, options):
        return self.answer


@pytest.mark.parametrize(("score", "heat"), [(np.nan, 0), (np.inf, 0), (-np.inf, 0), (0.9, np.nan)])
def test_what_is_not_finite_is_held_without_a_score(bundle, good, score, heat):
    runtime = Runtime(bundle)
    runtime.session = Answer(score, heat)
    verdict = runtime.judge(Frame("a", good))
    assert (verdict.verdict, verdict.score, verdict.heat) == ("hold", None, None)
    assert "finite" in verdict.reason


def test_a_picture_that_takes_too_long_is_interrupted_and_held(make_bundle, slow_model, good):
    patient = Runtime(make_bundle(slow_model(40), side=1024).path, timeout=60)
    full = patient.judge(Frame("a", good))
    hasty = Runtime(make_bundle(slow_model(400), side=1024).path, timeout=full.milliseconds / 1000)
    cut = hasty.judge(Frame("a", good))
    assert full.verdict != "hold"
    assert cut.verdict == "hold" and "took longer" in cut.reason
    assert cut.milliseconds < 5 * full.milliseconds + 500  # whole, it takes ten times as long


@pytest.mark.parametrize("threads", [1, 3])
def test_a_stream_is_judged_in_order_and_every_frame_counted(bundle, good, bad, threads):
    def frames():
        for i in range(60):
            yield Frame(str(i), [good, bad, None][i % 3], "lost" if i % 3 == 2 else None)

    counts = Counts()
    seen = []
    for frame, verdict in Runtime(bundle, threads).judge_all(frames()):
        counts.add(verdict)
        seen.append((frame.part_id, verdict.part_id))
    assert seen == [(str(i), str(i)) for i in range(60)]
    assert (counts.frames, counts.passed, counts.rejected, counts.held) == (60, 20, 20, 20)
    assert len(counts.milliseconds) == 40 and counts.percentile(50) <= counts.percentile(95)


def test_one_frame_that_breaks_the_model_does_not_end_the_run(bundle, good):
    runtime = Runtime(bundle)
    real = runtime.session

    class Flaky:
        def run(self, names, feeds, options):
            if feeds["image"].max() > 0.5:
                raise MemoryError("no memory for this one")
            return real.run(names, feeds, options)

    runtime.session = Flaky()
    frames = [Frame("a", good), Frame("b", good + 150), Frame("c", good)]
    verdicts = [v for _, v in runtime.judge_all(frames)]
    assert [v.verdict for v in verdicts] == ["pass", "hold", "pass"]
    assert "no memory" in verdicts[1].reason


def test_reading_ahead_is_bounded(bundle, good):
    read = []

    def frames():
        for i in range(100):
            read.append(i)
            yield Frame(str(i), good)

    verdicts = Runtime(bundle, threads=2).judge_all(frames())
    next(verdicts)
    time.sleep(0.3)
    assert len(read) <= 3  # 1 given, 1 queued, 1 waiting to be queued
    verdicts.close()
    time.sleep(0.2)
    assert len(read) <= 4


def test_a_verdict_does_not_wait_for_the_next_frame(bundle, good):
    gate = threading.Event()

    def frames():
        yield Frame("first", good)
        gate.wait(20)
        yield Frame("second", good)

    verdicts = Runtime(bundle, threads=2).judge_all(frames())
    assert next(verdicts)[0].part_id == "first"  # would hang were the camera asked first
    gate.set()
    assert [f.part_id for f, _ in verdicts] == ["second"]


def test_a_stop_ends_an_endless_source_and_keeps_the_balance(bundle, good):
    stop = threading.Event()
    read = []

    def frames():
        i = 0
        while True:
            i += 1
            read.append(i)
            yield Frame(str(i), good)

    got = 0
    for got, _ in enumerate(Runtime(bundle).judge_all(frames(), stop), start=1):
        if got == 5:
            stop.set()
    assert 5 <= got <= 9 and got <= len(read) <= got + 1


def test_a_failing_source_gives_its_verdicts_first_and_then_its_error(bundle, good):
    def frames():
        yield Frame("a", good)
        raise LookupError("the source broke")

    verdicts = Runtime(bundle).judge_all(frames())
    assert next(verdicts)[1].verdict == "pass"
    with pytest.raises(LookupError, match="broke"):
        next(verdicts)


def test_an_inspector_bundle_names_the_command_that_exports_it(make_bundle):
    with pytest.raises(BundleError, match="burnish inspect export"):
        Runtime(make_bundle(kind="inspector").path)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"kind": "diffusion"}, "kind"),
        ({"threshold": None}, "incomplete"),
        ({"threshold": float("nan")}, "threshold"),
        ({"good_scores": "many"}, "incomplete"),
    ],
)
def test_a_bundle_that_cannot_judge_is_refused(make_bundle, changes, word):
    with pytest.raises(BundleError, match=word):
        Runtime(make_bundle(**changes).path)


def test_a_model_that_onnxruntime_cannot_load_is_refused(make_bundle):
    with pytest.raises(BundleError, match="cannot be loaded"):
        Runtime(make_bundle(model=b"not a model").path)


def test_a_flipped_byte_is_refused(bundle: Path):
    model = bundle / "inspector.onnx"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    with pytest.raises(BundleError, match="damaged"):
        Runtime(bundle)


def test_a_newer_format_is_refused(bundle: Path):
    description = bundle / "bundle.json"
    meta = json.loads(description.read_text())
    description.write_text(json.dumps(meta | {"format": 999}))
    with pytest.raises(BundleError, match="newer"):
        Runtime(bundle)


def test_the_line_imports_no_torch():
    code = (
        "import sys, burnish.line.runtime, burnish.line.source, burnish.line.sink, burnish.cli.line;"
        "heavy = {'torch', 'scipy', 'sklearn', 'cv2', 'av', 'onnx'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
