"""Bad input through the command line: a clear message, the right exit code, and nothing lost.

What belongs to one reader alone is tested with it (tests/media, tests/line); here the commands of the main
job meet it, as a user would see it.
"""

import io
import json
import os
import shutil
import struct
import sys
import zlib
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from burnish.cli import main
from burnish.errors import BurnishError
from burnish.inspect import learn
from burnish.samples.render import render_part
from burnish.store.bundle import DESCRIPTION, read_bundle
from burnish.store.files import write_text

SIZE = 64


class Said(NamedTuple):
    """What a command answered."""

    code: int
    text: str


def burnish(*arguments: object) -> Said:
    """Runs the command in this process as its script does."""
    told, before = io.StringIO(), sys.argv
    sys.argv = ["burnish", *map(str, arguments)]
    code = 0
    try:
        with redirect_stdout(told), redirect_stderr(told):
            main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.argv = before
    return Said(code, told.getvalue())


def train(folder: Path, out: Path, *options: object) -> Said:
    return burnish(
        "inspect", "train", folder, "--out", out, "--steps", 1, "--synthesis", "cutpaste", *options
    )


def picture(seed: int, defect: str | None = None) -> tuple[Image.Image, Image.Image]:
    """A rendered ring and its mask."""
    part = render_part("ring", seed, defect, size=SIZE)
    return Image.fromarray(part.image), Image.fromarray(part.mask.astype(np.uint8) * 255)


def write_goods(folder: Path, count: int) -> Path:
    (folder / "good").mkdir(parents=True)
    for k in range(count):
        picture(k)[0].save(folder / "good" / f"{k}.png")
    return folder


def write_defect(folder: Path, name: str, seed: int, mask: Image.Image | bool = True) -> None:
    """A scratched part, with its own mask, another one or none."""
    image, own = picture(seed, "scratch")
    for kind in ("defect", "mask"):
        (folder / kind / "scratch").mkdir(parents=True, exist_ok=True)
    image.save(folder / "defect" / "scratch" / f"{name}.png")
    if mask is not False:
        (own if mask is True else mask).save(folder / "mask" / "scratch" / f"{name}.png")


