"""The advice follows the interval and nothing else; a comparison survives the workspace as it was."""

import pytest

from burnish.core.stats import Interval
from burnish.prove.baseline import (
    REGISTRY,
    Comparison,
    Rival,
    advise,
    confidence_of,
    from_figure,
    register,
)
from burnish.prove.compare import RUNS, comparison_text
from burnish.prove.figures import keep, latest
from burnish.store.settings import Settings
from burnish.store.workspace import Workspace


def against(low: float, high: float, rival: str = "median filter") -> Comparison:
    middle = (low + high) / 2
    return Comparison(
        rival,
        "inspect",
        "how",
        "image AUROC",
        "higher",
        0.9 + middle,
        0.9,
        Interval(middle, low, high),
        0.95,
        50,
    )


@pytest.mark.parametrize(
    ("bounds", "advice", "first"),
    [
        ([(-0.2, -0.1)], "against", "DO NOT USE DIFFUSION HERE (inspect): median filter does better"),
        ([(0.1, 0.2), (-0.2, -0.1)], "against", "DO NOT USE DIFFUSION HERE"),
        ([(-0.1, 0.2), (0.1, 0.2)], "not shown", "DIFFUSION IS NOT SHOWN TO BE BETTER"),
        ([(0.0, 0.0)], "not shown", "DIFFUSION IS NOT SHOWN TO BE BETTER"),
        ([(0.1, 0.2), (0.05, 0.2)], "for", "Diffusion does better than every baseline"),
        ([], None, "NOTHING SAYS THAT DIFFUSION IS WORTH IT"),
    ],
)
def test_the_advice_follows_the_interval(bounds, advice, first):
    found = advise([against(low, high) for low, high in bounds])
    assert found[0] == advice and found[1].startswith(first)


def test_each_task_has_its_advice_and_the_worst_comes_first():
    fill = Comparison(**{**against(0.1, 0.2, "fast marching").__dict__, "task": "fill"})
    noise = Comparison(**{**against(-0.2, -0.1, "means").__dict__, "task": "noise"})
    advice, told = advise([fill, noise])
    assert advice == "against" and told.startswith("DO NOT USE DIFFUSION HERE (noise): means")
    assert told.endswith("Else: fill: better than every baseline.")


def test_more_rivals_ask_for_wider_intervals():
    assert confidence_of(1) == pytest.approx(0.95)
    assert confidence_of(5) == pytest.approx(0.99)


def test_a_comparison_comes_back_from_the_workspace_as_it_was(tmp_path):
    where = Workspace(tmp_path, Settings(owner="Ada"))
    given = Comparison(**{**against(-0.1, 0.2).__dict__, "seconds_each": (0.1, 0.2)})
    keep(where, [given.figure(subject="m", command="burnish prove baseline b d")])
    with where.session() as session:
        (figure,) = latest(session, "m").values()
    assert from_figure(figure) == given
    assert (figure.owner, figure.low, figure.high, figure.confidence) == ("Ada", -0.1, 0.2, 0.95)


def test_every_task_has_rivals_and_each_says_how():
    for load in RUNS.values():
        load()
    assert {task for task, _ in REGISTRY} >= {"inspect", "make image", "make text"}
    assert all(rival.how for rival in REGISTRY.values())
    with pytest.raises(ValueError, match="registered already"):
        register(next(iter(REGISTRY.values())))
    assert Rival("x", "y", "z") not in REGISTRY.values()


def test_the_text_begins_with_the_advice():
    text = comparison_text([against(-0.2, -0.1)])
    assert text.startswith("DO NOT USE DIFFUSION HERE")
    assert "-0.15 (-0.2 to -0.1)" in text
