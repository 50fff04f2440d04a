"""diffusers' conditional UNet2D on named pictures: the same processor minutes as the starter, the same words.

Names are hashed to n-grams as ours are, whose mean of learned embeddings is the one token of the UNet's
cross-attention. A tenth of them is left out in training, for guidance. Trained as
`create_peer` trains; pictures by DPM-Solver++ in 10 steps.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DPMSolverMultistepScheduler, UNet2DConditionModel
from torch import Tensor, nn

from burnish.media.image import read_image, write_png
from burnish.media.sheet import contact_sheet
from burnish.nets.condition import hash_text
from create_peer import WIDTHS, learn, levels
from create_sets import SIDE, data
from create_words import SHOWN, chance_and_share, combinations, emoji

STEPS, BATCH, BUCKETS, WIDTH, DROPPED = 10, 16, 3072, 256, 0.1


class Peer(nn.Module):
    """The network with its embedding of words."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.EmbeddingBag(BUCKETS + 1, WIDTH, mode="mean", padding_idx=0)
        self.net = UNet2DConditionModel(
            sample_size=SIDE,
            in_channels=3,
            out_channels=3,
            layers_per_block=2,
            block_out_channels=WIDTHS,
            down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
            cross_attention_dim=WIDTH,
        )

    def forward(self, x: Tensor, t: Tensor, ngrams: Tensor) -> Tensor:
        """The noise in x (B, 3, h, w)."""
        return self.net(x, t, encoder_hidden_states=self.words(ngrams)[:, None]).sample


def peer_cell(minutes: float, guidance: float, folder: Path, seed: int = 0) -> dict[str, Any]:
    """Share of the five nearest real pictures of the right subcategory, and chance."""
    torch.manual_seed(seed)
    rng, rows = np.random.default_rng(seed), emoji()[0]
    pictures = np.stack([read_image(data("captions", "emoji_64") / row["file"]) for row in rows])
    told = hash_text([row["name"] for row in rows], BUCKETS)
    peer = Peer()

    def draw() -> tuple[np.ndarray, Tensor]:
        chosen = rng.integers(len(rows), size=BATCH)
        return pictures[chosen], told[chosen] * torch.from_numpy(rng.random((BATCH, 1)) >= DROPPED)

    updates = learn(peer, peer, draw, minutes)
    pairs = combinations()
    images = _sample(peer.eval(), hash_text([prompt for prompt, _ in pairs], BUCKETS), guidance, seed)
    sheet = contact_sheet(list(images[:SHOWN]), 8, 96, captions=[p for p, _ in pairs[:SHOWN]])
    write_png(folder / "starter.peer.png", sheet)
    return {"minutes": minutes, "updates": updates, **chance_and_share(images, pairs)}


@torch.no_grad()
def _sample(peer: Peer, told: Tensor, guidance: float, seed: int) -> np.ndarray:
    made, rng = [], torch.Generator().manual_seed(seed)
    for said in told.split(BATCH):
        scheduler = DPMSolverMultistepScheduler(num_train_timesteps=1000)
        scheduler.set_timesteps(STEPS)
        x = torch.randn(len(said), 3, SIDE, SIDE, generator=rng)
        for t in scheduler.timesteps:
            both = peer(torch.cat([x, x]), t, torch.cat([said, torch.zeros_like(said)]))
            with_words, without = both.chunk(2)
            x = scheduler.step(without + guidance * (with_words - without), t, x).prev_sample
        made.append(levels(x))
    return np.concatenate(made)
