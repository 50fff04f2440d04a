"""diffusers' UNet2D, trained for the same processor minutes with its usual recipe: DDPM, AdamW 1e-4, EMA, 50
DDIM steps."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMScheduler, UNet2DModel
from diffusers.training_utils import EMAModel
from torch import Tensor, nn

from burnish.core.mmd import kid
from burnish.media.image import write_png
from burnish.media.sheet import contact_sheet
from create_cells import Figures, timed
from create_sets import SIDE, crops, features, real

STEPS, MADE, BATCH = 50, 16, 16
WIDTHS = (64, 128, 256)


def diffusers_cell(name: str, seed: int, minutes: float, folder: Path) -> Figures:
    """KID and images a second of the peer on a gray set, on good crops."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = UNet2DModel(
        sample_size=SIDE,
        in_channels=1,
        out_channels=1,
        layers_per_block=2,
        block_out_channels=WIDTHS,
        down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
    )
    pictures = real(name).pictures
    goods = [k for k, entry in enumerate(pictures.entries) if entry.label in ("good", "")]
    updates = learn(
        net,
        lambda x, t: net(x, t).sample,
        lambda: (crops(pictures, goods, BATCH, rng)[..., :1],),
        minutes,
    )
    images, rate = timed(lambda: _sample(net.eval(), seed))
    write_png(folder / f"{name}.diffusers.{seed}.png", contact_sheet(list(images), 16, 64, title="diffusers"))
    return {
        "minutes": minutes,
        "updates": updates,
        "parameters": sum(p.numel() for p in net.parameters()),
        "kid": kid(features()(images), real(name).features),
        "rate": rate,
    }


def learn(net: nn.Module, noise_in: Callable[..., Tensor], draw: Callable[[], tuple], minutes: float) -> int:
    """Trains a peer by its usual recipe and leaves it with its averaged weights.

    Args:
        net: Whose weights are trained.
        noise_in: Its answer to noisy pictures, times and what else `draw` says of them.
        draw: A batch: pictures, uint8 (B, h, w, C), and what is said of them.
        minutes: Of the processor.

    Returns:
        The number of updates.
    """
    noise = DDPMScheduler(num_train_timesteps=1000)
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-4)
    average = EMAModel(net.parameters(), decay=0.999, use_ema_warmup=True, inv_gamma=1.0, power=0.75)
    began, updates = time.process_time(), 0
    while time.process_time() - began < 60 * minutes:
        batch, *said = draw()
        x = torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 127.5 - 1
        eps, t = torch.randn_like(x), torch.randint(0, 1000, (len(x),))
        nn.functional.mse_loss(noise_in(noise.add_noise(x, eps, t), t, *said), eps).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        average.step(net.parameters())
        updates += 1
    average.copy_to(net.parameters())
    return updates


def levels(x: Tensor) -> np.ndarray:
    """Pictures (B, C, h, w) in [-1, 1] as uint8 (B, h, w, C)."""
    return ((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()


@torch.no_grad()
def _sample(net: UNet2DModel, seed: int) -> np.ndarray:
    scheduler = DDIMScheduler(num_train_timesteps=1000)
    scheduler.set_timesteps(STEPS)
    x = torch.randn(MADE, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    for t in scheduler.timesteps:
        x = scheduler.step(net(x, t).sample, t, x).prev_sample
    return levels(x.expand(-1, 3, -1, -1))
