"""What a network is told besides the noisy picture, and how that becomes one vector.

A description is turned into hashed n-grams of its words and letters (fastText, arXiv:1607.04606; hashing
trick, arXiv:0902.2206) whose vectors are trained with the model: no text encoder to download, any language,
and unseen spellings share letters with seen ones. Id 0 stands for "nothing said"; it is what guidance leads
away from.
"""

import re
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise

import torch
from torch import Tensor, nn

NGRAMS = 48
"""Most n-grams kept of one description: words and word pairs first, then letter trigrams."""


@dataclass(frozen=True)
class Condition:
    """Conditions of a batch; None where a network has none, or nothing is said.

    Args:
        label: Class ids, (B,), int64; 0 is "not said", class k of a list is k + 1.
        ngrams: Hashed n-grams of descriptions, (B, N), int64, 0 is padding; from `hash_text`.
        text: Descriptions as a pretrained text encoder puts them, (B, D), float32; all 0 is "nothing said".
        pace: How many steps the walk takes, as an id of `core.schedule.pace_of`, (B,), int64; 0 is many.
        extra: Extra input channels such as a mask and a masked picture, (B, E, H, W), float32.
        view: Which augmentation was applied, (B,), int64; 0 is the picture as it was, which is what is
            sampled.
        fold: The fold of a cross-fit that a training picture belongs to, (B,), int64; 0 is none.
    """

    label: Tensor | None = None
    ngrams: Tensor | None = None
    text: Tensor | None = None
    pace: Tensor | None = None
    extra: Tensor | None = None
    view: Tensor | None = None
    fold: Tensor | None = None

    def _map(self, change) -> "Condition":
        return Condition(
            **{f.name: None if (v := getattr(self, f.name)) is None else change(v) for f in fields(self)}
        )

    def to(self, device: torch.device | str) -> "Condition":
        """The same on a device."""
        return self._map(lambda value: value.to(device))

    def __getitem__(self, index: slice | Tensor) -> "Condition":
        """The conditions of some samples."""
        return self._map(lambda value: value[index])

    def repeated(self, count: int) -> "Condition":
        """The condition of one sample, for `count` of them."""
        return self._map(lambda value: value.expand(count, *value.shape[1:]))

    def without(self) -> "Condition":
        """Nothing said of class and description; extra channels stay, for they say where, not what."""
        return replace(
            self,
            label=None if self.label is None else torch.zeros_like(self.label),
            ngrams=None if self.ngrams is None else torch.zeros_like(self.ngrams),
            text=None if self.text is None else torch.zeros_like(self.text),
        )

    def dropped(self, share: float, rng: torch.Generator) -> "Condition":
        """Class and description unsaid for a random share of samples, for guidance (arXiv:2207.12598)."""
        said = next((one for one in (self.label, self.ngrams, self.text) if one is not None), None)
        if said is None or share <= 0:
            return self
        keep = (torch.rand(len(said), generator=rng) >= share).to(said.device)
        return replace(
            self,
            label=None if self.label is None else self.label * keep,
            ngrams=None if self.ngrams is None else self.ngrams * keep[:, None],
            text=None if self.text is None else self.text * keep[:, None],
        )


def told_pace(condition: Condition, pace: int, count: int = 1) -> Condition:
    """The condition with a pace, for `count` samples."""
    return replace(condition, pace=torch.full((count,), pace)) if pace else condition


def hash_text(texts: Sequence[str], buckets: int) -> Tensor:
    """Ids of the n-grams of descriptions, (B, NGRAMS), int64 in [0, buckets]; 0 pads, and is all of an empty
    text.

    Args:
        texts: Descriptions; case, accents' encoding and punctuation do not matter.
        buckets: Number of ids that n-grams are hashed to, >= 1.
    """
    out = torch.zeros(len(texts), NGRAMS, dtype=torch.int64)
    for row, text in enumerate(texts):
        words = re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())
        pairs = [f"{a} {b}" for a, b in pairwise(words)]
        letters = [f"#{w[i : i + 3]}" for w in (f"<{word}>" for word in words) for i in range(len(w) - 2)]
        grams = list(dict.fromkeys([*words, *pairs, *letters]))[:NGRAMS]
        ids = [1 + zlib.crc32(gram.encode()) % buckets for gram in grams]
        out[row, : len(ids)] = torch.tensor(ids, dtype=torch.int64)
    return out


class ConditionEncoder(nn.Module):
    """A time and a `Condition` as one vector.

    Args:
        width: Width of the vector.
        classes: Number of classes; 0 for none.
        buckets: Number of hashed n-grams; 0 for no descriptions.
        views: Number of augmentations that the network is told of; 0 for none.
        text: Width of a pretrained text encoder's descriptions; 0 for none.
        paces: Numbers of steps that the network is told of; 0 for none.
    """

    def __init__(
        self, width: int, classes: int = 0, buckets: int = 0, views: int = 0, text: int = 0, paces: int = 0
    ) -> None:
        super().__init__()
        self.frequencies: Tensor
        self.register_buffer(
            "frequencies", 0.25 * 2 ** torch.arange(0, 8, dtype=torch.float32), persistent=False
        )
        self.time = nn.Sequential(nn.Linear(17, width), nn.SiLU(), nn.Linear(width, width))
        self.label = nn.Embedding(classes + 1, width) if classes else None
        self.words = nn.EmbeddingBag(buckets + 1, width, mode="mean", padding_idx=0) if buckets else None
        described = bool(buckets or text)
        self.text = nn.Linear(text, width) if text else None
        self.unsaid = nn.Parameter(torch.zeros(width)) if described else None
        self.mix = (
            nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width)) if described else None
        )
        self.view = nn.Embedding(views, width) if views else None
        self.pace = nn.Embedding(paces, width) if paces else None
        if self.pace is not None:
            nn.init.zeros_(self.pace.weight)
        for table in (self.label, self.view):
            if table is not None:
                nn.init.normal_(table.weight, std=0.5)

    def forward(self, t: Tensor, condition: Condition | None) -> Tensor:
        """The vector, (B, width).

        Args:
            t: One time a sample, in [0, 1], (B,).
            condition: What is said; missing parts count as "not said".
        """
        c = condition or Condition()
        angles = 2 * torch.pi * (t[:, None] * self.frequencies)
        out = self.time(torch.cat([angles.sin(), angles.cos(), t[:, None]], 1))
        if self.label is not None:
            out = out + self.label(torch.zeros_like(t, dtype=torch.int64) if c.label is None else c.label)
        if self.mix is not None and self.unsaid is not None:
            out = out + self._described(c, self.mix, self.unsaid)
        if self.view is not None:
            out = out + self.view(torch.zeros_like(t, dtype=torch.int64) if c.view is None else c.view)
        if self.pace is not None:
            out = out + self.pace(torch.zeros_like(t, dtype=torch.int64) if c.pace is None else c.pace)
        return out

    def _described(self, c: Condition, mix: nn.Module, unsaid: Tensor) -> Tensor:
        """What the description adds, (B, width) or (width,)."""
        if self.words is not None and c.ngrams is not None:
            return torch.where((c.ngrams > 0).any(1, keepdim=True), mix(self.words(c.ngrams)), unsaid)
        if self.text is not None and c.text is not None:
            return torch.where((c.text != 0).any(1, keepdim=True), mix(self.text(c.text)), unsaid)
        return unsaid
