"""A denoiser around a mean that words tell, as ONNX: the same at every batch."""

import numpy as np
import onnxruntime
import pytest
import torch

from burnish.core.centred import Centred
from burnish.core.gaussian import Preconditioned
from burnish.core.process import seeded
from burnish.export.denoiser import denoiser_onnx, examples, told_of
from burnish.nets.condition import Condition
from burnish.nets.hourglass import Hourglass, HourglassConfig
from burnish.nets.wordmean import WordMean

SHAPE = (3, 16, 16)


@pytest.fixture(scope="module")
def exported() -> tuple[Centred, HourglassConfig, bytes, float]:
    torch.manual_seed(0)
    config = HourglassConfig(
        channels=3, extra=3, widths=(32, 32), depths=(1, 1), told=32, buckets=64, classes=2
    )
    net = Hourglass(config)
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.1, generator=seeded(1))
    mean = WordMean(64, 5, SHAPE)
    for buffer in (mean.words, mean.axes, mean.centre):
        buffer.normal_(generator=seeded(2))
    denoiser = Centred(Preconditioned(net, 0.7), mean).eval()
    return denoiser, config, *denoiser_onnx(denoiser, config, SHAPE)  # type: ignore[arg-type]


def test_parity_was_measured_at_several_batches(exported: tuple) -> None:
    assert exported[3] < 1e-3


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_any_batch_answers_as_the_original(exported: tuple, batch: int) -> None:
    denoiser, config, model, _ = exported
    fed = examples(config, SHAPE, batch, 9)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    found = session.run(["clean"], {name: value.numpy() for name, value in fed.items()})[0]
    said = Condition(**{name: fed[name] for name in told_of(config)})
    with torch.no_grad():
        wanted = denoiser(fed["x"], fed["t"], said).mean.numpy()
    assert np.abs(np.asarray(found) - wanted).max() < 1e-3
