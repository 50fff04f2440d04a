"""`burnish train`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

SIZE = 64


def train(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="A folder of pictures (plain, in folders named by class, with captions.csv, metadata.jsonl "
            "or .txt files, or an inspection data set), clips, or text.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The bundle to write.")],
    minutes: Annotated[float, typer.Option(min=0.01, help="How long to train.")] = 10.0,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order and noise.")] = 0,
    size: Annotated[
        int | None,
        typer.Option(help="Side in pixels: 64 (default), 128 or 256; of hub: models their own by default."),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(help="A bundle to go on from, or hub:NAME_OR_FOLDER to train an adapter of."),
    ] = None,
    describe: Annotated[
        str, typer.Option(help="Adapters: what pictures without a caption or class are called.")
    ] = "",
    rank: Annotated[int, typer.Option(help="Adapters: rank of the small matrices.")] = 8,
    download: Annotated[
        bool, typer.Option("--download", help="Adapters: the hub may be asked for missing files.")
    ] = False,
    autoencoder: Annotated[
        str | None,
        typer.Option(help="Pictures: denoise its codes, not pixels; a folder or a name on the hub."),
    ] = None,
    text_encoder: Annotated[
        str | None,
        typer.Option(help="Pictures: minilm, a folder or a hub name; by default n-grams are trained along."),
    ] = None,
    word_mean: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Pictures: axes of a mean that words tell, names known by heart at once; 0 for none."
            " By default one that tells unseen pictures, too.",
        ),
    ] = None,
    few_steps: Annotated[
        float, typer.Option(min=0, max=0.9, help="Pictures: share of the budget that tunes for few steps.")
    ] = 0.0,
    hold: Annotated[
        float,
        typer.Option(min=0, max=0.5, help="Pictures: share held out; 0 learns them by heart."),
    ] = 0.1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    views: Annotated[
        bool,
        typer.Option(
            help="Pictures: train on turned and mirrored views too; for few pictures and hours of training."
        ),
    ] = False,
    column: Annotated[str | None, typer.Option(help="Text: the column of a table.")] = None,
    medium: Annotated[
        str | None, typer.Option(help="image, clip or text, where the data does not say it by itself.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="A budget of updates instead of minutes; such runs repeat to the bit."),
    ] = None,
) -> None:
    """Train a diffusion model of pictures, clips or text."""
    from burnish.cli.progress import Bar
    from burnish.cli.records import ledger, tariff
    from burnish.errors import BurnishError
    from burnish.media.medium import MEDIA, medium_of
    from burnish.store.bundle import is_pretrained
    from burnish.store.recording import recorded
    from burnish.train.budget import Budget

    wanted = medium or medium_of(data, column)
    wanted = "adapter" if base and wanted == "image" and is_pretrained(base) else wanted
    runners: dict[str, Callable[[], Callable[..., Any]]] = {
        "adapter": _adapters,
        "image": _images,
        "clip": _clips,
        "text": _texts,
    }
    if wanted not in runners:
        raise BurnishError(f"medium {wanted!r}", "cannot be trained", f"Known: {', '.join(MEDIA)}")
    pictures = {"augmented": views, "autoencoder": autoencoder, "text_encoder": text_encoder, "hold": hold}
    pictures |= {"word_mean": word_mean, "few_steps": few_steps}
    own: dict[str, dict[str, Any]] = {
        "adapter": {"size": size, "base": base, "describe": describe, "rank": rank, "download": download},
        "image": {"size": size or SIZE, "base": base, **pictures, "tariff": tariff()},
        "clip": {"size": size or SIZE, "base": base},
        "text": {"column": column, "base": base, "tariff": tariff()},
    }
    about = {"description": str(data), "seed": seed, "settings": {"minutes": minutes, "steps": steps}}
    with recorded(ledger(), "train", medium="model", **about) as row, Bar("train") as bar:
        done = runners[wanted]()(
            data,
            out,
            Budget(None if steps else minutes, steps),
            seed,
            resume=resume,
            on_plan=bar.say,
            on_progress=bar.training,
            **own[wanted],
            **({"on_samples": bar.lines} if wanted == "text" else {}),
        )
        row.output, row.interrupted = out, done.bundle is None
    bar.say(done)
    if done.bundle is None:
        raise typer.Exit(130)


def _adapters() -> Callable[..., Any]:
    from burnish.adapt.lora import train

    return train


def _images() -> Callable[..., Any]:
    from burnish.train.diffusion import train

    return train


def _clips() -> Callable[..., Any]:
    from burnish.train.clips import train

    return train


def _texts() -> Callable[..., Any]:
    from burnish.train.texts import train

    return train
