"""`burnish inspect text`: words that do not belong."""

from pathlib import Path
from typing import Annotated

import typer


def text(
    bundle: Annotated[Path, typer.Argument(help="Model of text that `burnish train` wrote.")],
    file: Annotated[Path, typer.Argument(help="Lines, a table, .jsonl or a folder of .txt files.")],
    column: Annotated[str | None, typer.Option(help="The column of a table.")] = None,
    alarm: Annotated[float, typer.Option(min=0, help="Mark words from this many bits.")] = 15.0,
    top: Annotated[int, typer.Option(min=1, help="Lines to show, the most surprising first.")] = 20,
) -> None:
    """Say which words of lines do not belong: surprise of each, the most surprising lines first."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from burnish.errors import BundleError
    from burnish.inspect.text import inspect_line
    from burnish.media.text import load_texts
    from burnish.verbs.load import load
    from burnish.verbs.text_model import TextModel

    model = load(bundle)
    if not isinstance(model, TextModel):
        raise BundleError(
            bundle, "is no model of text", "Train one on lines: burnish train FILE --out BUNDLE"
        )
    texts = load_texts(file, column, fewest=1)
    found = sorted((inspect_line(model, line) for line in texts.lines), key=lambda f: -f.score)
    table = Table("score", "worst", "line")
    for row in found[:top]:
        table.add_row(f"{row.score:.1f}", f"{row.worst:.1f}", escape(row.marked(alarm)))
    console = Console()
    console.print(table)
    marked = sum(row.worst >= alarm for row in found)
    console.print(f"{marked} of {len(found)} lines hold a word of {alarm:g} bits or more", highlight=False)
