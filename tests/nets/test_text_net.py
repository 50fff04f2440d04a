"""The text network: its start at the chain, what it never answers, what sees what."""

import pytest
import torch

from burnish.core.chain import Chain
from burnish.core.corrected import Corrected
from burnish.core.process import seeded
from burnish.nets.text import TextConfig, TextNet

PAD, BEGIN, END, MASK = range(4)
SIZE = 9
TINY = {"width": 32, "depth": 2, "reach": 3, "dropout": 0.0}
LINE = [BEGIN, 4, MASK, 6, MASK, 8, END]


def config(**changes):
    return TextConfig(SIZE, MASK, BEGIN, END, PAD, **{**TINY, **changes})


def net(stir=True, **changes):
    """A network; weights that are zero at first become random when stirred."""
    torch.manual_seed(0)
    made, rng = TextNet(config(**changes)).eval(), seeded(0)
    if stir:
        with torch.no_grad():
            for p in made.parameters():
                p.add_(0.3 * torch.randn(p.shape, generator=rng))
    return made


def chain(allowed):
    p = torch.rand(SIZE, SIZE, generator=seeded(1)) + 0.05
    return Chain.dense(p / p.sum(-1, keepdim=True), MASK, allowed)


def test_untrained_it_is_the_chain():
    made = net(stir=False)
    known = chain(config().allowed())
    x = torch.tensor([LINE])
    answer = Corrected(made, known)(x).log_probabilities[x == MASK]
    assert answer[:, 4:].exp().sum(-1).tolist() == pytest.approx([1, 1], abs=1e-5)
    assert answer[:, 4:].flatten().tolist() == pytest.approx(
        known(x).log_probabilities[x == MASK][:, 4:].flatten().tolist(), abs=1e-5
    )
    alone = Corrected(made)(x).log_probabilities[x == MASK][:, 4:].exp()
    assert alone.flatten().tolist() == pytest.approx([1 / 5] * 10)


@pytest.mark.parametrize("causal", [False, True])
def test_special_tokens_are_never_an_answer_but_the_end_of_a_causal_line(causal):
    answer = net(causal=causal)(torch.tensor([LINE])).softmax(-1)
    assert (answer[..., [PAD, BEGIN, MASK]] == 0).all()
    assert (answer[..., END] > 0).all() if causal else (answer[..., END] == 0).all()
    assert (answer[..., 4:] > 0).all()


def test_padding_changes_nothing_and_places_can_be_asked_alone():
    made, x = net(), torch.tensor([LINE])
    whole, longer = made(x), made(torch.tensor([[*LINE, PAD, PAD]]))
    assert torch.allclose(whole, longer[:, : len(LINE)], atol=1e-5)
    assert torch.allclose(made(x, where=x == MASK), whole[x == MASK], atol=1e-5)


def test_a_masked_model_sees_both_sides_a_causal_one_what_stands_before():
    for causal in (False, True):
        made, x = net(causal=causal), torch.tensor([LINE])
        plain = made(x)[0, 2]
        for place, seen in ((1, True), (5, not causal), (2, not causal)):
            other = x.clone()
            other[0, place] = 7
            assert torch.allclose(made(other)[0, 2], plain, atol=1e-6) != seen


def test_what_is_left_and_what_is_right_are_told_apart():
    made = net(depth=1)
    line, turned = torch.tensor([[5, 6, MASK, 7, 8]]), torch.tensor([[8, 7, MASK, 6, 5]])
    assert not torch.allclose(made(line)[0, 2], made(turned)[0, 2], atol=1e-3)
