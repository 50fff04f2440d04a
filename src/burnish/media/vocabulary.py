"""Byte-pair tokens: text to numbers and back, learned from the texts themselves.

The pieces are merged bytes (Sennrich et al., arXiv:1508.07909; bytes as in GPT-2), so every text has a code
and nothing is "unknown". Case is folded first (`media.casing`), and its marks are tokens of their own.
Training and coding are the `tokenizers` library's.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from tokenizers import Regex, Tokenizer
from tokenizers.decoders import ByteLevel as Bytes
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Split
from tokenizers.pre_tokenizers import Sequence as Chain
from tokenizers.trainers import BpeTrainer

from burnish.media import casing

PAD, BEGIN, END, MASK = range(4)
SPECIAL = tuple(casing.TAKEN[len(casing.MARKS) :])
"""Their names, characters that no folded text holds."""
PIECES = r" ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]|\s"
"""A merge never crosses these: words, single digits, single signs, each with the space before it."""


class Vocabulary:
    """A byte-pair vocabulary.

    Args:
        tokenizer: The library's.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        marks = [tokenizer.token_to_id(mark) for mark in casing.MARKS]
        self._marks = dict(zip(marks, casing.MARKS, strict=True))

    @classmethod
    def learn(cls, texts: Iterable[str], size: int = 512) -> "Vocabulary":
        """Learns the merges.

        Args:
            texts: Lines.
            size: Tokens in all, at most; at least the 256 bytes, the marks and the special ones are there.
        """
        tokenizer = Tokenizer(BPE())
        tokenizer.pre_tokenizer = Chain(  # type: ignore[assignment]
            [
                Split(Regex(f"[{casing.MARKS}]"), "isolated"),
                Split(Regex(PIECES), "isolated"),
                ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        tokenizer.decoder = Bytes()  # type: ignore[assignment]
        trainer = BpeTrainer(
            vocab_size=size,
            special_tokens=[*SPECIAL, *casing.MARKS],
            initial_alphabet=sorted(ByteLevel.alphabet()),
            show_progress=False,
        )
        tokenizer.train_from_iterator(map(casing.fold, texts), trainer)
        return cls(tokenizer)

    def __len__(self) -> int:
        """Tokens in all, special ones included."""
        return self.tokenizer.get_vocab_size()

    def encode(self, text: str, upper: bool = False) -> list[int]:
        """The tokens of a line, without begin and end.

        Args:
            text: One line.
            upper: The case mode it begins in, see `casing.fold`.
        """
        return self.encode_folded(casing.fold(text, upper))

    def encode_folded(self, folded: str) -> list[int]:
        """The tokens of folded text."""
        return self.tokenizer.encode(folded, add_special_tokens=False).ids

    def folded(self, tokens: Sequence[int]) -> str:
        """Tokens to folded text; special tokens vanish, bytes that are no text become U+FFFD."""
        return self.tokenizer.decode([t for t in tokens if t > MASK], skip_special_tokens=False)

    def decode(self, tokens: Sequence[int], upper: bool = False) -> str:
        """Tokens to text, see `folded`."""
        return casing.unfold(self.folded(tokens), upper)

    def pieces(self, tokens: Sequence[int]) -> list[str]:
        """The folded text of each token on its own, for tables."""
        return [self._marks.get(t, self.folded([t])) for t in tokens]

    def to_json(self) -> dict[str, Any]:
        """For a bundle; `from_json` reads it."""
        return json.loads(self.tokenizer.to_str())

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Vocabulary":
        """From `to_json`."""
        return cls(Tokenizer.from_str(json.dumps(data)))


def word_of(vocabulary: Vocabulary, tokens: Sequence[int]) -> list[int]:
    """The number of the word that each token belongs to; a mark of case belongs to the word after it."""
    word, found = -1, []
    for piece in vocabulary.pieces(tokens):
        word += piece.startswith(" ")
        mark = piece in casing.MARKS and piece not in (casing.LETTER, casing.PLAIN)
        found.append(word + 1 if mark else max(word, 0))
    return found
