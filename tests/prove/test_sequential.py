"""Sequential p-values are uniform and independent, whatever the distribution; run lengths are the chart's."""

import numpy as np
import pytest
from scipy import stats

from burnish.prove.charts import ewma, first_alarm, normal_cusum
from burnish.prove.sequential import normal_scores, sequential_p_values, window_p_values


def _by_definition(values, uniforms):
    found = []
    for n, x in enumerate(values):
        earlier = np.array(values[:n])
        found.append(((earlier > x).sum() + uniforms[n] * (1 + (earlier == x).sum())) / (n + 1))
    return found


def test_ranks_are_those_of_the_definition():
    values = np.random.default_rng(0).integers(0, 6, 50).astype(float)
    uniforms = 1 - np.random.default_rng(1).random(50)
    found = list(sequential_p_values(values, np.random.default_rng(1)))
    assert found == pytest.approx(_by_definition(values.tolist(), uniforms))


@pytest.mark.parametrize(
    "draw",
    [lambda r: r.pareto(0.8, 4000), lambda r: r.integers(0, 3, 4000), lambda r: np.ones(4000)],
    ids=["heavy tail", "three values", "constant"],
)
def test_p_values_are_uniform_and_independent(draw):
    """Two tests at a level of 0.001 on a fixed seed."""
    rng = np.random.default_rng(2)
    p = np.array(list(sequential_p_values(draw(rng), rng)))
    assert stats.kstest(p, "uniform").pvalue > 1e-3
    assert stats.spearmanr(p[1:], p[:-1]).pvalue > 1e-3
    assert list(normal_scores([0.5, 0.025])) == pytest.approx([0, 1.959964])


def test_window_p_values_are_uniform_although_what_exceeds_the_memory_is_dropped():
    rng = np.random.default_rng(3)
    p = []
    for _ in range(60):
        features = rng.normal(size=(20 + 80, 3)) * rng.uniform(0.5, 2, 3)
        p += list(window_p_values(features[:20], features[20:], 8, rng, permutations=39, memory=40))
    assert len(p) == 600 and min(p) > 0 and max(p) < 1
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_a_moved_window_stands_out():
    rng = np.random.default_rng(4)
    past, moved = rng.normal(size=(60, 8)), rng.normal(size=(10, 8)) + 1.5
    p = list(window_p_values(past, moved, 10, rng, permutations=199))
    assert len(p) == 1 and p[0] <= 1 / 200
    again = [list(window_p_values(past, moved, 5, np.random.default_rng(5))) for _ in range(2)]
    assert again[0] == again[1]


@pytest.mark.parametrize(
    ("past", "stream", "window"), [((1, 2), (9, 2), 3), ((5, 2), (9, 3), 3), ((5, 2), (9, 2), 1)]
)
def test_windows_that_cannot_be_are_told(past, stream, window):
    with pytest.raises(ValueError):
        list(window_p_values(np.zeros(past), np.zeros(stream), window, np.random.default_rng(0)))


def test_charts_on_ranks_keep_their_run_length():
    """1,000 lognormal streams without any reference: standard error 3 %, band 10 %."""
    rng, chart = np.random.default_rng(6), ewma(100)
    found = []
    for _ in range(1000):
        p = sequential_p_values(rng.lognormal(size=1500), rng)
        found.append(first_alarm(chart.walk(normal_scores(p))) or 1500)
    assert np.mean(found) == pytest.approx(100, rel=0.1)
    assert normal_cusum(100).run_length() == pytest.approx(100)
