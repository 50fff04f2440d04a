"""Repairing a line: the word that fits least is replaced by one that fits better and looks alike."""

import math
from dataclasses import dataclass

import torch

from burnish.core.process import seeded
from burnish.media.vocabulary import MASK, word_of
from burnish.verbs.template import gap_lengths, parse
from burnish.verbs.text_model import TextModel
from burnish.verbs.texts import Settings, fill

DRAWS = 8
"""Fillings drawn for a word that does not fit."""
NEAR = 8
"""Words of the vocabulary, those spelled most like it, that are tried beside them."""
MARGIN = 2.0
"""Bits that a repair must save to be taken."""


@dataclass(frozen=True)
class Repair:
    """A line before and after.

    Attributes:
        before, after: The line.
        bits_before, bits_after: Bound on -log2 p of each, given its number of tokens.
        changes: Words replaced, old and new, in the order they were.
    """

    before: str
    after: str
    bits_before: float
    bits_after: float
    changes: tuple[tuple[str, str], ...]


def repair(
    model: TextModel,
    text: str,
    rounds: int = 3,
    closeness: float = 3.0,
    settings: Settings = Settings(),
) -> Repair:
    """Replaces up to `rounds` words.

    Each round takes the word whose tokens are least expected by the others, and tries fillings that the model
    draws and words of the vocabulary that are spelled like it. It keeps the one with the lowest bits given
    the other words + closeness * (letters changed), if that saves more than `MARGIN` bits: the noisy channel
    of spelling correction (Kernighan, Church, Gale 1990). It stops when nothing is better.

    Args:
        model: From `load`.
        text: The line.
        rounds: Most words to replace, >= 1.
        closeness: Bits that a changed letter costs; 0 takes the likeliest word whatever it was.
        settings: Of the walks.

    Raises:
        BurnishError: The line is empty or too long, or a value is out of its range.
    """
    settings.check(rounds)
    line, changes, tried = text.strip(), [], set()
    before = model.bits(line)
    for number in range(rounds):
        words = line.split(" ")
        _, surprise = model.word_bits(line)
        open_ = [k for k in range(len(words)) if (k, words[k]) not in tried and words[k]]
        if not open_ or len(words) < 2:
            break
        worst = max(open_, key=lambda k: float(surprise[k]))
        tried.add((worst, words[worst]))
        head, old, tail = words[:worst], words[worst], words[worst + 1 :]
        template = parse(model, " ".join([*head, "____", *tail]))
        lengths = gap_lengths(model, template)
        rngs = [seeded(settings.seed, number, k) for k in range(DRAWS)]
        drawn = {fill(model, template, lengths, settings, rng) for rng in rngs}
        drawn |= {" ".join([*head, word, *tail]) for word in spelled_like(model, old)}
        best, new = span_bits(model, words, len(head), len(tail)) - MARGIN, line
        for candidate in sorted(drawn - {line, ""}):
            others = candidate.split(" ")
            if len(others) <= len(head) + len(tail):
                continue
            far = distance(line.casefold(), candidate.casefold())
            cost = span_bits(model, others, len(head), len(tail)) + closeness * far
            best, new = min((best, new), (cost, candidate))
        if new != line:
            put = new.split(" ")[worst : len(new.split(" ")) - len(tail)]
            changes.append((old, " ".join(put)))
            tried |= {(worst + k, word) for k, word in enumerate(put)}
            line = new
    return Repair(text.strip(), line, before, model.bits(line), tuple(changes))


def spelled_like(model: TextModel, word: str) -> list[str]:
    """The words of the vocabulary, tokens that begin with a space, nearest in letters, in the word's case."""
    pieces = model.vocabulary.pieces(range(len(model.vocabulary)))
    known = {piece[1:] for piece in pieces if piece.startswith(" ") and piece[1:].isalpha()}
    low, most = word.casefold(), max(1, len(word) // 2)
    near = sorted((far, other) for other in known if 0 < (far := distance(low, other)) <= most)
    if word.isupper():
        return [other.upper() for _, other in near[:NEAR]]
    return [other.capitalize() if word[:1].isupper() else other for _, other in near[:NEAR]]


def span_bits(model: TextModel, words: list[str], before: int, after: int) -> float:
    """-log2 p of the words between, and of how many tokens they are, given those before and after them.

    Args:
        model: From `load`.
        words: A line's.
        before, after: How many words stand on either side, one at the least between.
    """
    tokens = model.encode(" ".join(words))
    number = word_of(model.vocabulary, tokens)
    inside = [k for k, word in enumerate(number) if before <= word < len(words) - after]
    label = [-1 if k in inside else word for k, word in enumerate(number)]
    bits = float(model.leave_word_out(tokens, label, inside).sum())
    if model.denoiser.chain is None:
        return bits
    hidden = torch.tensor(tokens)
    hidden[inside] = MASK
    return bits - float(model.denoiser.chain.log_likelihood(model.frame(hidden.tolist()))) / math.log(2)


def distance(a: str, b: str) -> int:
    """Letters to insert, delete or change between two texts (Levenshtein 1966)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        corner, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (x != y))
    return row[-1]
