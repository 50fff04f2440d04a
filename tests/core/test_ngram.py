"""Kneser-Ney by hand, and what any n-gram must satisfy."""

import numpy as np
import pytest

from burnish.core.ngram import KneserNey, discounts

A, B, END, BEGIN = range(4)


def test_bigrams_by_hand():
    """Sequences `a b $`, `a a $`, `b a $`. Bigrams: ^a 2, ^b 1, ab 1, aa 1, ba 1, b$ 1, a$ 2.

    Counts of counts: n1 = 5, n2 = 2, n3 = 0, so all discounts are 0.5 at the highest order. Continuations: a
    after ^, a, b = 3; b after ^, a = 2; $ after a, b = 2; sum 7; n1 = 0 there, so again 0.5.
    """
    model = KneserNey([[A, B, END], [A, A, END], [B, A, END]], 2, 4, BEGIN)
    uniform = 0.25
    left = 3 * 0.5 / 7
    unigram = {A: 2.5 / 7, B: 1.5 / 7, END: 1.5 / 7, BEGIN: 0.0}
    unigram = {v: p + left * uniform for v, p in unigram.items()}
    assert model.row([]) == pytest.approx([unigram[v] for v in range(4)])
    after_a = {A: 0.5 / 4, B: 0.5 / 4, END: 1.5 / 4, BEGIN: 0.0}
    after_a = {v: p + (3 * 0.5 / 4) * unigram[v] for v, p in after_a.items()}
    assert model.row([A]) == pytest.approx([after_a[v] for v in range(4)])
    begin_a = 1.5 / 3 + (2 * 0.5 / 3) * unigram[A]
    total = np.log(begin_a) + np.log(after_a[END])
    assert model.log_probability([A, END]).sum() == pytest.approx(total)


def test_modified_discounts_by_hand():
    """n1 = 4, n2 = 2, n3 = 1, n4 = 1: Y = 4 / 8; D1 = 1 - 2 Y 2/4, D2 = 2 - 3 Y 1/2, D3+ = 3 - 4 Y 1/1."""
    counts = np.array([1, 1, 1, 1, 2, 2, 3, 4, 9])
    assert discounts(counts) == pytest.approx([0, 0.5, 1.25, 1.0])
    assert discounts(np.array([7, 8])) == pytest.approx([0, 0.5, 0.5, 0.5])


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_every_row_is_a_distribution_and_unseen_contexts_fall_back(order):
    rng = np.random.default_rng(order)
    lines = [[*rng.integers(0, 6, rng.integers(1, 9)), 6] for _ in range(60)]
    model = KneserNey(lines, order, 9, 8)
    for context in ([], [8] * (order - 1), [*rng.integers(0, 9, order - 1)], lines[0][:order]):
        assert model.row(context).sum() == pytest.approx(1) and (model.row(context) > 0).all()
    assert (model.row([7, 7]) == model.row([])).all()
    if order > 2:
        assert (model.row([7, 3]) == model.row([3])).all()
        assert (model.row([-1, 3]) == model.row([3])).all()


def test_a_single_order_counts_continuations_only_below_the_top():
    """At order 1 probabilities are of plain counts: 4 a, 1 b, 2 ends with discount 0.5."""
    model = KneserNey([[A, A, A, END], [A, B, END]], 1, 4, BEGIN)
    assert model.row([])[A] == pytest.approx(3.5 / 7 + 1.5 / 7 / 4)


def test_higher_orders_predict_a_regular_language_better():
    """Threes in a row: a bigram cannot count, a trigram can."""
    lines = [[0, 0, 1] * 5 + [2] for _ in range(20)]
    bits = [-KneserNey(lines, n, 4, 3).log_probability(lines[0]).sum() for n in (1, 2, 3)]
    assert bits[0] > bits[1] > 2 * bits[2]


@pytest.mark.parametrize("wrong", [{"order": 0}, {"begin": 9}, {"sequences": [[5]]}, {"sequences": []}])
def test_wrong_arguments_are_refused(wrong):
    arguments = {"sequences": [[0, 1]], "order": 2, "size": 4, "begin": 3, **wrong}
    with pytest.raises(ValueError, match="need"):
        KneserNey(**arguments)
