r"""Words that do not belong: how unexpected each word of a line is, given all the others.

Each token is asked for with the rest of its word hidden from there on (`TextModel.leave_word_out`), so that
the pieces of a strange word do not vouch for each other. A line's score is the root of the mean square over
its characters,

    score = sqrt(sum_tokens bits^2 / characters),

which lies between the mean, that a whole foreign line raises, and the worst, that one wrong word raises.
Dividing by characters and not by tokens matters: a strange word comes in more pieces, and more of them must
not thin it out.
"""

import math
from dataclasses import dataclass

from burnish.verbs.text_model import TextModel


@dataclass(frozen=True)
class TextSurprise:
    """What a model says of a line.

    Attributes:
        line: The line.
        words: What spaces separate.
        bits: Of the least expected token of each word, -log2 p given all other words.
        score: Of the line, see above, in bits; >= 0.
    """

    line: str
    words: tuple[str, ...]
    bits: tuple[float, ...]
    score: float

    @property
    def worst(self) -> float:
        """Bits of the least expected word."""
        return max(self.bits)

    def marked(self, alarm: float) -> str:
        """The line with words at or above `alarm` bits in brackets: `REPLACE [BANANA] TOOTH`."""
        return " ".join(f"[{w}]" if b >= alarm else w for w, b in zip(self.words, self.bits, strict=True))


def inspect_line(model: TextModel, line: str) -> TextSurprise:
    """The surprise of each word, and of the line.

    Args:
        model: From `load`.
        line: One line.

    Raises:
        BurnishError: It is empty, several lines or too long.
    """
    line = line.strip()
    each, bits = model.word_bits(line)
    score = math.sqrt(float(each.square().sum()) / len(line))
    return TextSurprise(line, tuple(line.split(" ")), tuple(bits.tolist()), score)
