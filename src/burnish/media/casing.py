"""Letters without case, and the case beside them: a reversible code for text whose case carries little.

Notes from a shop floor come as `REPLACE BUCKET TOOTH`, `Replace bucket tooth` and `replace bucket tooth`.
To a model of a few thousand lines these are three sentences; after folding they are one, with marks for the
case. Compressors of text have long done so ("capital conversion": Teahan and Harper 1998; Skibinski et al.
2005).

Words are what spaces separate. A mark stands before the space of the word it is about; the line begins with a
space of its own, so that a word looks the same wherever it stands. Small letters are meant until told.
"""

UPPER, LOWER, CAPITAL, LETTER, PLAIN = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004"
"""From here in capitals; from here in small letters; the next word's first letter is a capital; the next
letter is a capital; the next letter stands for a character of the text that looks like a mark."""
MARKS = UPPER + LOWER + CAPITAL + LETTER + PLAIN
TAKEN = MARKS + "\ue005\ue006\ue007\ue008"
"""Characters (of Unicode's private area) that never stand for themselves in folded text; the last four are
free for the use of a vocabulary."""


def small(character: str) -> str:
    """The small form of a capital letter whose capital it is again; else the character itself."""
    low = character.lower()
    return low if len(low) == 1 and low != character and low.upper() == character else character


def is_small(character: str) -> bool:
    """Whether `small` yields this letter from another."""
    up = character.upper()
    return len(up) == 1 and up != character and small(up) == character


def _escape(character: str) -> str:
    return PLAIN + chr(ord("a") + TAKEN.index(character)) if character in TAKEN else character


def fold(text: str, upper: bool = False) -> str:
    """Text to folded text.

    Args:
        text: One line.
        upper: The mode that it begins in, as `mode_after` tells.
    """
    out = []
    for word in text.split(" "):
        low = "".join(small(c) for c in word)
        capitals, smalls = sum(c != s for c, s in zip(word, low, strict=True)), sum(map(is_small, word))
        first = next((k for k, c in enumerate(word) if small(c) != c or is_small(c)), None)
        body = "".join(map(_escape, low))
        if not capitals and not smalls:
            pass
        elif not smalls and (upper or capitals > 1):
            out.append("" if upper else UPPER)
            upper = True
        elif not capitals:
            out.append(LOWER if upper else "")
            upper = False
        else:
            out.append(LOWER if upper else "")
            upper = False
            if capitals == 1 and first is not None and small(word[first]) != word[first]:
                out.append(CAPITAL)
            else:
                body = "".join(LETTER + s if s != c else _escape(c) for c, s in zip(word, low, strict=True))
        out.append(" " + body)
    return "".join(out)


def unfold(folded: str, upper: bool = False, first: bool = True) -> str:
    """Undoes `fold`; of codes that `fold` never writes it makes the best.

    Args:
        folded: Folded text.
        upper: The mode that it begins in.
        first: Whether it begins a line, whose own space goes.
    """
    out, capital, letter, plain = [], False, False, False
    for c in folded:
        if plain:
            out.append(TAKEN[ord(c) - ord("a")] if "a" <= c < chr(ord("a") + len(TAKEN)) else c)
            plain = False
        elif c == PLAIN:
            plain = True
        elif c in (UPPER, LOWER):
            upper = c == UPPER
        elif c == CAPITAL:
            capital = True
        elif c == LETTER:
            letter = True
        else:
            raised = (upper or capital or letter) and is_small(c)
            out.append(c.upper() if raised else c)
            capital, letter = capital and not is_small(c), False
    text = "".join(out)
    return text.removeprefix(" ") if first else text


def mode_after(folded: str, upper: bool = False) -> bool:
    """Whether capitals are meant at the end of a folded text."""
    plain = False
    for c in folded:
        if plain:
            plain = False
        elif c == PLAIN:
            plain = True
        elif c in (UPPER, LOWER):
            upper = c == UPPER
    return upper
