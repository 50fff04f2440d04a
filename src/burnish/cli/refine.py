"""`burnish refine`."""

from pathlib import Path
from typing import Annotated

import typer


def refine(
    bundle: Annotated[
        str, typer.Argument(help="A bundle that `burnish train` wrote, or hub:NAME_OR_FOLDER.")
    ],
    images: Annotated[list[Path], typer.Argument(help="Pictures, or folders of them.", metavar="IMAGE...")],
    out: Annotated[Path, typer.Option(help="Folder for the PNG files and a sheet, before beside after.")],
    mask: Annotated[
        Path | None,
        typer.Option(help="White may change, the rest stays to the bit; a folder holds one for each name."),
    ] = None,
    strength: Annotated[
        float | None,
        typer.Option(
            help="How much may change, above 0 to 1; 0.35 for a picture; a hole starts from a smooth fill."
        ),
    ] = None,
    to: Annotated[str, typer.Option(help="Enlarge: 2x or 4x.")] = "1x",
    noise: Annotated[
        float | None, typer.Option(help="Take out noise of this standard deviation, in levels of 0 to 255.")
    ] = None,
    outpaint: Annotated[
        str, typer.Option(help="Pixels to add at the sides.", metavar="LEFT,TOP,RIGHT,BOTTOM")
    ] = "0,0,0,0",
    variations: Annotated[int, typer.Option(help="How many results of each picture.")] = 1,
    rounds: Annotated[
        int, typer.Option(help="Most rounds: the least odd result is kept, and they end when none is better.")
    ] = 1,
    answer: Annotated[
        str, typer.Option(help="sample: one sharp picture; mean: the average one, nearest in PSNR.")
    ] = "sample",
    describe: Annotated[str, typer.Option(help="What it should show: a class or words.")] = "",
    guidance: Annotated[float, typer.Option(help="1 is none; 2 to 4 follow the description harder.")] = 1.0,
    whole: Annotated[
        bool, typer.Option("--whole", help="Work on the whole picture shrunk, not on windows of it.")
    ] = False,
    steps: Annotated[int, typer.Option(help="Steps of each.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="The same seed refines alike.")] = 0,
    download: Annotated[
        bool, typer.Option("--download", help="Pretrained models: the hub may be asked for missing files.")
    ] = False,
    task: Annotated[str, typer.Option(help="What it is for; ties it to `burnish prove value`.")] = "",
) -> None:
    """Polish, fill, extend, denoise, enlarge or vary pictures."""
    from burnish.cli import hub
    from burnish.cli.progress import Bar
    from burnish.cli.records import ledger
    from burnish.errors import BurnishError
    from burnish.store.bundle import is_pretrained
    from burnish.verbs.load import load, media_of
    from burnish.verbs.refine_files import count_of, refine_files
    from burnish.verbs.wish import Wish, read_factor, read_sides

    wish = Wish(
        strength=strength,
        to=read_factor(to),
        describe=describe,
        guidance=guidance,
        rounds=rounds,
        outpaint=read_sides(outpaint),
        variations=variations,
        answer=answer,
        noise=noise,
        whole=whole,
        steps=steps,
        seed=seed,
    )
    if is_pretrained(bundle):
        raise typer.Exit(hub.refine(bundle, images, out, wish, mask, download, task))
    model = load(bundle)
    if media_of(model.bundle) != "image":
        raise BurnishError(
            bundle, f"makes {media_of(model.bundle)}s, not pictures", "See `burnish make --help`"
        )
    with Bar("refine", count_of(images) * variations) as bar:
        outcome = refine_files(model, images, out, wish, mask, bar.advance, ledger(task))
    bar.say(outcome)
    raise typer.Exit(outcome.exit_code)
