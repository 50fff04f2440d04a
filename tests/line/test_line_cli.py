import json
import os
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image
from typer import Typer
from typer.testing import CliRunner

from burnish.cli.line import run
from burnish.line.sink import SinkError

APP = Typer()
APP.command()(run)

SCRIPT = """
import sys
from typer import Typer
from burnish.cli.line import run
app = Typer()
app.command()(run)
try:
    app(standalone_mode=False)
finally:
    print("heavy:", sorted({"torch", "scipy", "sklearn", "cv2", "onnx", "matplotlib"} & set(sys.modules)))
"""


@pytest.fixture
def parts(tmp_path, good, bad):
    """Three parts: one good, one bad, one that is no picture."""
    folder = tmp_path / "parts ü"
    folder.mkdir()
    Image.fromarray(good).save(folder / "a.png")
    Image.fromarray(bad).save(folder / "b.png")
    (folder / "c.png").write_text("text")
    return folder


def test_run_judges_a_folder_and_ends_well_though_parts_are_rejected(bundle, parts, tmp_path):
    log, overlays = tmp_path / "v.jsonl", tmp_path / "o"
    arguments = [
        str(bundle),
        str(parts),
        "--json-lines",
        str(log),
        "--overlays",
        str(overlays),
        "--threads",
        "1",
    ]
    result = CliRunner().invoke(APP, arguments)
    assert result.exit_code == 0, result.output
    assert [json.loads(line)["verdict"] for line in log.read_text().splitlines()] == [
        "pass",
        "reject",
        "hold",
    ]
    assert sorted(p.name for p in overlays.iterdir()) == ["a.png.png", "b.png.png"]
    assert [cell.strip() for cell in result.stdout.splitlines()[3].split("│")[1:5]] == ["3", "1", "1", "1"]


def test_the_summary_is_printed_when_a_sink_fails(bundle, parts):
    result = CliRunner().invoke(APP, [str(bundle), str(parts), "--json-lines", "/dev/full"])
    assert isinstance(result.exception, SinkError)
    assert "images/s" in result.stdout


def test_run_loads_nothing_heavy(bundle, parts):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(bundle), str(parts)], capture_output=True, text=True, check=True
    )
    assert "heavy: []" in done.stdout


def test_ctrl_c_ends_an_endless_camera_cleanly(bundle, tmp_path):
    log = tmp_path / "v.jsonl"
    arguments = [str(bundle), "sim:ring?faults=0.3", "--json-lines", str(log)]
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (log.exists() and log.read_bytes().count(b"\n") >= 5):
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    counted = [int(cell) for cell in output.splitlines()[3].split("│")[1:5]]
    tally = [sum(e["verdict"] == v for e in entries) for v in ("pass", "reject", "hold")]
    assert counted == [len(entries), *tally] and len(entries) >= 5
