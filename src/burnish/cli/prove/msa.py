"""`burnish prove msa`."""

from pathlib import Path
from typing import Annotated

import typer


def msa(
    file: Annotated[
        Path, typer.Argument(help="CSV: part, appraiser, rating, and where known reference and trial.")
    ],
    json: Annotated[Path | None, typer.Option("--json", help="File for all figures as JSON.")] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
) -> None:
    """Measurement-system study: can these appraisers, people or detectors, be trusted at all?"""
    import numpy as np

    from burnish.cli.prove.show import say
    from burnish.prove.msa import as_text, read_judgements, study
    from burnish.store.files import write_json

    found = study(read_judgements(file), np.random.default_rng(seed))
    say(as_text(found))
    if json:
        write_json(json, found.to_json())
