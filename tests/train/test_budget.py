"""Budgets and the learning rate that fits them."""

import pytest

from burnish.train.budget import Budget, learning_rate


def test_spent_is_whichever_is_nearer_its_end():
    assert Budget(minutes=2).spent(99, 60) == 0.5
    assert Budget(steps=100).spent(25, 1e9) == 0.25
    assert Budget(minutes=2, steps=100).spent(75, 60) == 0.75
    assert Budget(minutes=1).spent(0, 100) == 1


@pytest.mark.parametrize("wrong", [{}, {"minutes": 0}, {"steps": -1}])
def test_empty_budgets_are_refused(wrong):
    with pytest.raises(ValueError, match="budget"):
        Budget(**wrong)


def test_learning_rate_rises_holds_and_falls_to_zero():
    assert learning_rate(0.0, 0, warmup=10) == pytest.approx(0.1)
    assert learning_rate(0.2, 9, warmup=10) == 1
    assert learning_rate(0.39, 500) == 1
    assert learning_rate(0.7, 500, hold=0.4) == pytest.approx(0.5)
    assert learning_rate(1.0, 500) == pytest.approx(0)
