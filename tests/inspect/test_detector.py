"""The inspector's shapes, its two judges, and that a bundle and an export answer as it does."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from burnish.errors import BundleError
from burnish.export.onnx import export_line
from burnish.inspect.detector import PEAK, Fusion, Inspector, load_inspector, peak
from burnish.inspect.reference import LiteReference
from burnish.inspect.segmenter import Segmenter
from burnish.inspect.surprise import learn_surprise
from burnish.line.runtime import Runtime
from burnish.line.source import open_source
from burnish.media.image import write_png
from burnish.nets.backbone import Lite0
from burnish.store.bundle import WEIGHTS, write_bundle


@pytest.fixture(scope="module")
def inspector() -> Inspector:
    torch.manual_seed(0)
    segmenter, reference = Segmenter(Lite0()), LiteReference(Lite0())
    features = torch.randn(2, LiteReference.channels, 6, 6)
    surprise = learn_surprise(list(features), 8, 30, torch.Generator().manual_seed(0))
    return Inspector(segmenter, reference, surprise, Fusion((-4.0, 1.0), (1.0, 0.5))).eval()


@pytest.mark.parametrize("size", [(128, 96), (64, 160)])
@torch.no_grad()
def test_a_score_a_part_and_heat_at_a_quarter(inspector: Inspector, size: tuple[int, int]) -> None:
    score, heat = inspector(torch.rand(3, 3, *size))
    assert score.shape == (3,) and heat.shape == (3, size[0] // 4, size[1] // 4)
    assert float(heat.min()) >= 0 and float(heat.max()) <= 1


@torch.no_grad()
def test_score_is_the_fusion_of_the_peaks(inspector: Inspector) -> None:
    x = torch.rand(2, 3, 96, 128)
    logits, surprise = inspector.maps(x)
    peaks = torch.stack([peak(logits), peak(surprise)], 1).numpy()
    assert inspector(x)[0].numpy() == pytest.approx(inspector.fusion.score(peaks), abs=1e-4)


@torch.no_grad()
def test_parts_of_a_batch_do_not_touch(inspector: Inspector) -> None:
    x = torch.rand(2, 3, 96, 96)
    assert torch.allclose(inspector(x)[0][1], inspector(x[1:])[0][0], atol=1e-4)


def test_peak_of_a_flat_map_is_its_value_and_one_hot_pixel_is_muted() -> None:
    flat = torch.full((1, 1, 8, 8), 2.5)
    assert float(peak(flat)) == pytest.approx(2.5)
    flat[0, 0, 4, 4] += 9
    assert float(peak(flat)) == pytest.approx(2.5 + 9 / PEAK, abs=1e-4)


def meta(inspector: Inspector) -> dict:
    return {
        "kind": "inspector",
        "architecture": {"reference": "lite0"},
        "fusion": inspector.fusion.to_json(),
        "side": 128,
        "good_scores": [0.0, 1.0],
        "model_hash": "0" * 16,
        "classes": [],
        "wanted": 0.01,
        "name": "test",
    }


def save(inspector: Inspector, folder: Path) -> Path:
    state = {k: v.contiguous() for k, v in inspector.state_dict().items()}
    return write_bundle(folder, meta(inspector), lambda f: save_file(state, f / WEIGHTS)).path


@torch.no_grad()
def test_a_bundle_answers_to_the_bit(inspector: Inspector, tmp_path: Path) -> None:
    loaded, _ = load_inspector(save(inspector, tmp_path / "b"))
    x = torch.rand(1, 3, 96, 96)
    assert all(torch.equal(a, b) for a, b in zip(loaded(x), inspector(x), strict=True))


def test_a_flipped_byte_is_found(inspector: Inspector, tmp_path: Path) -> None:
    file = save(inspector, tmp_path / "b") / WEIGHTS
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(BundleError, match=r"model\.safetensors: is missing or damaged"):
        load_inspector(tmp_path / "b")


def test_the_export_judges_alike_at_the_line(inspector: Inspector, tmp_path: Path) -> None:
    images = list(np.random.default_rng(0).integers(0, 255, (3, 128, 128, 3), np.uint8))
    line = export_line(inspector, meta(inspector), tmp_path / "line", images, 0.0)
    for k, image in enumerate(images):
        write_png(tmp_path / "parts" / f"{k}.png", image)
    runtime = Runtime(line.path)
    for frame, image in zip(open_source(tmp_path / "parts").frames, images, strict=True):
        with torch.no_grad():
            score = inspector(torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255)[0]
        assert runtime.judge(frame).score == pytest.approx(float(score), abs=1e-3)
