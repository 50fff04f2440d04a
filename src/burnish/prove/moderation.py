"""Moderation, optional: a word list for descriptions, and any classifier of yours for pictures.

Scope, stated: Burnish ships no list and no classifier, knows nothing of what must not be made, and promises
nothing about what passes. A word list stops words, not meanings: a description in other words passes it. A
picture classifier is as good as it was measured to be on pictures like yours: label some and measure it
(`measure`) before you rely on it.

A list is a text file, one entry a line: words as they are, `word*` for all that begins so, `# comment`. A
classifier is a Python callable `module:name` from a picture, uint8 (H, W, 3), to a score in [0, 1], or a
folder or hub name of an image-classification model for transformers with the label that counts.
"""

import importlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from burnish.core.stats import Rate, rate
from burnish.errors import BurnishError


class Classifier(Protocol):
    """Scores a picture, uint8 (H, W, 3): 0 is harmless, 1 is not."""

    def __call__(self, image: np.ndarray, /) -> float: ...


class Words:
    """A word list.

    Args:
        entries: Words or several words; `*` at the end stands for any ending.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self.entries = tuple(dict.fromkeys(filter(None, (plain(entry) for entry in entries))))
        patterns = [
            rf"(?<!\w){re.escape(e[:-1])}\w*" if e.endswith("*") else rf"(?<!\w){re.escape(e)}(?!\w)"
            for e in self.entries
        ]
        self._pattern = re.compile("|".join(patterns)) if patterns else None

    def found(self, description: str) -> list[str]:
        """What of a description is on the list, in order; case, accents and runs of spaces do not count."""
        return [m.group() for m in self._pattern.finditer(plain(description))] if self._pattern else []


def read_words(path: str | Path) -> Words:
    """Reads a word list.

    Raises:
        BurnishError: It cannot be read, or holds no word.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BurnishError(path, f"cannot be read ({error.strerror})", "Check the path") from error
    except UnicodeDecodeError as error:
        raise BurnishError(path, "is not UTF-8 text", "Save it as UTF-8") from error
    words = Words(line.partition("#")[0] for line in lines)
    if not words.entries:
        raise BurnishError(path, "holds no word", "Write one a line")
    return words


def plain(text: str) -> str:
    """Lower case, without accents, single spaces."""
    bare = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in bare if not unicodedata.combining(c)).split())


def open_classifier(name: str, label: str = "") -> Classifier:
    """A classifier by name; see the module.

    Args:
        name: `module:callable`, or a folder or hub name for transformers.
        label: For transformers: the label whose probability is the score.

    Raises:
        BurnishError: It cannot be imported or loaded, or has no such label.
    """
    if ":" in name and not Path(name).exists():
        module, _, attribute = name.partition(":")
        try:
            found: Any = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise BurnishError(name, f"cannot be imported ({error})", "Write module:callable") from error
        if not callable(found):
            raise BurnishError(name, "cannot be called", "Name a function of a picture")
        return cast(Classifier, found)
    return _transformer(name, label)


def _transformer(name: str, label: str) -> Classifier:
    from PIL import Image

    try:
        from transformers import pipeline

        model = pipeline("image-classification", model=name, device="cpu")
    except ImportError as error:
        raise BurnishError(name, "needs transformers", "pip install 'burnish[hub]'") from error
    except (OSError, ValueError) as error:
        raise BurnishError(
            name, f"cannot be loaded ({str(error).splitlines()[0]})", "Name a folder or hub model"
        ) from error
    known = list((model.model.config.id2label or {}).values())
    if label not in known:
        raise BurnishError(
            f"label {label!r}", "is none of the model's", f"Use one of: {', '.join(known[:20])}"
        )

    def classify(image: np.ndarray) -> float:
        answers = model(Image.fromarray(image), top_k=len(known))
        return next(float(a["score"]) for a in answers if a["label"] == label)

    return classify


@dataclass(frozen=True)
class Measured:
    """How good a classifier is at a threshold.

    Attributes:
        missed: Of the pictures that must be stopped, how many pass.
        stopped: Of the harmless ones, how many are stopped.
    """

    missed: Rate
    stopped: Rate

    def __str__(self) -> str:
        words = []
        for name, found in (("missed", self.missed), ("stopped wrongly", self.stopped)):
            share = f"{100 * found.low:.1f} to {100 * found.high:.1f} %" if found.of else "not measured"
            words.append(f"{name} {found.count} of {found.of} ({share})")
        return "; ".join(words)


def measure(
    classify: Callable[[np.ndarray], float],
    bad: Sequence[np.ndarray],
    good: Sequence[np.ndarray],
    threshold: float,
) -> Measured:
    """Runs a classifier over labelled pictures; a score of the threshold or above stops.

    Args:
        classify: A classifier.
        bad, good: Pictures that must be stopped, and harmless ones.
        threshold: In [0, 1].
    """
    passed = sum(score(classify, image) < threshold for image in bad)
    stopped = sum(score(classify, image) >= threshold for image in good)
    return Measured(rate(passed, len(bad)), rate(stopped, len(good)))


def score(classify: Callable[[np.ndarray], float], image: np.ndarray) -> float:
    """A classifier's score, checked.

    Raises:
        BurnishError: It is no number in [0, 1].
    """
    value = float(classify(image))
    if not 0 <= value <= 1:
        raise BurnishError("classifier", f"answered {value}", "It must answer a score in [0, 1]")
    return value
