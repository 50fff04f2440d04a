"""A line with gaps, `L/H ____ LEAKING`: what is known, as tokens, and how long each gap may be."""

import itertools
import re
from dataclasses import dataclass

import torch
from torch import Tensor

from burnish.errors import BurnishError
from burnish.media import casing
from burnish.media.vocabulary import BEGIN, END, MASK
from burnish.verbs.text_model import LONGEST, TextModel

GAP = re.compile(r"_{2,}")
MOST_GAPS = 8
REACH = {1: 16, 2: 8, 3: 5, 4: 4}
"""Most tokens of a gap, by the number of gaps; 2 beyond."""


@dataclass(frozen=True)
class Template:
    """A line with gaps.

    Attributes:
        text: As it was given.
        known: The text between the gaps, one more than there are gaps.
        tokens: Theirs.
        upper: Case mode in which each gap begins.
        spaced: Whether a space stands before each gap, which then begins with a word.
    """

    text: str
    known: tuple[str, ...]
    tokens: tuple[tuple[int, ...], ...]
    upper: tuple[bool, ...]
    spaced: tuple[bool, ...]

    @property
    def gaps(self) -> int:
        """How many."""
        return len(self.upper)

    def lay_out(self, lengths: tuple[int, ...]) -> tuple[Tensor, list[slice]]:
        """The line with masks in the gaps, int64 (1, L), and where each gap is.

        Args:
            lengths: Tokens of each gap.
        """
        line, places = [BEGIN, *self.tokens[0]], []
        for length, after in zip(lengths, self.tokens[1:], strict=True):
            places.append(slice(len(line), len(line) + length))
            line += [MASK] * length + list(after)
        return torch.tensor([[*line, END]]), places

    def fill(self, model: TextModel, line: list[int], places: list[slice]) -> str:
        """The line as text; what was known is as it was given, to the letter."""
        out = self.known[0]
        for place, upper, after in zip(places, self.upper, self.known[1:], strict=True):
            filled = casing.unfold(model.vocabulary.folded(line[place]), upper, first=False)
            out = out.removesuffix(" ") + filled if filled.startswith(" ") else out + filled
            out += after
        return out.strip()


def parse(model: TextModel, text: str) -> Template:
    """Reads a line with gaps; two or more underscores are a gap.

    Raises:
        BurnishError: No gap, too many, nothing known, or too long.
    """
    text = text.strip()
    known = tuple(GAP.split(text))
    gaps = len(known) - 1
    if not 1 <= gaps <= MOST_GAPS:
        raise BurnishError(
            f"the line {text[:40]!r}", f"has {gaps} gaps, not 1 to {MOST_GAPS}", "Write a gap as ____"
        )
    if len(text) > LONGEST or len(text.splitlines()) > 1:
        raise BurnishError(f"the line {text[:40]!r}", f"is no line of at most {LONGEST} characters")
    capitals, upper = _capitals(known), False
    tokens, modes, spaced = [], [], []
    for number, part in enumerate(known):
        last = number == gaps
        spaced.append(part.endswith(" "))
        bare = part if last else part.removesuffix(" ")
        folded = casing.fold(bare, upper) if bare else ""
        if number:
            folded = folded.replace(" ", "", 1)  # the space that begins a line
        elif capitals:
            folded += casing.UPPER
        tokens.append(tuple(model.vocabulary.encode_folded(folded)))
        upper = casing.mode_after(folded, upper)
        modes.append(upper)
    return Template(text, known, tuple(tokens), tuple(modes[:-1]), tuple(spaced[:-1]))


def _capitals(known: tuple[str, ...]) -> bool:
    """Whether the first gap is in capitals although nothing before it tells: the first word after it is."""
    words = " ".join(known[1:]).split()
    first = next((word for word in words if word.lower() != word.upper()), "")
    return known[0].lower() == known[0].upper() and casing.fold(first).startswith(casing.UPPER)


Lengths = tuple[list[tuple[int, ...]], Tensor]
"""What the gaps' numbers of tokens can be, and how likely each choice is."""


def gap_lengths(model: TextModel, template: Template) -> Lengths:
    """p(lengths | what is known), as the chain sums it over all that could stand there: p(n) p(known | n),
    with n the tokens of the line.

    Args:
        model: With or without a chain; without, the prior alone decides.
        template: The line.
    """
    reach = range(1, REACH.get(template.gaps, 2) + 1)
    choices = list(itertools.product(reach, repeat=template.gaps))
    known = sum(map(len, template.tokens))
    weights = torch.tensor(
        [model.lengths[min(known + sum(c), len(model.lengths) - 1)] for c in choices], dtype=torch.float64
    ).clamp_min(1e-12)
    chain = model.denoiser.chain
    if chain is not None:
        weights = weights.log()
        for total in sorted({sum(c) for c in choices}):
            rows = [k for k, c in enumerate(choices) if sum(c) == total]
            x = torch.cat([template.lay_out(choices[k])[0] for k in rows]).to(model.device)
            empty = model.frame([MASK] * (known + total))
            weights[rows] += (chain.log_likelihood(x) - chain.log_likelihood(empty)).double().cpu()
        weights = weights.softmax(0)
    return choices, weights
