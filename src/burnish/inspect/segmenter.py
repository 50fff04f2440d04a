"""The part of the inspector that has seen defects: a trunk tuned to tell them, pixel by pixel."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from burnish.inspect.crops import cut, relight
from burnish.inspect.pairs import Shot, Synthesiser
from burnish.nets.backbone import Lite0, upright
from burnish.nets.segment import Decoder
from burnish.train.muon import Both

FROZEN = 3
"""Blocks of the trunk that stay as pretrained, and are shared with the surprise."""

HAIRLINE = 0.125
"""Share of a place's pixels from which it counts as defective: a line one pixel wide covers a fourth."""


class Segmenter(nn.Module):
    """Logits of `defective` at a quarter of the picture's resolution.

    Args:
        trunk: Pretrained; its first `FROZEN` blocks stay as they are.
    """

    def __init__(self, trunk: Lite0) -> None:
        super().__init__()
        self.trunk = trunk
        self.trunk.freeze(FROZEN)
        self.decoder = Decoder(Lite0.channels[1:])
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor) -> Tensor:
        """x (B, 3, H, W) in [0, 1] to logits (B, 1, H / 4, W / 4)."""
        return self.decode(self.trunk(x))

    def decode(self, maps: list[Tensor]) -> Tensor:
        """From the trunk's maps to logits."""
        return upright(self.decoder(maps[1:]))

    def optimiser(self) -> Both:
        """AdamW; the pretrained blocks learn at a third of the decoder's rate."""
        tuned = [p for p in self.trunk.parameters() if p.requires_grad]
        return Both(
            torch.optim.AdamW(
                [
                    {"params": tuned, "lr": 3e-4, "weight_decay": 1e-4},
                    {"params": list(self.decoder.parameters()), "lr": 1e-3, "weight_decay": 1e-2},
                ],
                fused=True,
            )
        )


Batch = tuple[Tensor, Tensor]


class Drill:
    """Batches of real defects, new ones and good parts, and the loss on them, for `train.loop.fit`.

    Args:
        goods: Good parts.
        defects: Defective parts; those without a mask are left out.
        synthesiser: Makes new defects; None for real ones only.
        size: Side of a crop.
        batch: Crops an update: a third good, a third real, a third new.
    """

    def __init__(
        self,
        goods: Sequence[Shot],
        defects: Sequence[Shot],
        synthesiser: Synthesiser | None,
        size: int = 256,
        batch: int = 6,
    ) -> None:
        self.goods, self.synthesiser, self.size = list(goods), synthesiser, size
        self.defects = [d for d in defects if d.mask is not None and d.mask.any()]
        good = batch // 3
        new = (batch - good) // 2 if synthesiser and self.defects else batch - good if synthesiser else 0
        real = batch - good - new if self.defects else 0
        self.counts = (batch - real - new, real, new)

    def batch(self, step: int, rng: np.random.Generator) -> Batch:
        """Pictures (B, 3, size, size) in [0, 1] and their masks (B, 1, size, size)."""
        good, real, new = self.counts
        pairs = [self._of(self.goods[rng.integers(len(self.goods))]) for _ in range(good)]
        pairs += [self._of(self.defects[rng.integers(len(self.defects))]) for _ in range(real)]
        for _ in range(new):
            assert self.synthesiser is not None
            pair = self.synthesiser.draw(rng)
            if pair.provenance.get("hardly_visible") and self.defects:  # a real one instead
                pairs.append(self._of(self.defects[rng.integers(len(self.defects))]))
            else:
                pairs.append((pair.image, pair.mask))
        cuts = [cut(image, mask, self.size, rng) for image, mask in pairs]
        x = torch.from_numpy(np.stack([relight(image, rng) for image, _ in cuts])).permute(0, 3, 1, 2)
        return x, torch.from_numpy(np.stack([mask for _, mask in cuts])[:, None].astype(np.float32))

    @staticmethod
    def _of(shot: Shot) -> tuple[np.ndarray, np.ndarray]:
        return shot.image, shot.mask if shot.mask is not None else np.zeros(shot.image.shape[:2], bool)

    @staticmethod
    def loss(model: nn.Module, batch: Batch, rng: torch.Generator) -> Tensor:
        """Focal loss (arXiv:1708.02002, gamma 1) and soft Dice (arXiv:1606.04797), of the batch as one and of
        each crop alone.

        In the batch as one a stain that covers a part outweighs any spot; crop by crop the spot counts as
        much, and one loud place on a good part costs as much as a missed defect.
        """
        x, mask = batch
        logits = model(x)
        true = (F.adaptive_avg_pool2d(mask, logits.shape[-2:]) >= HAIRLINE).float()
        p = logits.sigmoid()
        entropy = F.binary_cross_entropy_with_logits(logits, true, reduction="none")
        focal = (entropy * ((1 - true) * p + true * (1 - p))).mean()
        both, either = (v.flatten(1).sum(1) for v in (p * true, p.square() + true))
        return 8 * focal + _dice(both.sum(), either.sum()) + _dice(both, either).mean()


def _dice(both: Tensor, either: Tensor) -> Tensor:
    """Soft Dice loss of sums over places, with one place of each added so that nothing found in nothing costs
    nothing."""
    return 1 - (2 * both + 1) / (either + 1)
