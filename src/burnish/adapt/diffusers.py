"""Pretrained pipelines of the diffusers library, by the same verbs: same seeds, previews, cancel, metadata.

A name is `hub:FOLDER`, or `hub:OWNER/MODEL` for one in the hub's local cache; nothing is downloaded unless it
is allowed, and weights are read from safetensors alone. A pipeline of one task serves the others where
diffusers can share its parts (text to image, image to image, inpainting). `hub:` of a bundle that
`burnish train --base hub:...` wrote is the base with that adapter.
"""

import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from burnish.core.process import seeded
from burnish.errors import BurnishError
from burnish.media.original import Original
from burnish.store.bundle import ADAPTER, DESCRIPTION, PRETRAINED, Bundle, files_hash, read_bundle, sha256_of
from burnish.verbs.refine import Refined, canvas
from burnish.verbs.wish import Wish

STEPS = 25
"""Steps that pretrained models usually take; distilled ones 1 to 4."""


@dataclass(frozen=True)
class Glimpse:
    """What a callback sees after each step.

    Attributes:
        index: Steps done, 1 to `of`.
        of: Steps in all.
        latents: As the pipeline has them.
        show: Decodes them, uint8 (H, W, 3); it costs a pass of the decoder, so call it when it is wanted.
    """

    index: int
    of: int
    latents: torch.Tensor
    show: Callable[[], np.ndarray]


Watch = Callable[[Glimpse], bool | None]


class Pretrained:
    """A pipeline, ready to be asked.

    Args:
        pipe: A diffusers pipeline.
        name: As the user knows it.
        root: Its folder on disk, for the hash.
        adapter: The adapter that is loaded into it, if any.
    """

    def __init__(self, pipe: Any, name: str, root: Path, adapter: Bundle | None = None) -> None:
        self.pipe, self.name, self.root, self.adapter = pipe, name, root, adapter
        pipe.set_progress_bar_config(disable=True)

    @cached_property
    def hash(self) -> str:
        """Of every file of the pipeline and of the adapter, 16 hex digits; reads them all once."""
        files = {
            file.relative_to(self.root).as_posix(): sha256_of(file)
            for file in sorted(self.root.rglob("*"))
            if file.is_file() and file.suffix in (".json", ".safetensors", ".txt", ".model")
        }
        return files_hash(files | ({"adapter": self.adapter.hash} if self.adapter else {}))

    @property
    def facts(self) -> dict[str, Any]:
        """What a made file says of the model."""
        sampler = type(getattr(self.pipe, "scheduler", None)).__name__
        adapter = {"Adapter": self.adapter.path.name} if self.adapter else {}
        return {"Sampler": sampler, "Model": self.name, **adapter, "Model hash": self.hash}

    @property
    def multiple(self) -> int:
        """Sides in pixels that the pipeline takes are multiples of this."""
        net = getattr(self.pipe, "unet", None)
        levels = len(net.config.block_out_channels) if net is not None else 2
        return getattr(self.pipe, "vae_scale_factor", 8) * 2 ** max(1, levels - 1)

    def make(
        self,
        description: str = "",
        n: int = 1,
        steps: int = STEPS,
        guidance: float = 7.0,
        seed: int = 0,
        negative: str = "",
        size: tuple[int, int] | None = None,
        callback: Watch | None = None,
    ) -> Iterator[np.ndarray]:
        """Makes pictures one by one; picture k depends on (seed, k) alone, not on n.

        Args:
            description: What to show.
            n: How many, >= 1.
            steps: Of each, >= 1.
            guidance: Scale of classifier-free guidance; distilled ("turbo") models want 0 or 1.
            seed: Of the set.
            negative: What to avoid.
            size: (height, width) in pixels; None for the pipeline's own.
            callback: Called after each step; answering True ends the picture there.

        Yields:
            uint8 (H, W, 3).

        Raises:
            BurnishError: A value out of its range, or a pipeline that cannot make pictures from words.
        """
        if n < 1 or steps < 1:
            raise BurnishError(f"n = {n}, steps = {steps}", "both must be at least 1")
        pipe = self._for("AutoPipelineForText2Image", "prompt")
        sides = {} if size is None else {"height": size[0], "width": size[1]}
        told = {"prompt": description, "negative_prompt": negative or None, "guidance_scale": guidance}
        return (
            self._run(
                pipe, steps, callback, num_inference_steps=steps, generator=seeded(seed, k), **told, **sides
            )
            for k in range(n)
        )

    def refine(
        self, original: Original, mask: np.ndarray | None, wish: Wish, callback: Watch | None = None
    ) -> Iterator[Refined]:
        """Refines one picture; outside the mask the file is kept to the bit. See `verbs.refine.refine`.

        The picture is mirrored at its right and bottom to sides that the pipeline takes, and cut back.

        Raises:
            BurnishError: A wish that needs a model of our own (noise, mean, rounds), a mask of another size.
        """
        if wish.noise is not None or wish.answer != "sample" or wish.rounds > 1 or wish.whole:
            raise BurnishError(
                self.name,
                "is a pretrained pipeline: noise, answer mean, rounds and whole need a bundle of your own",
                "Leave them out",
            )
        before, hole = canvas(original, mask, wish)
        task = "AutoPipelineForInpainting" if hole is not None else "AutoPipelineForImage2Image"
        pipe = self._for(task, "image")
        strength = wish.start(hole is not None)
        told = {
            "prompt": wish.describe,
            "guidance_scale": wish.guidance,
            "strength": strength,
            # A pipeline runs the last share of its steps; so many that `steps` are run.
            "num_inference_steps": math.ceil(wish.steps / strength),
        }
        levels = np.clip(np.rint(before.levels()), 0, 255).astype(np.uint8)
        told["image"] = Image.fromarray(self._fit(levels))
        if hole is not None:
            told["mask_image"] = Image.fromarray(self._fit(hole).astype(np.uint8) * 255)
        told["width"], told["height"] = told["image"].size
        height, width = before.size
        for k in range(wish.variations):
            made = self._run(pipe, wish.steps, callback, generator=seeded(wish.seed, k), **told)
            yield Refined(before.with_levels(made[:height, :width].astype(np.float32), hole), before)

    def _fit(self, plane: np.ndarray) -> np.ndarray:
        extra = [(0, -side % self.multiple) for side in plane.shape[:2]]
        return np.pad(plane, (*extra, (0, 0))[: plane.ndim], mode="symmetric")

    def _for(self, task: str, needs: str) -> Any:
        """The pipeline of a task, sharing this one's weights."""
        import diffusers

        try:
            pipe = getattr(diffusers, task).from_pipe(self.pipe)
        except (ValueError, KeyError, TypeError, AttributeError):
            pipe = self.pipe
        if needs not in inspect.signature(pipe.__call__).parameters:
            kind = task.removeprefix("AutoPipelineFor")
            raise BurnishError(
                self.name, f"is a {type(pipe).__name__}, which does not do {kind}", "Choose another model"
            )
        pipe.set_progress_bar_config(disable=True)
        return pipe

    def _run(self, pipe: Any, steps: int, callback: Watch | None, **told: Any) -> np.ndarray:
        known = inspect.signature(pipe.__call__).parameters

        def watch(inner: Any, index: int, _: Any, values: dict[str, Any]) -> dict[str, Any]:
            latents = values["latents"]
            glimpse = Glimpse(index + 1, steps, latents, lambda: self._decode(inner, latents))
            if callback and callback(glimpse):
                inner._interrupt = True
            return values

        if callback and "callback_on_step_end" in known:
            told["callback_on_step_end"] = watch
        try:
            with torch.no_grad():
                made = pipe(**{key: value for key, value in told.items() if key in known}, output_type="np")
        except (ValueError, RuntimeError) as error:
            raise BurnishError(self.name, f"could not do it ({error})", "Check size and options") from error
        return np.clip(np.rint(np.asarray(made.images[0]) * 255), 0, 255).astype(np.uint8)

    @torch.no_grad()
    def _decode(self, pipe: Any, latents: torch.Tensor) -> np.ndarray:
        config = pipe.vae.config
        shift = getattr(config, "shift_factor", None) or 0.0
        picture = pipe.vae.decode(latents[:1] / config.scaling_factor + shift, return_dict=False)[0]
        made = pipe.image_processor.postprocess(picture, output_type="np")[0]
        return np.clip(np.rint(made * 255), 0, 255).astype(np.uint8)


