"""Tokens that do not belong: how unexpected each token of a line is, given all the others.

Each token is masked by itself and the denoiser asked once: the pseudo-log-likelihood of masked language
models (arXiv:1910.14659). A line's score is that of its least expected token, or the mean over its tokens.
"""

from dataclasses import dataclass

import numpy as np

from burnish.verbs.repair import word_of
from burnish.verbs.text_model import TextModel


@dataclass(frozen=True)
class TextSurprise:
    """What a model says of a line.

    Attributes:
        line: The line.
        words: What spaces separate.
        bits: Of the least expected token of each word, -log2 p given all other tokens.
        mean: Mean over the line's tokens, in bits.
    """

    line: str
    words: tuple[str, ...]
    bits: tuple[float, ...]
    mean: float

    @property
    def score(self) -> float:
        """Of the line: its least expected token, in bits."""
        return max(self.bits)

    def marked(self, alarm: float) -> str:
        """The line with words at or above `alarm` bits in brackets: `REPLACE [BANANA] TOOTH`."""
        return " ".join(f"[{w}]" if b >= alarm else w for w, b in zip(self.words, self.bits, strict=True))


def inspect_line(model: TextModel, line: str) -> TextSurprise:
    """The surprise of each word.

    Args:
        model: From `load`.
        line: One line.

    Raises:
        BurnishError: It is empty, several lines or too long.
    """
    line = line.strip()
    tokens = model.encode(line)
    each = model.leave_one_out(tokens).numpy()
    words = line.split(" ")
    bits = np.zeros(len(words))
    place = np.minimum(word_of(model.vocabulary, tokens), len(words) - 1)
    np.maximum.at(bits, place, each)
    return TextSurprise(line, tuple(words), tuple(bits.tolist()), float(each.mean()))
