"""Copies are told from new things."""

import pytest
import torch

from burnish.train.copies import copy_rate, distinct, nearest_two


def test_distances_by_hand():
    first, second = nearest_two(
        torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 1.0], [9.0, 9.0]])
    )
    assert (first.item(), second.item()) == (1.0, 5.0)


def test_repeated_pictures_are_copies_and_fresh_ones_are_not():
    torch.manual_seed(0)
    training = torch.randn(30, 1, 8, 8)
    fresh, copied = torch.randn(30, 1, 8, 8), training[:10] + 0.05 * torch.randn(10, 1, 8, 8)
    assert copy_rate(fresh, training) == 0
    assert copy_rate(copied, training) == 1
    assert copy_rate(torch.cat([fresh, copied]), training) == pytest.approx(0.25)


def test_a_picture_trained_many_times_does_not_hide_its_copies():
    torch.manual_seed(0)
    training = torch.randn(30, 1, 8, 8)
    often = torch.cat([training, training[:1].expand(200, -1, -1, -1)])
    assert distinct(often).tolist() == list(range(30))
    assert copy_rate(training[:1] + 0.01, often) == 1


def test_too_little_to_compare_with():
    assert copy_rate(torch.randn(3, 4), torch.randn(1, 4)) == 0
    assert copy_rate(torch.randn(0, 4), torch.randn(5, 4)) == 0
