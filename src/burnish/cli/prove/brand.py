"""`burnish prove brand`."""

from pathlib import Path
from typing import Annotated

import typer


def brand(
    rules: Annotated[Path, typer.Argument(help="The rules, YAML; see docs/prove.md.", metavar="RULES")],
    images: Annotated[list[Path], typer.Argument(help="Pictures, or folders of them.", metavar="IMAGES...")],
    bundle: Annotated[
        Path | None, typer.Option(help="A bundle whose card shall show the figure.", metavar="BUNDLE")
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="File for the findings as JSON.")] = None,
) -> None:
    """Check pictures against a brand's rules; exit 1 when one breaks any."""
    from burnish.cli.prove.show import say, write_json
    from burnish.cli.records import command, measured
    from burnish.prove.brand import check_files, pictures_of
    from burnish.prove.brand_rules import read_rules
    from burnish.prove.figures import of_rate
    from burnish.store.bundle import read_bundle

    found = check_files(pictures_of(images), read_rules(rules))
    say(found)
    if bundle:
        subject = read_bundle(bundle).hash
        figure = of_rate(
            "brand rules kept", found.kept, subject=subject, model_hash=subject, command=command()
        )
        with measured("prove brand", subject, rules) as run:
            run.keep([figure])
    if json:
        write_json(json, found.to_json())
    if found.kept.count < found.kept.of:
        raise typer.Exit(1)
