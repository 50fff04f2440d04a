"""`burnish inspect`: train, add, synthesise, eval, export, run; clip, text."""

from pathlib import Path
from typing import Annotated

import typer

from burnish.cli.clip import clip
from burnish.cli.evaluate import evaluate
from burnish.cli.inspect_text import text
from burnish.cli.line import export, run
from burnish.cli.progress import Stages
from burnish.cli.synthesise import synthesise

app = typer.Typer(no_args_is_help=True, help="Inspect parts: train, measure, export and run an inspector.")


@app.command()
def train(
    folder: Annotated[Path, typer.Argument(help="Good parts and a few bad ones.", metavar="DIR")],
    out: Annotated[Path, typer.Option(help="Folder for the bundle.", metavar="BUNDLE")],
    minutes: Annotated[float, typer.Option(min=0.1, help="Time for training.")] = 10.0,
    false_rejects: Annotated[
        float, typer.Option(min=0, max=1, help="Wanted share of good parts rejected.")
    ] = 0.01,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    backbone: Annotated[
        str, typer.Option(help="lite0, dinov2-small, or a path to DINOv2-small weights.")
    ] = "lite0",
    synthesis: Annotated[str, typer.Option(help="auto, diffusion, cutpaste, perlin or none.")] = "auto",
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Updates instead of minutes: the same seed then gives the same inspector."),
    ] = None,
) -> None:
    """Train an inspector; given again after an interruption, it goes on where it stopped."""
    from burnish.cli.records import ledger
    from burnish.inspect.learn import Settings
    from burnish.inspect.train import train_inspector
    from burnish.store.recording import recorded

    settings = Settings(minutes, steps, false_rejects, seed, backbone, synthesis)
    told = {"minutes": minutes, "steps": steps, "backbone": backbone, "synthesis": synthesis}
    about = {"description": str(folder), "seed": seed, "settings": told}
    with recorded(ledger(), "inspect train", medium="model", **about) as row, Stages() as stages:
        bundle = train_inspector(folder, out, settings, stages.report)
        row.output = bundle.path
        stages.say((bundle.path / "card.md").read_text(encoding="utf-8"))


@app.command()
def add(
    bundle: Annotated[Path, typer.Argument(help="Trained inspector.", metavar="BUNDLE")],
    pictures: Annotated[list[Path], typer.Argument(help="Parts it judged wrongly.", metavar="IMAGE...")],
    label: Annotated[str, typer.Option(help="Their defect class, or good.")] = "missed",
    mask: Annotated[
        Path | None, typer.Option(help="Picture of where the defect is, 255 where defective.")
    ] = None,
    minutes: Annotated[float, typer.Option(min=0.1, help="Time for training.")] = 2.0,
) -> None:
    """Add missed or falsely rejected parts and train on from where the inspector stands."""
    from burnish.cli.records import ledger
    from burnish.inspect.add import add_parts
    from burnish.store.bundle import sha256_of
    from burnish.store.recording import recorded

    inputs = {str(picture): sha256_of(picture) for picture in pictures if picture.is_file()}
    about = {"description": f"{len(pictures)} {label}", "inputs": inputs, "settings": {"minutes": minutes}}
    with recorded(ledger(), "inspect add", medium="model", **about) as row, Stages() as stages:
        done = add_parts(bundle, pictures, label, mask, minutes, stages.report)
        row.output = done.path
        stages.say((done.path / "card.md").read_text(encoding="utf-8"))


app.command()(synthesise)
app.command("eval")(evaluate)
app.command()(export)
app.command()(run)
app.command()(clip)
app.command()(text)
