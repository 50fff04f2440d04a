"""`burnish prove moderate`."""

from pathlib import Path
from typing import Annotated

import typer


def moderate(
    things: Annotated[list[str], typer.Argument(help="Descriptions, or picture files.", metavar="THINGS...")],
    words: Annotated[Path | None, typer.Option(help="Your word list, for descriptions.")] = None,
    classifier: Annotated[
        str | None, typer.Option(help="Yours, for pictures: module:callable, or a model for transformers.")
    ] = None,
    label: Annotated[str, typer.Option(help="For transformers: the label that counts.")] = "",
    threshold: Annotated[float, typer.Option(min=0, max=1, help="A score from here on stops.")] = 0.5,
) -> None:
    """Hold descriptions against a word list and pictures against a classifier of yours; exit 1 on a stop."""
    from burnish.cli.prove.show import say
    from burnish.errors import BurnishError
    from burnish.media.image import SUFFIXES, read_image
    from burnish.prove.moderation import open_classifier, read_words, score

    listed = read_words(words) if words else None
    judge = open_classifier(classifier, label) if classifier else None
    stopped = 0
    for thing in things:
        if Path(thing).suffix.lower() in SUFFIXES:
            if judge is None:
                raise BurnishError(thing, "is a picture and there is no classifier", "Give --classifier")
            found = score(judge, read_image(thing))
            bad, why = found >= threshold, f"score {found:.3f}, stops from {threshold:g}"
        else:
            if listed is None:
                raise BurnishError(repr(thing), "is a description and there is no word list", "Give --words")
            hits = listed.found(thing)
            bad, why = bool(hits), f"on the list: {', '.join(hits)}" if hits else "no word of the list"
        stopped += bad
        say(f"{'STOPPED' if bad else 'passes '}  {thing}: {why}")
    if stopped:
        raise typer.Exit(1)
