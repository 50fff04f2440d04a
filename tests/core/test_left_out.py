"""Surprise of frames: one on Gaussian clips, high where a frame or a block does not belong."""

import pytest
import torch

from burnish.core.frames import FramePath, FramePreconditioned
from burnish.core.left_out import left_out, top_blocks
from burnish.core.process import seeded


class Silent(torch.nn.Module):
    def forward(self, inputs, t, condition=None):
        return inputs[:, : (inputs.shape[1] - 1) // 2] * 0


@pytest.fixture(scope="module")
def gaussian():
    k = torch.arange(16)
    matrix = 0.97 ** (k[:, None] - k).abs().double()
    root = torch.linalg.cholesky(matrix).float()
    clips = torch.einsum("ij,bcjhw->bcihw", root, torch.randn(16, 3, 16, 32, 32, generator=seeded(3)))
    return FramePreconditioned(Silent(), matrix), FramePath(matrix), clips


def test_gaussian_frames_are_as_surprising_as_their_variance(gaussian):
    denoiser, process, clips = gaussian
    scores = left_out(denoiser, process, clips, torch.ones(16, 16, dtype=torch.bool), share=1.0)
    assert scores.shape == (16, 16)
    assert float(scores.mean()) == pytest.approx(1, abs=0.01)  # 800,000 independent residuals
    assert float((scores - 1).abs().max()) < 0.2


def test_a_foreign_frame_and_a_foreign_block_stand_out(gaussian):
    denoiser, process, clips = gaussian
    there = torch.ones(1, 16, dtype=torch.bool)
    swapped = clips[:1].clone()
    swapped[:, :, 6] = clips[1:2, :, 6]
    once, twice = (left_out(denoiser, process, swapped, there, rounds=rounds)[0] for rounds in (1, 2))
    assert int(once.argmax()) == int(twice.argmax()) == 6
    beside = torch.tensor([5, 7])
    assert (twice[beside] < 0.7 * once[beside]).all()
    assert float(twice[6]) > 0.7 * float(once[6])
    pasted = clips[:1].clone()
    pasted[:, :, 9, 8:16, 8:16] = clips[1:2, :, 9, 8:16, 8:16]
    assert int(left_out(denoiser, process, pasted, there, share=0.1).argmax()) == 9


def test_absent_frames_have_no_surprise_and_cause_none(gaussian):
    denoiser, process, clips = gaussian
    there = torch.arange(16)[None] < 11
    absent = torch.where(there[:, None, :, None, None], clips[:1], 50.0)
    scores = left_out(denoiser, process, absent, there)
    assert (scores[0, 11:] == 0).all()
    assert float(scores[0, :11].max()) < 2


def test_the_most_surprising_blocks_are_averaged():
    values = torch.zeros(1, 1, 16, 16)
    values[..., :8, :8] = 4.0
    assert float(top_blocks(values, 8, 0.25)) == 4.0
    assert float(top_blocks(values, 8, 0.5)) == 2.0
    assert float(top_blocks(values, 8, 1.0)) == 1.0
