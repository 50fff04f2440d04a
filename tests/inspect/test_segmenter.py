"""The segmenter's batches and its loss."""

from collections import Counter

import numpy as np
import pytest
import torch

from burnish.inspect.pairs import Pair, Shot
from burnish.inspect.segmenter import FROZEN, Drill, Segmenter
from burnish.nets.backbone import Lite0


def shot(label: str, value: int, marked: bool) -> Shot:
    mask = np.zeros((64, 64), bool)
    mask[20:40, 20:40] = marked
    return Shot(np.full((64, 64, 3), value, np.uint8), mask, label, label)


class Same:
    """Makes one pair again and again."""

    method, rejected = "same", Counter()

    def __init__(self, **provenance: object) -> None:
        self.provenance = provenance

    def draw(self, rng: np.random.Generator, label: str | None = None) -> Pair:
        made = shot("new", 200, True)
        assert made.mask is not None
        return Pair(made.image, made.mask, "new", self.provenance)


@pytest.mark.parametrize(
    ("defects", "synthesiser", "counts"),
    [(1, None, (2, 4, 0)), (1, Same(), (2, 2, 2)), (0, Same(), (2, 0, 4)), (0, None, (6, 0, 0))],
)
def test_a_third_is_good_and_the_rest_is_shared(
    defects: int, synthesiser: Same | None, counts: tuple
) -> None:
    drill = Drill([shot("good", 50, False)], [shot("bad", 120, True)] * defects, synthesiser, size=64)
    assert drill.counts == counts
    x, mask = drill.batch(0, np.random.default_rng(0))
    assert x.shape == (6, 3, 64, 64) and mask.shape == (6, 1, 64, 64)
    assert [bool(m.any()) for m in mask] == [False] * counts[0] + [True] * (counts[1] + counts[2])


def test_what_hardly_shows_is_replaced_by_a_real_defect() -> None:
    drill = Drill([shot("good", 50, False)], [shot("bad", 120, True)], Same(hardly_visible=True), size=64)
    x, _ = drill.batch(0, np.random.default_rng(0))
    assert float(x[4:].mean()) < 0.65  # 200 of 255 would be 0.78


def test_loss_falls_on_one_batch_and_frozen_blocks_stay() -> None:
    torch.manual_seed(0)
    net = Segmenter(Lite0())
    before = [p.clone() for p in net.trunk.blocks[:FROZEN].parameters()]
    optimiser, drill = (
        net.optimiser(),
        Drill([shot("good", 50, False)], [shot("bad", 200, True)], None, 64, 3),
    )
    batch, losses = drill.batch(0, np.random.default_rng(0)), []
    for _ in range(25):
        loss = drill.loss(net, batch, torch.Generator())
        loss.backward()
        optimiser.step(1.0)
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    after = net.trunk.blocks[:FROZEN].parameters()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def cost(mask: torch.Tensor, found: torch.Tensor, certainty: float = 20) -> float:
    """Of answering that `found` is defective, both (B, 1, h, w) in pixels; `certainty` in logits."""
    logits = certainty * (torch.nn.functional.avg_pool2d(found, 4).gt(0).float() * 2 - 1)
    return float(Drill.loss(lambda _: logits, (mask, mask), torch.Generator()))  # type: ignore[arg-type]


def test_a_perfect_answer_costs_next_to_nothing_and_the_opposite_costs_much() -> None:
    _, mask = Drill([shot("good", 50, False)], [shot("bad", 120, True)], None, 64).batch(
        0, np.random.default_rng(0)
    )
    whole = torch.nn.functional.interpolate(torch.nn.functional.max_pool2d(mask, 4), scale_factor=4)
    assert cost(whole, whole) < 1e-3 and cost(whole, 1 - whole) > 1


def test_a_spot_counts_beside_a_stain_and_so_does_a_loud_place_on_a_good_part() -> None:
    mask = torch.zeros(3, 1, 64, 64)
    mask[0, 0, :, :32] = 1  # a stain, a spot, and a good part
    mask[1, 0, 8:16, 8:16] = 1
    missed, loud = mask.clone(), mask.clone()
    missed[1] = 0
    loud[2, 0, 8:16, 8:16] = 1
    least = cost(mask, mask, 5)
    assert cost(mask, missed, 5) > least + 0.4 and cost(mask, loud, 5) > least + 0.4


def test_a_line_one_pixel_wide_is_a_defect() -> None:
    mask = torch.zeros(1, 1, 64, 64)
    mask[0, 0, 32] = 1
    assert cost(mask, mask) < 1e-3 < 1 < cost(mask, torch.zeros_like(mask))
