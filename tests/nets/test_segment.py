"""The decoder of the segmenter: shapes, the start of training, and that each level counts."""

import pytest
import torch

from burnish.nets.segment import Decoder

CHANNELS = (24, 40, 112)


def maps(batch: int = 2, side: int = 16) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return [torch.randn(batch, c, side >> k, side >> k) for k, c in enumerate(CHANNELS)]


def test_answers_at_the_finest_map_and_begins_by_calling_hardly_anything_defective() -> None:
    logits = Decoder(CHANNELS, width=16)(maps())
    assert logits.shape == (2, 1, 16, 16)
    assert float(logits.detach().sigmoid().mean()) < 0.1


def test_takes_maps_whose_sides_are_not_twice_each_other() -> None:
    odd = [torch.randn(1, 24, 15, 9), torch.randn(1, 40, 8, 5), torch.randn(1, 112, 4, 3)]
    assert Decoder(CHANNELS, width=16)(odd).shape == (1, 1, 15, 9)


@pytest.mark.parametrize("level", range(len(CHANNELS)))
def test_every_level_is_heard(level: int) -> None:
    torch.manual_seed(0)
    decoder, given = Decoder(CHANNELS, width=16), maps(1)
    given[level].requires_grad_()
    decoder(given).sum().backward()
    assert given[level].grad is not None and float(given[level].grad.abs().max()) > 0
