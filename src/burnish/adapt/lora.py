"""LoRA: a pretrained pipeline learns a folder of pictures by small matrices beside its own, arXiv:2106.09685.

The loop is `train.loop.fit`, so a run resumes to the bit, validates on held-out pictures at fixed noise and
keeps the best; what is trained, averaged and saved is the small matrices alone. Pictures and descriptions
are coded once, before training.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from burnish.adapt.diffusers import Pretrained, open_pipeline
from burnish.core.process import normal, seeded
from burnish.errors import BurnishError
from burnish.media.image import write_png
from burnish.media.sheet import contact_sheet
from burnish.store.bundle import ADAPTER, Bundle, write_bundle
from burnish.store.machine import machine
from burnish.train import augment
from burnish.train.budget import Budget
from burnish.train.loop import Options, Progress, fit, seeded_weights
from burnish.train.muon import build_optimiser
from burnish.train.pictures import Pictures, load_pictures
from burnish.train.run import CHECKPOINT, SHEET, Trained, agree, open_place

FILE = "pytorch_lora_weights.safetensors"
"""The name and form that diffusers, and what builds on it, reads."""

TARGETS = ("to_q", "to_k", "to_v", "to_out.0")
TIMES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Shares of the schedule at which the hold-out is judged."""


class Held:
    """Something that is shared, not copied, when what holds it is (a UNet of gigabytes)."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def __deepcopy__(self, memo: dict[int, Any]) -> "Held":
        return self


class Adapter(nn.Module):
    """The small matrices of a UNet as a module of their own; calling it runs the UNet with them.

    Args:
        unet: With an adapter added; its weights stay as they are, and outside this module's state.
    """

    def __init__(self, unet: nn.Module) -> None:
        super().__init__()
        named = [(name, p) for name, p in unet.named_parameters() if p.requires_grad]
        self.names = [name for name, _ in named]
        self.weights = nn.ParameterList([p for _, p in named])
        self.unet = Held(unet)

    def forward(self, x_t: Tensor, t: Tensor, said: Tensor) -> Tensor:
        """The UNet's answer, (B, C, h, w), to latents (B, C, h, w), steps (B,) and descriptions (B, L, D)."""
        mine = dict(zip(self.names, self.weights, strict=True))
        return functional_call(self.unet.thing, mine, (x_t, t, said)).sample


class Lesson:
    """Batches, loss and validation of a folder for a pipeline.

    Args:
        pictures: The folder's.
        pipe: A Stable Diffusion pipeline.
        describe: What a picture without a caption or class is called.
        seed: Of hold-out and order.
        batch_size: Pictures an update.
        drop: Share of samples with nothing said, so that guidance goes on working.
    """

    def __init__(
        self, pictures: Pictures, pipe: Any, describe: str, seed: int, batch_size: int, drop: float = 0.1
    ) -> None:
        from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

        self.pictures, self.seed, self.batch_size, self.drop = pictures, seed, batch_size, drop
        self.schedule: Any = DDPMScheduler.from_config(pipe.scheduler.config)
        self.train, self.held = pictures.holdout(0.1, seed)
        self.said = [entry.caption or entry.label or describe for entry in pictures.entries]
        self.device = pipe.device
        words = ["", *sorted(set(self.said))]
        self.index = torch.tensor([words.index(text) for text in self.said])
        self.vectors = torch.cat([self._read(pipe, text) for text in words])
        self.codes = torch.cat([self._code(pipe, image) for image in pictures.images])

    @torch.no_grad()
    def _read(self, pipe: Any, text: str) -> Tensor:
        return pipe.encode_prompt(text, self.device, 1, False)[0].float().cpu()

    @torch.no_grad()
    def _code(self, pipe: Any, image: np.ndarray) -> Tensor:
        square = augment.square(image, self.pictures.size).astype(np.float32) / 127.5 - 1
        pixels = torch.from_numpy(square).permute(2, 0, 1)[None].to(self.device, pipe.vae.dtype)
        return (pipe.vae.encode(pixels).latent_dist.mean * pipe.vae.config.scaling_factor).float().cpu()

    def batch(self, step: int, rng: np.random.Generator) -> list[int]:
        """Pictures of an update: each once an epoch, in random order."""
        places = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        epochs, within = np.divmod(places, len(self.train))
        orders = {
            int(epoch): np.random.default_rng((self.seed, 12, int(epoch))).permutation(self.train)
            for epoch in np.unique(epochs)
        }
        return [int(orders[int(e)][w]) for e, w in zip(epochs, within, strict=True)]

    def loss(self, model: nn.Module, batch: list[int], rng: torch.Generator) -> Tensor:
        """The mean squared error of what the schedule says is predicted, a scalar."""
        t = torch.randint(self.schedule.config["num_train_timesteps"], (len(batch),), generator=rng)
        unsaid = torch.rand(len(batch), generator=rng) < self.drop
        noise = normal(self.codes[batch].shape, rng)
        return self._error(model, batch, t, noise, unsaid).mean()

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """The loss on the hold-out at fixed noise: `loss`, and one figure for each of `TIMES`."""
        figures = {}
        for number, share in enumerate(TIMES):
            step = int(share * self.schedule.config["num_train_timesteps"])
            errors = [
                self._error(
                    model, [k], torch.tensor([step]), normal(self.codes[[k]].shape, seeded(10, number, k))
                )
                for k in self.held[:24]
            ]
            figures[f"t={share:.1f}"] = float(torch.cat(errors).mean())
        return {"loss": sum(figures.values()) / len(figures), **figures}

    def _error(
        self, model: nn.Module, batch: list[int], t: Tensor, noise: Tensor, unsaid: Tensor | None = None
    ) -> Tensor:
        """Of each sample, (B,)."""
        x_0, words = self.codes[batch], self.index[batch]
        words = words if unsaid is None else torch.where(unsaid, 0, words)
        x_t = self.schedule.add_noise(x_0, noise, t)
        wanted = {
            "epsilon": lambda: noise,
            "sample": lambda: x_0,
            "v_prediction": lambda: self.schedule.get_velocity(x_0, noise, t),
        }[self.schedule.config["prediction_type"]]()
        answer = model(x_t.to(self.device), t.to(self.device), self.vectors[words].to(self.device))
        return F.mse_loss(answer.float().cpu(), wanted, reduction="none").mean((1, 2, 3))


