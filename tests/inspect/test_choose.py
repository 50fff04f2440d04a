"""The way whose new defects look like the real ones is chosen, class by class."""

from dataclasses import replace

import numpy as np
import pytest

from burnish.inspect.choose import NONE, choose
from burnish.inspect.pairs import Pair, Shot


def part(label: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Gray grain with a bright square (`spot`), a dark bar (`bar`), or nothing."""
    image, mask = rng.normal(128, 12, (96, 96)), np.zeros((96, 96), bool)
    y, x = rng.integers(8, 56, 2)
    if label == "spot":
        mask[y : y + 24, x : x + 24] = True
        image[mask] += 90
    if label == "bar":
        mask[y : y + 10, 8:88] = True
        image[mask] -= 90
    return np.repeat(np.clip(image, 0, 255).astype(np.uint8)[..., None], 3, 2), mask


def shots(label: str, count: int, seed: int) -> list[Shot]:
    rng = np.random.default_rng(seed)
    return [Shot(*part(label, rng), label, f"{label}{k}") for k in range(count)]


def unlike(label: str, seed: int) -> list[Shot]:
    """One whose drawn place shows nothing: a real defect that teaches the wrong thing."""
    (good,), (shot,) = shots("good", 1, seed + 10), shots(label, 1, seed)
    return [replace(shot, image=good.image)]


class Way:
    """Makes what `looks` says, whatever it is asked for."""

    method, rejected = "x", {}

    def __init__(self, **looks: str) -> None:
        self.looks = looks

    def draw(self, rng: np.random.Generator, label: str | None = None) -> Pair:
        assert label is not None
        return Pair(*part(self.looks[label], rng), label, {})


def test_each_class_takes_the_way_that_looks_like_it() -> None:
    ways = {"a": Way(spot="spot", bar="spot"), "b": Way(spot="bar", bar="bar")}
    unseen = [*shots("good", 3, 1), *shots("spot", 2, 2), *shots("bar", 2, 3)]
    known = [*shots("good", 6, 4), *unlike("spot", 5), *unlike("bar", 6)]
    choice = choose(ways, known, unseen, np.random.default_rng(0))  # type: ignore[arg-type]
    assert choice.way == {"spot": "a", "bar": "b"}
    assert choice.found["spot"]["a"] > max(choice.found["spot"]["b"], choice.found["spot"][NONE])
    assert "spot: a" in choice.in_words()


@pytest.mark.parametrize("weak", [True, False])
def test_nothing_is_chosen_by_guessed_masks(weak: bool) -> None:
    unseen = [*shots("good", 2, 1), *(Shot(s.image, s.mask, "spot", "", weak) for s in shots("spot", 1, 2))]
    ways = {"a": Way(spot="spot"), "b": Way(spot="bar")}
    known = [*shots("good", 4, 4), *shots("spot", 1, 5)]
    choice = choose(ways, known, unseen, np.random.default_rng(0))  # type: ignore[arg-type]
    assert bool(choice.way) != weak


class Misleading(Way):
    """Calls good texture defective."""

    def draw(self, rng: np.random.Generator, label: str | None = None) -> Pair:
        pair = super().draw(rng, label)
        return replace(pair, image=part("good", rng)[0])


def test_ways_that_mislead_are_not_taken() -> None:
    unseen = [*shots("good", 3, 1), *shots("spot", 2, 2)]
    known = [*shots("good", 6, 4), *shots("spot", 2, 5)]
    ways = {"a": Misleading(spot="spot")}
    choice = choose(ways, known, unseen, np.random.default_rng(0))  # type: ignore[arg-type]
    assert choice.way == {"spot": NONE} and "no new ones" in choice.in_words()


def test_a_class_with_one_example_takes_what_serves_the_others() -> None:
    unseen = [*shots("good", 3, 1), *shots("spot", 2, 2)]
    known = [*shots("good", 6, 4), *shots("spot", 2, 5), *shots("bar", 1, 6)]
    for way, taken in ((Misleading(spot="spot", bar="bar"), NONE), (Way(spot="spot", bar="bar"), "a")):
        if taken == "a":
            known = [*shots("good", 6, 4), *unlike("spot", 5), *shots("bar", 1, 6)]
        choice = choose({"a": way}, known, unseen, np.random.default_rng(0))  # type: ignore[arg-type]
        assert choice.way == {"spot": taken, "bar": taken} and "bar" not in choice.found
        assert "not tried" in choice.in_words()
