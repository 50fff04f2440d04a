"""A diffusion bundle of pictures, ready to be asked."""

from dataclasses import dataclass
from functools import cached_property

import torch
from safetensors.torch import load_file
from torch import Tensor

from burnish.core.centred import Centred
from burnish.core.gaussian import Preconditioned, StraightPath
from burnish.core.outline import Outline, begin
from burnish.core.schedule import PACES
from burnish.errors import BundleError, BurnishError
from burnish.media.codec import Pixels
from burnish.nets.condition import Condition, hash_text
from burnish.nets.hourglass import Hourglass, HourglassConfig
from burnish.nets.latents import Latents
from burnish.nets.sentence import SentenceEncoder
from burnish.nets.tae import FACTOR
from burnish.nets.wordmean import WordMean
from burnish.store.bundle import OUTLINE, WEIGHTS, Bundle


@dataclass(frozen=True)
class Diffusion:
    """A trained diffusion model.

    Attributes:
        bundle: Where it comes from.
        denoiser: Answers with the clean-data posterior.
        process: The corruption it was trained on.
        codec: Pixels to codes and back.
        size: Side of its pictures in pixels.
        classes: Names of its classes.
        outline: Where walks from noise begin; None for the noise itself.
    """

    bundle: Bundle
    denoiser: Preconditioned | Centred
    process: StraightPath
    codec: Pixels | Latents
    size: int
    classes: tuple[str, ...]
    outline: Outline | None = None

    def start(self, steps: int) -> float:
        """The time at which a walk of some steps begins, in (0, 1]; 1 is noise."""
        return self.outline.start(steps) if self.outline else 1.0

    def begin(self, noise: Tensor, t: float, condition: Condition) -> Tensor:
        """x_t of noise (B, *), for a walk that begins at t."""
        return begin(self.outline, self.denoiser, noise, t, condition)

    @property
    def config(self) -> HourglassConfig:
        """The network's shape."""
        net = self.denoiser.net
        assert isinstance(net, Hourglass)
        return net.config

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.denoiser.parameters()).device

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of a code: (channels, side, side)."""
        side = self.size // self.codec.factor
        return (self.codec.channels, side, side)

    @cached_property
    def encoder(self) -> SentenceEncoder | None:
        """The pretrained text encoder it was trained with; loaded when first asked for."""
        name = self.bundle.meta.get("text_encoder")
        return SentenceEncoder(name) if name else None

    def condition(self, description: str = "", batch: int = 1) -> Condition:
        """What a description asks for: the class of that name, or the description itself.

        Args:
            description: Words; "" says nothing.
            batch: Number of samples.

        Raises:
            BurnishError: The model knows no such class and no descriptions.
        """
        names = {name.casefold(): number + 1 for number, name in enumerate(self.classes)}
        label = names.get(description.strip().casefold(), 0)
        buckets = self.config.buckets
        encoder = self.encoder if self.config.text else None
        if description.strip() and not label and not buckets and encoder is None:
            known = f"Its classes are: {', '.join(self.classes)}" if names else "Leave the description out"
            raise BurnishError(f"description {description!r}", "this model was trained without it", known)
        return Condition(
            label=torch.full((batch,), label) if self.classes else None,
            ngrams=hash_text([description] * batch, buckets) if buckets else None,
            text=encoder([description]).expand(batch, -1) if encoder else None,
        ).to(self.device)


def open_outline(bundle: Bundle, device: torch.device) -> Outline | None:
    """The outline of a bundle, or None where walks begin at noise."""
    given = bundle.meta.get("outline")
    if not given:
        return None
    starts = given["starts"] if "starts" in given else [given["start"]] * len(PACES)
    return Outline.unpacked(load_file(bundle.path / OUTLINE), starts).to(device)


def open_images(bundle: Bundle, device: torch.device) -> Diffusion:
    """The model of a bundle of pictures.

    Raises:
        BundleError: Its description or weights do not fit.
    """
    meta = bundle.meta
    try:
        arch = {key: value for key, value in meta["architecture"].items() if key != "name"}
        net = Hourglass(HourglassConfig.from_json(arch))
        denoiser = Preconditioned(net, meta["process"]["deviation"])
        if rank := meta.get("word_mean", 0):
            side = meta["size"] // FACTOR if meta["codec"]["kind"] == "latents" else meta["size"]
            shape = (net.config.channels, side, side)
            denoiser = Centred(denoiser, WordMean(net.config.buckets, rank, shape))
        state = {name: value.float() for name, value in load_file(bundle.path / WEIGHTS).items()}
        denoiser.load_state_dict(state)
        latents = meta["codec"]["kind"] == "latents"
        codec = Latents.open(meta["codec"], bundle.path) if latents else Pixels.from_json(meta["codec"])
    except (KeyError, TypeError, RuntimeError) as error:
        raise BundleError(
            bundle.path, f"cannot be read ({error})", "Update Burnish, or train again"
        ) from error
    outline = open_outline(bundle, device)
    denoiser = denoiser.to(device).eval().requires_grad_(False)
    process = StraightPath(meta["process"]["deviation"])
    return Diffusion(bundle, denoiser, process, codec, meta["size"], tuple(meta["classes"]), outline)