@dataclass(frozen=True)
class Plan:
    """What was found and what will be done; `str` says it to a person."""

    pictures: Pictures
    lesson: Lesson
    base: str
    parameters: int
    rank: int

    def __str__(self) -> str:
        p, lesson = self.pictures, self.lesson
        left = [f"  left out: {problem}" for problem in p.problems[:10]]
        said = sorted(set(lesson.said))
        named = ", ".join(repr(text) for text in said[:4]) + (", ..." if len(said) > 4 else "")
        return "\n".join(
            [
                f"Found {len(p)} pictures in {p.root} ({p.layout}).",
                *left,
                f"{self.base} learns them at {p.size} px by {self.parameters / 1e6:.2f} M weights beside its"
                f" own (rank {self.rank}), from {len(lesson.train)}; {len(lesson.held)} are held out.",
                f"Said of them: {named}.",
            ]
        )


def train(
    root: str | Path,
    out: str | Path,
    budget: Budget,
    seed: int = 0,
    size: int | None = None,
    resume: bool = False,
    on_plan: Callable[[Plan], None] | None = None,
    on_progress: Callable[[Progress], bool | None] | None = None,
    base: str = "",
    describe: str = "",
    rank: int = 8,
    batch_size: int = 2,
    rate: float = 1e-3,
    download: bool = False,
) -> Trained:
    """Fine-tunes a pretrained pipeline on a folder and writes the adapter's bundle, kind `adapter`.

    Args:
        root: See `load_pictures`; captions and classes are what is said of the pictures.
        out: The bundle to write.
        budget: When to stop.
        seed: Of weights, hold-out, order and noise.
        size: Side in pixels; None for the pipeline's own.
        resume: Go on from the checkpoint of an interrupted run.
        on_plan, on_progress: See `train.diffusion.train`.
        base: `hub:FOLDER` or `hub:OWNER/MODEL`, of the Stable Diffusion 1 or 2 kind; or an adapter's bundle
            to go on from.
        describe: What pictures without a caption or class are called.
        rank: Of the matrices, >= 1; an adapter that is gone on with keeps its own.
        batch_size: Pictures an update.
        rate: Base learning rate of AdamW.
        download: See `open_pipeline`.

    Raises:
        DatasetError, BundleError: Nothing to train on; no place to write.
        BurnishError: A pipeline of another kind, a size it does not take, an unfinished run in the way.
    """
    out, work = Path(out), open_place(out, resume)
    pretrained = open_pipeline(base, download)
    size = _fit(pretrained, size)
    pictures = load_pictures(root, size)
    adapter = _add(pretrained, rank, seed)
    lesson = Lesson(pictures, pretrained.pipe, describe, seed, batch_size)
    plan = Plan(pictures, lesson, base, sum(p.numel() for p in adapter.parameters()), rank)
    if on_plan:
        on_plan(plan)
    agree(work, {"data": pictures.hash, "base": pretrained.hash, "rank": rank, "seed": seed, "size": size})
    fitted = fit(
        adapter,
        lesson.batch,
        lesson.loss,
        budget,
        Options(seed=seed),
        validate=lesson.validate if lesson.held else None,
        on_progress=on_progress,
        checkpoint=work / CHECKPOINT,
        resume=resume,
        optimiser=build_optimiser(adapter, adam_lr=rate, muon=False),
    )
    if fitted.stopped == "asked":
        return Trained(None, fitted, work)
    meta = {
        "kind": ADAPTER,
        "media": "image",
        "base": pretrained.name,
        "base_hash": pretrained.hash,
        "rank": rank,
        "size": size,
        "data": {"hash": pictures.hash, "pictures": len(pictures), "licence": "not stated"},
        "training": asdict(fitted) | {"seed": seed, "batch": batch_size, "budget": asdict(budget)},
        "cost": {"seconds": round(fitted.seconds, 1), "machine": machine()},
    }
    return Trained(_save(out, work, meta, adapter, pretrained, lesson, seed), fitted, work)