def giant_png(width: int, height: int) -> bytes:
    """The head of a picture of that size: all that may be read before it is refused."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


def write_mixed(folder: Path) -> Path:
    """A folder as found in a plant: every kind of picture and of damage at once."""
    write_goods(folder, 3)
    good = folder / "good"
    image = picture(10)[0]
    Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257).save(good / "sixteen bit.png")
    image.convert("CMYK").save(good / "cmyk.jpg")
    image.convert("L").save(good / "gray.png")
    image.convert("RGBA").save(good / "rgba.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    image.save(good / "turned.jpg", exif=turned)
    image.save(folder / "whole.jpg")
    whole = (folder / "whole.jpg").read_bytes()
    (folder / "whole.jpg").unlink()
    (good / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (good / "giant.png").write_bytes(giant_png(20_000, 20_000))
    (good / "text.png").write_text("this is a text")
    write_defect(folder, "masked", 20)
    write_defect(folder, "unmasked", 21, mask=False)
    write_defect(folder, "wrong size", 22, mask=Image.new("L", (SIZE // 2, SIZE), 255))
    write_defect(folder, "black", 23, mask=Image.new("L", (SIZE, SIZE), 0))
    return folder


def state(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


@pytest.fixture(scope="module", autouse=True)
def small_pictures():
    """A working resolution at which training takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learn, "SIDES", (128, 480))
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Spaces and other scripts in every path of these tests."""
    folder = tmp_path_factory.mktemp("bad") / "Teile für Presse 7 – 部品"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def mixed(place: Path) -> Path:
    return write_mixed(place / "mixed")


@pytest.fixture(scope="module")
def trained(place: Path, mixed: Path) -> tuple[Path, Said]:
    """An inspector of the mixed folder, trained once, and what the command said."""
    before = state(mixed)
    said = train(mixed, place / "inspector", "--false-rejects", 0.2)
    assert said.code == 0, said.text
    assert state(mixed) == before
    return place / "inspector", said


@pytest.fixture
def bundle(trained: tuple[Path, Said], tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return Path(shutil.copytree(trained[0], tmp_path / "my inspector é"))


def test_every_kind_of_picture_is_learned_from_and_every_broken_one_named(trained):
    meta = read_bundle(trained[0], "inspector").meta
    assert meta["training"]["good parts"] == 8
    assert meta["training"]["defective parts"] == 4
    assert meta["classes"] == ["scratch"]
    told = "\n".join(meta["problems"])
    for name in ("truncated.jpg", "giant.png", "text.png", "wrong size.png", "black.png"):
        assert name in told, told


def test_check_names_every_broken_file_and_says_why(mixed):
    said = burnish("data", "check", mixed)
    assert said.code == 1
    for name, why in {
        "truncated.jpg": "truncated",
        "giant.png": "400,000,000 pixels",
        "text.png": "not a picture",
        "wrong size.png": f"{SIZE // 2} x {SIZE}",
        "black.png": "black",
    }.items():
        assert any(name in line and why in line for line in said.text.splitlines()), (name, why, said.text)


@pytest.mark.parametrize("goods", [0, 1])
def test_too_few_good_parts_are_refused_and_nothing_is_written(tmp_path, goods):
    folder = write_goods(tmp_path / "few", goods)
    write_defect(folder, "a", 5)
    said = train(folder, tmp_path / "out")
    assert said.code == 2
    assert f"{goods} readable good part" in said.text and "Add good parts" in said.text
    assert "Traceback" not in said.text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["few"]


def test_good_parts_that_cannot_be_read_do_not_count(tmp_path):
    folder = write_goods(tmp_path / "broken", 1)
    (folder / "good" / "text.png").write_text("no picture")
    (folder / "good" / "empty.png").touch()
    assert train(folder, tmp_path / "out").code == 2


@pytest.mark.parametrize("what", ["missing", "empty", "a file", "strangers"])
def test_a_folder_that_is_no_data_set_is_refused_by_every_command_that_reads_one(tmp_path, bundle, what):
    folder = tmp_path / what
    if what == "a file":
        folder.write_text("x")
    elif what != "missing":
        folder.mkdir()
    if what == "strangers":
        (folder / "notes.txt").write_text("x")
    for command in (
        ("data", "check", folder),
        ("inspect", "train", folder, "--out", tmp_path / "out"),
        ("inspect", "eval", bundle, folder),
        ("train", folder, "--out", tmp_path / "out"),
    ):
        said = burnish(*command)
        assert said.code == 2, (command, said.text)
        assert str(folder) in said.text.replace("\n", "") and "Traceback" not in said.text
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("defects", ["none", "without masks"])
def test_an_inspector_comes_of_good_parts_alone_or_with_labels_only(tmp_path, defects):
    folder = write_goods(tmp_path / "parts", 4)
    if defects == "without masks":
        write_defect(folder, "a", 5, mask=False)
        write_defect(folder, "b", 6, mask=False)
    said = burnish("inspect", "train", folder, "--out", tmp_path / "out", "--steps", 1)
    assert said.code == 0, said.text
    meta = read_bundle(tmp_path / "out", "inspector").meta
    assert meta["training"]["defective parts"] == (0 if defects == "none" else 2)
    assert meta["classes"] == ([] if defects == "none" else ["scratch"])


@pytest.mark.parametrize(
    ("option", "value"),
    [("--synthesis", "magic"), ("--backbone", "no/such.onnx"), ("--false-rejects", "1.5")],
)
def test_a_wrong_option_is_named(tmp_path, mixed, option, value):
    said = burnish("inspect", "train", mixed, "--out", tmp_path / "out", "--steps", 1, option, value)
    assert said.code == 2, said.text
    assert (value in said.text or option in said.text) and "Traceback" not in said.text
    assert not (tmp_path / "out").exists()


def damage(bundle: Path, how: str) -> str:
    """Damages a bundle; what the message must hold."""
    description = bundle / DESCRIPTION
    if how == "flipped byte":
        weights = bytearray((bundle / "model.safetensors").read_bytes())
        weights[len(weights) // 2] ^= 1
        (bundle / "model.safetensors").write_bytes(weights)
        return "sha256"
    if how == "missing file":
        (bundle / "card.md").unlink()
        return "card.md"
    meta = json.loads(description.read_text(encoding="utf-8"))
    if how == "newer format":
        description.write_text(json.dumps({**meta, "format": 99}), encoding="utf-8")
        return "newer"
    if how == "half a description":
        description.write_bytes(description.read_bytes()[:200])
        return "damaged"
    description.write_text(json.dumps({**meta, "kind": "diffusion"}), encoding="utf-8")
    return "diffusion"


@pytest.mark.parametrize(
    "how", ["flipped byte", "missing file", "newer format", "half a description", "another kind"]
)
def test_a_damaged_or_newer_bundle_is_refused_by_every_command(bundle, mixed, tmp_path, how):
    word = damage(bundle, how)
    before, out = state(bundle), tmp_path / "out"
    for command in (
        ("inspect", "eval", bundle, mixed),
        ("inspect", "synthesise", bundle, "--n", 1, "--out", out),
        ("inspect", "export", bundle, "--out", out),
        ("inspect", "add", bundle, mixed / "good" / "0.png", "--label", "good"),
        ("inspect", "run", bundle, mixed / "good"),
    ):
        said = burnish(*command)
        assert said.code == 2, (command, said.text)
        assert "Traceback" not in said.text
        if command[1] != "run" or how not in ("another kind",):
            assert word in said.text, (command, said.text)
    assert state(bundle) == before
    assert not out.exists()


@contextmanager
def small_disk(size: int):
    """Inside, no file grows beyond `size` bytes: writing on fails as it does on a full disk."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_while_training_keeps_the_inspector_that_was_there(bundle, tmp_path):
    folder = write_goods(tmp_path / "parts", 3)
    write_defect(folder, "a", 5)
    before = state(bundle)
    with small_disk(100_000):
        said = train(folder, bundle)
    assert said.code == 2, said.text
    assert "Traceback" not in said.text
    assert "disk" in said.text or "space" in said.text, said.text
    assert state(bundle) == before
    assert read_bundle(bundle, "inspector")


