"""A recipe follows what was chosen for each class."""

from collections import Counter

import numpy as np
import pytest

from burnish.errors import BurnishError
from burnish.inspect.add import _settle
from burnish.inspect.choose import NONE, Choice
from burnish.inspect.pairs import Shot
from burnish.inspect.recipe import SHARES, Recipe, choose_recipe


def parts() -> tuple[list[Shot], list[Shot]]:
    """Two good parts of gray grain and a dark square of each of two classes."""
    rng = np.random.default_rng(0)

    def image() -> np.ndarray:
        return np.repeat(rng.normal(150, 8, (96, 96, 1)), 3, 2).clip(0, 255).astype(np.uint8)

    goods = [Shot(image(), np.zeros((96, 96), bool), "good", f"g{k}") for k in range(2)]
    defects = []
    for k, label in enumerate(("a", "b")):
        mask = np.zeros((96, 96), bool)
        mask[30 + 10 * k : 60, 30:60] = True
        shot = image()
        shot[mask] = 40
        defects.append(Shot(shot, mask, label, label))
    return goods, defects


def choice(**way: str) -> Choice:
    return Choice(way, {label: {one: 0.5} for label, one in way.items()})


def test_a_class_without_new_ones_is_not_drawn() -> None:
    recipe = Recipe({"cutpaste": 0.5, "perlin": 0.5}, "")
    recipe.settle(choice(a=NONE, b="cutpaste"))
    made = recipe.synthesiser(*parts())
    assert made is not None
    rng = np.random.default_rng(0)
    drawn = Counter(made.draw(rng).label for _ in range(40))
    assert set(drawn) == {"b", "unseen"} and min(drawn.values()) > 4
    assert "b: cutpaste" in recipe.why and "a: no new ones" in recipe.why


def test_no_class_with_new_ones_leaves_the_real_ones_alone() -> None:
    recipe = Recipe(dict(SHARES["auto"]), "")
    recipe.settle(choice(a=NONE, b=NONE))
    assert recipe.synthesiser(*parts()) is None
    kept = recipe.lasting(*parts())  # for `burnish inspect synthesise`
    assert kept is not None and kept.draw(np.random.default_rng(0), "a").label == "a"


def test_what_cannot_be_done_is_refused() -> None:
    with pytest.raises(BurnishError, match="there is no 'magic'"):
        choose_recipe("magic", parts()[1])
    with pytest.raises(BurnishError, match="no defect to learn from"):
        choose_recipe("cutpaste", [])
    assert choose_recipe("none", parts()[1]).shares == {}


@pytest.mark.parametrize(
    ("way", "kept"),
    [
        ({"spot": NONE, "bar": NONE}, {"spot": NONE, "bar": NONE, "new": NONE}),
        ({"spot": "diffusion", "bar": NONE}, {"bar": NONE}),
        ({}, {}),
    ],
)
def test_adding_parts_keeps_to_what_training_found(way: dict, kept: dict) -> None:
    recipe = Recipe({"cutpaste": 0.6, "perlin": 0.4}, "before")
    _settle(recipe, way, {"spot", "bar", "new"})
    assert recipe.way == kept and (recipe.why == "before") == (not way)
