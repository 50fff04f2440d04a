"""The filter over time against brute-force Gaussian conditioning, EDM's coefficients and simulation."""

import numpy as np
import pytest
import torch

from burnish.core.frames import FramePath, FramePreconditioned, covariance, doubt, frame_times, wiener
from burnish.core.gaussian import coefficients
from burnish.core.posterior import Posterior
from burnish.core.process import seeded
from burnish.core.sample import sample


def ar1(length, rho=0.9):
    k = torch.arange(length)
    return rho ** (k[:, None] - k).abs().double()


class Silent(torch.nn.Module):
    """A network that adds nothing."""

    def forward(self, inputs, t, condition=None):
        return inputs[:, : (inputs.shape[1] - 1) // 2] * 0


def test_one_frame_is_edm():
    t = torch.tensor([[0.05], [0.5], [0.99]])
    gain, deviation = wiener(t, torch.ones(1, 1))
    c_skip, c_out, _ = coefficients(t.double(), 1.0)
    torch.testing.assert_close(gain[..., 0], c_skip)
    torch.testing.assert_close(deviation, c_out)


def test_known_frames_condition_the_others_as_a_gaussian():
    matrix, known = ar1(6).numpy(), [0, 3]
    unknown = [1, 2, 4, 5]
    t = torch.tensor([[0.0, 1.0, 1.0, 0.0, 1.0, 1.0]])
    gain, deviation = wiener(t, torch.from_numpy(matrix))
    to_known = matrix[np.ix_(unknown, known)] @ np.linalg.inv(matrix[np.ix_(known, known)])
    left = matrix[np.ix_(unknown, unknown)] - to_known @ matrix[np.ix_(known, unknown)]
    np.testing.assert_allclose(gain[0][np.ix_(unknown, known)], to_known, atol=1e-10)
    np.testing.assert_allclose(gain[0][np.ix_(unknown, unknown)], 0, atol=1e-10)
    np.testing.assert_allclose(deviation[0][unknown], np.sqrt(np.diag(left)), atol=1e-10)
    assert (deviation[0][known] == 0).all()


def test_frames_at_one_time_are_filtered_each_alone_as_by_edm():
    t = torch.tensor([[0.3] * 5, [0.8] * 5])
    gain, deviation = wiener(t, ar1(5, 0.97))
    c_skip, c_out, _ = coefficients(t.double(), 1.0)
    torch.testing.assert_close(gain, torch.diag_embed(c_skip))
    torch.testing.assert_close(deviation, c_out)


def test_a_frame_between_two_known_ones_is_their_blend_and_one_after_them_the_last():
    # The bridge of a slow first-order process: sinh(kappa (L - k)) / sinh(kappa L), linear as kappa -> 0.
    length, rate, k = 9, 1e-3, torch.arange(9).double()
    t = torch.ones(1, length)
    t[:, [0, -1]] = 0
    gain, deviation = wiener(t, torch.exp(-rate * (k[:, None] - k).abs()))
    np.testing.assert_allclose(gain[0][:, 0], np.sinh(rate * (8 - k)) / np.sinh(rate * 8), atol=1e-9)
    np.testing.assert_allclose(gain[0][:, 0], 1 - k / 8, atol=1e-4)
    np.testing.assert_allclose(deviation[0] ** 2, 2 * rate * k * (8 - k) / 8, rtol=0.01, atol=1e-9)
    t[:, -1] = 1
    np.testing.assert_allclose(wiener(t, ar1(length, 0.99))[0][0][:, 0], 0.99**k, atol=1e-9)


def test_what_is_open_given_known_frames():
    known = torch.tensor([[False] * 3, [True, False, False]])
    expected = [1.0, ((1 - 0.9**2 + 1 - 0.9**4) / 2) ** 0.5]
    assert doubt(known, ar1(3)).tolist() == pytest.approx(expected)


def test_the_loss_of_a_silent_network_is_one_on_gaussian_clips_at_every_time():
    matrix = ar1(8)
    root = torch.linalg.cholesky(matrix).float()
    x_0 = torch.einsum("ij,bcjhw->bcihw", root, torch.randn(32, 2, 8, 8, 8, generator=seeded(0)))
    process, denoiser = FramePath(matrix), FramePreconditioned(Silent(), matrix)
    for times in ([0.3] * 8, [0.0] + [1.0] * 7, [0.0, 1, 0.5, 0.5, 1, 0.2, 0.9, 0.0]):
        t = torch.tensor(times).expand(32, 8)
        x_t = process.corrupt(x_0, t, seeded(1))
        loss = process.loss(denoiser(x_t, t), x_0, x_t, t)
        assert float(loss.mean()) == pytest.approx(1, abs=0.06)  # 32 x 128 pixels, correlated in time


def test_known_frames_come_back_to_the_bit_and_absent_ones_do_not_count():
    matrix = ar1(4)
    process, denoiser = FramePath(matrix), FramePreconditioned(Silent(), matrix)
    x_0 = torch.randn(2, 1, 4, 4, 4, generator=seeded(0))
    t = torch.tensor([[0.0, 0.7, 0.7, 1.0]] * 2)
    x_t = process.corrupt(x_0, t, seeded(1))
    posterior = denoiser(x_t, t)
    assert torch.equal(posterior.mean[:, :, 0], x_0[:, :, 0])
    there = torch.tensor([[1.0, 1, 1, 0]] * 2)
    other = x_0.clone()
    other[:, :, 3] = 100
    losses = [process.loss(posterior, x, x_t, t, there) for x in (x_0, other)]
    assert torch.equal(*losses)


def test_a_walk_with_a_silent_network_draws_gaussian_clips_of_that_covariance():
    matrix = ar1(4, 0.8)
    denoiser, process = FramePreconditioned(Silent(), matrix), FramePath(matrix)
    made = sample(denoiser, process, (256, 1, 4, 8, 8), 40, rng=seeded(0))
    flat = made.permute(2, 0, 1, 3, 4).reshape(4, -1)
    np.testing.assert_allclose((flat @ flat.T / flat.shape[1]).numpy(), matrix, atol=0.05)


def test_the_covariance_of_a_first_order_process_is_found():
    rng, clips = seeded(0), []
    for length in (40, 40, 7):
        noise = torch.randn(length, 1, 24, 24, generator=rng)
        frames = [noise[0]]
        for eps in noise[1:]:
            frames.append(0.9 * frames[-1] + (1 - 0.81) ** 0.5 * eps)
        clips.append(torch.stack(frames))
    np.testing.assert_allclose(covariance(clips, 6), ar1(6), atol=0.04)


def test_stills_and_short_clips_still_have_an_inverse():
    still = torch.randn(1, 1, 8, 8, generator=seeded(0)).expand(5, -1, -1, -1)
    for clips in ([still], [still[:2]], [still[:1]]):
        matrix = covariance(clips, 16)
        assert float(torch.linalg.eigvalsh(matrix).min()) > 1e-5
        torch.testing.assert_close(matrix.diagonal(), torch.ones(16, dtype=torch.float64))
    with pytest.raises(ValueError, match="needs clips"):
        covariance([], 4)


def test_the_noise_of_frames_is_as_alike_as_they_are():
    noise = FramePath(ar1(3, 0.8)).prior((64, 2, 3, 8, 8), seeded(0)).permute(2, 0, 1, 3, 4).reshape(3, -1)
    np.testing.assert_allclose(noise @ noise.T / noise.shape[1], ar1(3, 0.8), atol=0.03)


def test_given_frames_the_loss_is_the_error_over_the_filter_s():
    matrix = ar1(4)
    process, x_0 = FramePath(matrix), torch.randn(2, 1, 4, 8, 8, generator=seeded(0))
    t = torch.tensor([[0.0, 1, 1, 0]] * 2)
    x_t = process.corrupt(x_0, t, seeded(1))
    filtered = FramePreconditioned(Silent(), matrix)(x_t, t)
    assert process.loss(filtered, x_0, x_t, t).tolist() == pytest.approx([1, 1], abs=1e-3)
    half = Posterior((filtered.mean + x_0) / 2)
    assert process.loss(half, x_0, x_t, t).tolist() == pytest.approx([0.25, 0.25], abs=1e-3)


def test_times_of_all_forms_and_another_number_of_frames():
    x = torch.zeros(2, 1, 4, 2, 2)
    assert frame_times(torch.tensor([0.1, 0.2]), x).tolist()[1] == pytest.approx([0.2] * 4)
    assert frame_times(torch.zeros(2, 1, 4, 1, 1), x).shape == (2, 4)
    with pytest.raises(ValueError, match="made for 4 frames, got 5"):
        FramePreconditioned(Silent(), ar1(4))(torch.zeros(1, 1, 5, 2, 2), torch.zeros(1))


def test_white_undoes_alike_also_of_shorter_clips():
    path, noise = FramePath(ar1(6)), torch.randn(400, 1, 4, 8, 8, generator=seeded(3))
    alike = path.alike(noise)
    torch.testing.assert_close(path.white(alike), noise, atol=1e-5, rtol=1e-4)
    found = torch.einsum("bcihw,bcjhw->ij", alike, alike) / (400 * 64)
    torch.testing.assert_close(found, ar1(4).float(), atol=0.03, rtol=0)
