"""A text bundle, ready to be asked."""

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from burnish.core.corrected import Corrected
from burnish.core.masked import Masked, nelbo
from burnish.core.process import seeded
from burnish.errors import BundleError, BurnishError
from burnish.media.vocabulary import BEGIN, END, MASK, Vocabulary, word_of
from burnish.nets.text import TextConfig, TextNet
from burnish.store.bundle import WEIGHTS, Bundle

LONGEST = 2000
"""Characters of a line that is asked about; the cost grows with their square."""


@dataclass(frozen=True)
class TextModel:
    """A trained diffusion model of lines.

    Attributes:
        bundle: Where it comes from.
        denoiser: Answers with the posterior of the clean tokens.
        vocabulary: Text to tokens and back.
        lengths: p(number of tokens) of a line, from 0.
        process: The corruption it was trained on.
    """

    bundle: Bundle
    denoiser: Corrected
    vocabulary: Vocabulary
    lengths: tuple[float, ...]
    process: Masked = field(default_factory=lambda: Masked(MASK))

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.denoiser.net.encoder.weight.device

    def encode(self, line: str) -> list[int]:
        """The tokens of a line.

        Raises:
            BurnishError: It is empty, has line breaks or more than `LONGEST` characters.
        """
        line = line.strip()
        if not line or len(line) > LONGEST or len(line.splitlines()) > 1:
            reason = "is empty" if not line else f"is no line of at most {LONGEST} characters"
            raise BurnishError(f"the line {line[:40]!r}", reason, "Give it line by line")
        return self.vocabulary.encode(line)

    def frame(self, tokens: list[int]) -> Tensor:
        """Begin, tokens, end, int64 (1, L)."""
        return torch.tensor([[BEGIN, *tokens, END]], device=self.device)

    @torch.no_grad()
    def leave_word_out(
        self,
        tokens: list[int],
        words: list[int] | None = None,
        places: list[int] | None = None,
        batch: int = 256,
    ) -> Tensor:
        """-log2 p of each token given all other words and the tokens before it in its own, float64 (n,).

        The pieces of a word must not vouch for each other: hidden alone, one is told by those around it
        (arXiv:2305.10588, where this is called PLL-word-l2r). The sum over a word is -log2 p of the word.

        Args:
            tokens: Of a line.
            words: The number of the word that each belongs to; None takes what spaces separate.
            places: The tokens asked about; None takes all.
            batch: Most tokens asked about at once.
        """
        line, words = torch.tensor(tokens), words or word_of(self.vocabulary, tokens)
        word, place, found = torch.tensor(words), torch.arange(len(tokens)), [torch.zeros(0).double()]
        for part in (place if places is None else torch.tensor(places, dtype=torch.int64)).split(batch):
            hidden = (word == word[part, None]) & (place >= part[:, None])
            x_t = F.pad(torch.where(hidden, MASK, line), (1, 0), value=BEGIN)
            x_t = F.pad(x_t, (0, 1), value=END).to(self.device)
            where = F.pad(place == part[:, None], (1, 1)).to(self.device)
            answer = self.denoiser(x_t, where=where)
            found.append(-answer.log_likelihood(line[part].to(self.device)).double().cpu() / math.log(2))
        return torch.cat(found)

    def word_bits(self, line: str) -> tuple[Tensor, Tensor]:
        """Bits of each token of a line, see `leave_word_out`, and of the least expected one of each of its
        words (what spaces separate), float64.

        Raises:
            BurnishError: See `encode`.
        """
        tokens = self.encode(line)
        each, words = self.leave_word_out(tokens), torch.zeros(len(line.split(" "))).double()
        place = torch.tensor(word_of(self.vocabulary, tokens)).clamp_max(len(words) - 1)
        return each, words.scatter_reduce(0, place, each, "amax")

    def bits(self, line: str, orders: int = 4, seed: int = 0) -> float:
        """The bound on -log2 p of a line given its number of tokens, in bits."""
        x = self.frame(self.encode(line))
        return float(nelbo(self.denoiser, MASK, x, x > MASK, seeded(seed, 16), orders)) / math.log(2)


def open_texts(bundle: Bundle, device: torch.device) -> TextModel:
    """The model of a bundle of text.

    Args:
        bundle: Read and checked.
        device: Where the weights go.

    Raises:
        BundleError: It cannot be read.
    """
    meta = bundle.meta
    try:
        shape = {key: value for key, value in meta["architecture"].items() if key != "name"}
        chain = meta["chain"]
        chain = None if chain is None else (int(chain[0]), int(chain[1]))
        denoiser = Corrected(TextNet(TextConfig(**shape)), chain)
        denoiser.load_state_dict(load_file(bundle.path / WEIGHTS))
        vocabulary = Vocabulary.from_json(meta["codec"]["vocabulary"])
        lengths = tuple(float(p) for p in meta["lengths"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise BundleError(
            bundle.path, f"cannot be read ({error})", "Update Burnish, or train again"
        ) from error
    return TextModel(bundle, denoiser.to(device).eval().requires_grad_(False), vocabulary, lengths)
