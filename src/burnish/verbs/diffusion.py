"""A diffusion bundle of pictures, ready to be asked."""

from dataclasses import dataclass

import torch
from safetensors.torch import load_file

from burnish.core.gaussian import Preconditioned, StraightPath
from burnish.errors import BundleError, BurnishError
from burnish.media.codec import Pixels
from burnish.nets.condition import Condition, hash_text
from burnish.nets.hourglass import Hourglass, HourglassConfig
from burnish.store.bundle import WEIGHTS, Bundle


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
    """

    bundle: Bundle
    denoiser: Preconditioned
    process: StraightPath
    codec: Pixels
    size: int
    classes: tuple[str, ...]

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
        if description.strip() and not label and not buckets:
            known = f"Its classes are: {', '.join(self.classes)}" if names else "Leave the description out"
            raise BurnishError(f"description {description!r}", "this model was trained without it", known)
        return Condition(
            label=torch.full((batch,), label) if self.classes else None,
            ngrams=hash_text([description] * batch, buckets) if buckets else None,
        ).to(self.device)


def open_images(bundle: Bundle, device: torch.device) -> Diffusion:
    """The model of a bundle of pictures.

    Raises:
        BundleError: Its description or weights do not fit.
    """
    meta = bundle.meta
    try:
        shape = {key: value for key, value in meta["architecture"].items() if key != "name"}
        net = Hourglass(HourglassConfig.from_json(shape))
        denoiser = Preconditioned(net, meta["process"]["deviation"])
        denoiser.load_state_dict(load_file(bundle.path / WEIGHTS))
        codec = Pixels.from_json(meta["codec"])
    except (KeyError, TypeError, RuntimeError) as error:
        raise BundleError(
            bundle.path, f"cannot be read ({error})", "Update Burnish, or train again"
        ) from error
    denoiser = denoiser.to(device).eval().requires_grad_(False)
    process = StraightPath(meta["process"]["deviation"])
    return Diffusion(bundle, denoiser, process, codec, meta["size"], tuple(meta["classes"]))