def _fit(pretrained: Pretrained, size: int | None) -> int:
    """The side to train at.

    Raises:
        BurnishError: The pipeline is of another kind, or does not take this size.
    """
    pipe = pretrained.pipe
    kind = type(pipe).__name__
    if getattr(pipe, "unet", None) is None or getattr(pipe, "text_encoder_2", None) is not None:
        raise BurnishError(
            pretrained.name,
            f"is a {kind}, of which Burnish cannot train an adapter",
            "Take a model of the Stable Diffusion 1 or 2 kind, or train with diffusers' own scripts",
        )
    side = int(size or pipe.unet.config.sample_size * pipe.vae_scale_factor)
    if side % pretrained.multiple:
        raise BurnishError(f"size {side}", f"is no multiple of {pretrained.multiple}", "Choose another")
    return side


def _add(pretrained: Pretrained, rank: int, seed: int) -> Adapter:
    """New small matrices in the UNet; everything else is frozen. In fp32, whatever the rest is in."""
    from peft import LoraConfig

    if rank < 1:
        raise BurnishError(f"rank {rank}", "must be at least 1", "4 to 32 is usual")
    unet = pretrained.pipe.unet
    for part in (unet, pretrained.pipe.vae, pretrained.pipe.text_encoder):
        part.requires_grad_(False)
    if pretrained.adapter is None:
        with seeded_weights(seed):
            unet.add_adapter(
                LoraConfig(
                    r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=list(TARGETS)
                )
            )
    for name, weight in unet.named_parameters():
        if "lora_" in name:
            weight.data = weight.data.float()
            weight.requires_grad_(True)
    return Adapter(unet)


def _save(
    out: Path,
    work: Path,
    meta: Mapping[str, Any],
    adapter: Adapter,
    pretrained: Pretrained,
    lesson: Lesson,
    seed: int,
) -> Bundle:
    import shutil

    from diffusers.utils.state_dict_utils import convert_state_dict_to_diffusers
    from peft.utils.save_and_load import get_peft_model_state_dict

    unet = adapter.unet.thing
    weights = get_peft_model_state_dict(unet, adapter_name=unet.active_adapters()[0])
    state = convert_state_dict_to_diffusers(weights)
    said = [lesson.said[k] for k in lesson.train[:4]]
    shown = [next(pretrained.make(text, 1, seed=seed)) for text in said]
    training, data = meta["training"], meta["data"]
    card = (
        f"# {data['pictures']} pictures learned by {meta['base']}\n\n"
        f'- LoRA of rank {meta["rank"]} at {meta["size"]} px; use it as `burnish make FOLDER "..."`.\n'
        f"- Base: {meta['base']}, hash {meta['base_hash']}; its licence applies to what you make.\n"
        f"- Data hash {data['hash']}; licence of the data: {data['licence']}.\n"
        f"- {training['step']} updates of {training['batch']} in {training['seconds']:.0f} s, seed {seed};"
        f" held-out loss {training['best_loss']:.4f} at update {training['best_step']}.\n"
    )

    def write(folder: Path) -> None:
        pretrained.pipe.save_lora_weights(folder, unet_lora_layers=state, weight_name=FILE)
        write_png(folder / SHEET, contact_sheet(shown, columns=2, tile=256, captions=said))

    bundle = write_bundle(out, meta, write, card)
    shutil.rmtree(work, ignore_errors=True)
    return bundle
