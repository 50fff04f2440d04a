"""`burnish prove returns`."""

from pathlib import Path
from typing import Annotated

import typer


def returns(
    file: Annotated[Path, typer.Argument(help="YAML, `input: [low, likely, high]` each; docs/prove.md.")],
    bundle: Annotated[
        Path | None,
        typer.Option(help="An inspector whose measured rates are taken (`burnish inspect eval` first)."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="File for the figures as JSON.")] = None,
    chart: Annotated[Path | None, typer.Option(help="File for the levers as SVG.")] = None,
) -> None:
    """What an inspector returns: ranges in, ranges out, and the input that the answer hangs on."""
    from burnish.cli.prove.show import say, write_json, write_text
    from burnish.prove.figures import measured_rates
    from burnish.prove.returns import read_inputs
    from burnish.prove.returns import returns as calculate
    from burnish.prove.tornado import tornado
    from burnish.prove.words import returns_text
    from burnish.store.workspace import open_workspace

    workspace = open_workspace()
    found = calculate(read_inputs(file, measured_rates(workspace, bundle) if bundle else None), seed)
    say(returns_text(found, workspace.settings.currency))
    if json:
        write_json(json, found.to_json())
    if chart:
        write_text(chart, tornado(found, workspace.settings.currency))
