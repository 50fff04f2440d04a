"""Repairing a line: the word that fits least is replaced by one that fits better and looks alike."""

from dataclasses import dataclass

from burnish.core.process import seeded
from burnish.media.vocabulary import word_of
from burnish.verbs.template import parse
from burnish.verbs.text_model import TextModel
from burnish.verbs.texts import Settings, fill

TRIES = 12
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

    Each round masks the word whose tokens are least expected by the others, draws `TRIES` fillings and
    keeps the one with the lowest bits + closeness * (letters changed), if it saves more than `MARGIN` bits:
    the noisy channel of spelling correction (Kernighan, Church, Gale 1990). It stops when nothing is
    better.

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
    bits = before = model.bits([line])[0]
    for number in range(rounds):
        words = line.split(" ")
        surprise = word_surprise(model, line)
        open_ = [k for k in range(len(words)) if (k, words[k]) not in tried and words[k]]
        if not open_ or len(words) < 2:
            break
        worst = max(open_, key=lambda k: surprise[k])
        tried.add((worst, words[worst]))
        template = parse(model, " ".join([*words[:worst], "____", *words[worst + 1 :]]))
        drawn = {
            fill(model, template, settings, seeded(settings.seed, number, attempt))
            for attempt in range(TRIES)
        }
        best, candidates = (bits - MARGIN, line, bits), sorted(drawn - {line, ""})
        for candidate, cost in zip(candidates, model.bits(candidates, orders=2), strict=True):
            far = closeness * distance(line.casefold(), candidate.casefold())
            best = min(best, (cost + far, candidate, cost))
        if best[1] != line:
            new = best[1].split(" ")[worst : len(best[1].split(" ")) - (len(words) - worst - 1)]
            changes.append((words[worst], " ".join(new)))
            line, bits = best[1], best[2]
    return Repair(text.strip(), line, before, bits, tuple(changes))


def word_surprise(model: TextModel, line: str) -> list[float]:
    """Bits of the least expected token of each word (what spaces separate), see `leave_word_out`."""
    tokens = model.encode(line)
    words = [0.0] * len(line.split(" "))
    for word, bits in zip(
        word_of(model.vocabulary, tokens), model.leave_word_out(tokens).tolist(), strict=True
    ):
        words[min(word, len(words) - 1)] = max(words[min(word, len(words) - 1)], bits)
    return words


def distance(a: str, b: str) -> int:
    """Letters to insert, delete or change between two texts (Levenshtein 1966)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        corner, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (x != y))
    return row[-1]