def open_pipeline(name: str, download: bool = False, device: str | None = None) -> Pretrained:
    """Opens a pretrained pipeline.

    Args:
        name: `hub:FOLDER`, `hub:OWNER/MODEL`, or an adapter's bundle.
        download: Whether the hub may be asked for what is not in its local cache.
        device: None takes CUDA where there is one.

    Raises:
        BurnishError: The extra `hub` is not installed, or there is no such pipeline.
        BundleError: A damaged adapter.
    """
    place = name.removeprefix(PRETRAINED)
    adapter = read_bundle(place, ADAPTER) if (Path(place) / DESCRIPTION).is_file() else None
    place = str(adapter.meta["base"]).removeprefix(PRETRAINED) if adapter else place
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    pipe, root = _load(place, download)
    if adapter:
        pipe.load_lora_weights(adapter.path, weight_name="pytorch_lora_weights.safetensors")
    precision = torch.float16 if device.startswith("cuda") else torch.float32
    return Pretrained(pipe.to(device, precision), f"{PRETRAINED}{place}", root, adapter)


def _load(place: str, download: bool) -> tuple[Any, Path]:
    """The pipeline and its folder."""
    try:
        _hush()
        from diffusers.pipelines.pipeline_utils import DiffusionPipeline
    except ImportError as error:
        raise BurnishError(
            f"{PRETRAINED}{place}", "needs the library diffusers", "pip install 'burnish[hub]'"
        ) from error
    try:
        folder = Path(place)
        if not folder.is_dir():
            folder = Path(
                DiffusionPipeline.download(place, local_files_only=not download, use_safetensors=True)
            )
        pipe = DiffusionPipeline.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    except Exception as error:  # the hub's client has dozens of errors, none of them a bug here
        cure = "Check the name" if download else "Name a folder, or allow the download with --download"
        reason = f"is no pipeline that can be opened ({str(error).splitlines()[0][:200]})"
        raise BurnishError(f"{PRETRAINED}{place}", reason, cure) from error
    return pipe, folder


def _hush() -> None:
    """Keeps the libraries' bars and warnings off the terminal; their errors are raised and told anyway."""
    from transformers.utils import logging as words

    words.set_verbosity_error()
    words.disable_progress_bar()
    from diffusers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
