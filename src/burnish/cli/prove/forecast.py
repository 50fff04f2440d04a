"""`burnish prove forecast`."""

from pathlib import Path
from typing import Annotated

import typer

CURVE = "Train on subsamples yourself and give the results by --curve"


def forecast(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Parts: the surprise is trained on subsamples, judged by misses. Pictures: small diffusion "
            "models are, judged by KID to held-out ones.",
            metavar="DIR",
        ),
    ] = None,
    curve: Annotated[
        Path | None, typer.Option(help="Instead, a CSV with the columns size and value: runs of your own.")
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(help="Name of the curve's values; of parts in DIR, KID trains models that make them."),
    ] = None,
    higher: Annotated[bool, typer.Option(help="More is better, such as acceptance; a share.")] = False,
    pool: Annotated[int | None, typer.Option(help="Parts the curve's sizes were drawn from.")] = None,
    target: Annotated[float | None, typer.Option(help="Value wanted.")] = None,
    at: Annotated[
        list[int] | None, typer.Option(help="Amount of data to forecast for; may be repeated.")
    ] = None,
    price: Annotated[float | None, typer.Option(help="Of one labelled part.")] = None,
    per_day: Annotated[float | None, typer.Option(help="Labelled parts a day.")] = None,
    minutes: Annotated[float, typer.Option(help="Most time to spend; models of pictures share it.")] = 10.0,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Pictures: updates of each model, not as many as fit; such runs repeat."),
    ] = None,
    false_rejects: Annotated[float, typer.Option(help="At this share of good parts rejected.")] = 0.05,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="File for all figures as JSON.")] = None,
) -> None:
    """What more of the same data would bring, by when and for how much; or that it would not."""
    import numpy as np

    from burnish.cli.progress import Stages
    from burnish.cli.prove.show import say
    from burnish.errors import BurnishError
    from burnish.prove import forecast as forecasts
    from burnish.prove.forecast_words import as_text, read_curve, to_json
    from burnish.store.files import write_json

    if (folder is None) == (curve is None):
        raise BurnishError("forecast", "needs either DIR or --curve", "Name parts, or runs of your own")
    rng, unit = np.random.default_rng(seed), "parts"
    if curve is not None:
        measured, metric = read_curve(curve, pool, higher), metric or "miss rate"
    elif _makes_pictures(folder or Path(), metric):
        from burnish.prove.forecast_pictures import picture_curve

        if higher:
            raise BurnishError("--higher", "does not go with KID, of which less is better", "Leave it out")
        with Stages() as stages:
            measured = picture_curve(
                folder or "",
                rng,
                seconds=60 * minutes,
                updates=steps,
                on_share=lambda share: stages.report("training on subsamples", share),
            )
        metric, unit = "KID to held-out pictures", "pictures"
    else:
        from burnish.prove.forecast_parts import part_curve

        with Stages() as stages:
            measured = part_curve(
                folder or "",
                rng,
                false_rejects=false_rejects,
                seconds=60 * minutes,
                on_run=lambda done, of: stages.report("training on subsamples", done / of),
            )
        metric = f"miss rate at {false_rejects:.0%} false rejects (surprise alone)"
    found = forecasts.forecast(measured, rng)
    sizes = at or [2 * measured.pool, 10 * measured.pool]
    error = None if target is None else 1 - target if higher else target
    goal = None if error is None else forecasts.outlook(found, error, price=price, per_day=per_day)
    say(as_text(found, metric, higher, sizes, goal, unit))
    if json:
        write_json(json, to_json(found, metric, higher, sizes, goal))


def _makes_pictures(folder: Path, metric: str | None) -> bool:
    """Whether a model that makes pictures is asked about, not one that inspects parts.

    Raises:
        BurnishError: The folder holds neither, or does not exist.
    """
    from burnish.errors import BurnishError
    from burnish.media.layouts import holds_parts
    from burnish.media.medium import medium_of

    wanted = (metric or "").lower() == "kid"
    if folder.is_dir() and holds_parts(folder) and not wanted:
        return False
    medium = medium_of(folder)
    if medium != "image":
        raise BurnishError(folder, f"is data for {medium}s, of which no curve can be measured here", CURVE)
    return True