def test_a_full_disk_while_exporting_writes_no_half_a_bundle(bundle, tmp_path):
    with small_disk(100_000):
        said = burnish("inspect", "export", bundle, "--out", tmp_path / "line")
    assert said.code == 2, said.text
    assert "Traceback" not in said.text
    assert not (tmp_path / "line").exists()
    assert burnish("inspect", "export", bundle, "--out", tmp_path / "line").code == 0


def test_a_full_disk_while_evaluating_keeps_the_old_figures(bundle, mixed, tmp_path):
    figures = tmp_path / "figures.json"
    figures.write_text("{}")
    with small_disk(100):
        said = burnish("inspect", "eval", bundle, mixed, "--json", figures)
        with pytest.raises(BurnishError, match="space"):
            write_text(figures, "x" * 200)
    assert said.code == 2, said.text
    assert "disk" in said.text and "Traceback" not in said.text
    assert figures.read_text() == "{}"


def test_figures_go_through_a_pipe_and_do_not_replace_it(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR)
    try:
        write_text(pipe, "{}")
        assert os.read(end, 10) == b"{}"
    finally:
        os.close(end)
    assert pipe.is_fifo()


def test_pairs_are_not_written_over_what_is_there(bundle, tmp_path):
    taken = write_goods(tmp_path / "mine", 1)
    before = state(taken)
    said = burnish("inspect", "synthesise", bundle, "--n", 1, "--out", taken)
    assert said.code == 2, said.text
    assert state(taken) == before


def test_an_inspector_is_not_written_over_what_is_not_one(tmp_path):
    taken = write_goods(tmp_path / "mine", 2)
    before = state(taken)
    said = train(taken, taken)
    assert said.code == 2, said.text
    assert state(taken) == before


def test_adding_a_picture_that_cannot_be_used_keeps_the_inspector(bundle, mixed):
    before = state(bundle)
    for name, word in {
        "truncated.jpg": "truncated",
        "giant.png": "400,000,000",
        "none.png": "none.png",
    }.items():
        said = burnish("inspect", "add", bundle, mixed / "good" / name)
        assert said.code == 2, said.text
        assert word in said.text
    mask = mixed / "mask" / "scratch" / "wrong size.png"
    said = burnish("inspect", "add", bundle, mixed / "good" / "0.png", "--mask", mask)
    assert said.code == 2 and f"{SIZE // 2} x {SIZE}" in said.text
    assert state(bundle) == before


def test_evaluation_counts_what_it_cannot_read(bundle, mixed, tmp_path):
    figures, page = tmp_path / "f ü.json", tmp_path / "r ü.html"
    said = burnish("inspect", "eval", bundle, mixed, "--json", figures, "--report", page)
    assert said.code == 0, said.text
    told = json.loads(figures.read_text(encoding="utf-8"))
    assert told["false_reject_rate"]["of"] == 8
    assert told["miss_rate"]["of"] == 4
    for name in ("truncated.jpg", "giant.png", "text.png"):
        assert name in page.read_text(encoding="utf-8") or name in said.text, said.text


def test_on_the_line_every_picture_is_judged_or_held(bundle, mixed, tmp_path):
    line, log = tmp_path / "line ü", tmp_path / "verdicts ü.jsonl"
    assert burnish("inspect", "export", bundle, "--out", line).code == 0
    said = burnish("inspect", "run", line, mixed / "good", "--json-lines", log)
    assert said.code == 0, said.text
    verdicts = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert len(verdicts) == 11
    assert sum(v["verdict"] == "hold" for v in verdicts) == 3
