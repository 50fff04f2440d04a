"""A text bundle, ready to be asked."""

from dataclasses import dataclass, field

import torch
from safetensors.torch import load_file
from torch import Tensor

from burnish.core.corrected import Corrected
from burnish.core.masked import Masked, nelbo
from burnish.core.process import seeded
from burnish.errors import BundleError, BurnishError
from burnish.media.vocabulary import BEGIN, END, MASK, Vocabulary
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
    def leave_one_out(self, tokens: list[int], batch: int = 64) -> Tensor:
        """-log2 p of each token given all the others, float64 (n,), in bits (arXiv:1910.14659)."""
        whole = self.frame(tokens)
        found = []
        for places in (torch.arange(len(tokens)) + 1).split(batch):
            x_t = whole.repeat(len(places), 1)
            rows = torch.arange(len(places))
            x_t[rows, places] = MASK
            hidden = x_t == MASK
            answer = self.denoiser(x_t, where=hidden)
            found.append(-answer.log_likelihood(whole[0, places]).double().cpu())
        return (
            torch.cat(found) / torch.log(torch.tensor(2.0, dtype=torch.float64)) if found else torch.zeros(0)
        )

    def bits(self, line: str, orders: int = 4, seed: int = 0) -> float:
        """The bound on -log2 p of a line given its number of tokens, in bits."""
        x = self.frame(self.encode(line))
        nats = nelbo(self.denoiser, MASK, x, x > MASK, seeded(seed, 16), orders)
        return float(nats) / 0.6931471805599453


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
        denoiser = Corrected(TextNet(TextConfig(**shape)), meta["chain"])
        denoiser.load_state_dict(load_file(bundle.path / WEIGHTS))
        vocabulary = Vocabulary.from_json(meta["codec"]["vocabulary"])
        lengths = tuple(float(p) for p in meta["lengths"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise BundleError(
            bundle.path, f"cannot be read ({error})", "Update Burnish, or train again"
        ) from error
    return TextModel(bundle, denoiser.to(device).eval().requires_grad_(False), vocabulary, lengths)
