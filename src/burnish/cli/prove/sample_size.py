"""`burnish prove sample-size`."""

from typing import Annotated

import typer


def sample_size(
    rate: Annotated[float, typer.Argument(help="Rate to prove, such as 0.003 for 0.3 %.")],
    confidence: Annotated[float, typer.Option(help="Of the proof, one-sided.")] = 0.95,
    failures: Annotated[int, typer.Option(min=0, help="Rows of the table: failures up to this many.")] = 3,
    expected: Annotated[
        float | None, typer.Option(help="True rate to expect: says what to plan for.")
    ] = None,
    power: Annotated[float, typer.Option(help="Wanted chance that the planned proof succeeds.")] = 0.9,
) -> None:
    """How many defects must be found, or outputs accepted, before a rate may be claimed."""
    from burnish.cli.prove.show import say
    from burnish.prove.stats import sample_size_text

    say(sample_size_text(rate, confidence, failures, expected, power))
