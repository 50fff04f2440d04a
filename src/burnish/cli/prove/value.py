"""`burnish prove ask`, `timing`, `cost` and `value`: what people know, and what it was worth."""

from pathlib import Path
from typing import Annotated

import typer

Task = Annotated[str, typer.Argument(help="What it is for, as in `burnish make --task TASK`.")]
By = Annotated[str, typer.Option(help="Who says so; the workspace's owner when left out.")]


def ask(
    task: Task,
    made_anyway: Annotated[
        bool, typer.Option("--made-anyway/--not-made-anyway", help="Would it be made without the model?")
    ],
    by: By = "",
    note: Annotated[str, typer.Option(help="Why.")] = "",
) -> None:
    """Answer, before anything is generated, whether it would have been made anyway."""
    from burnish.cli.prove.show import say
    from burnish.prove.answers import answer
    from burnish.store.workspace import open_workspace

    answer(open_workspace(), task, made_anyway, by, note)
    say(f"{task}: " + ("it would be made anyway" if made_anyway else "it would not be made; saves no hours"))


def timing(
    task: Task,
    minutes: Annotated[str | None, typer.Argument(help="Labour on one usable item.")] = None,
    arm: Annotated[str, typer.Option(help="without or with the model.")] = "without",
    draw: Annotated[bool, typer.Option("--draw", help="Only draw by lot how to make the next item.")] = False,
    randomised: Annotated[bool, typer.Option("--randomised", help="The arm was drawn by lot.")] = False,
    item: Annotated[str, typer.Option(help="Which item.")] = "",
    by: By = "",
) -> None:
    """Enter how long one usable item takes without or with the model."""
    from burnish.cli.prove.show import say
    from burnish.errors import BurnishError
    from burnish.prove.answers import add_timing, draw_arm
    from burnish.store.workspace import open_workspace

    if draw:
        say(f"make the next item {draw_arm()} the model, and enter its minutes with --randomised")
        return
    if minutes is None:
        raise BurnishError("minutes", "are not given", "burnish prove timing TASK MINUTES, or --draw")
    add_timing(open_workspace(), task, arm, minutes, randomised, item, by)
    say(f"{task}: {minutes} minutes {arm} the model")


def cost(
    kind: Annotated[str, typer.Argument(help="compute, energy, review, labelling, subscription or other.")],
    amount: Annotated[str, typer.Argument(help="In the workspace's currency; negative for a credit.")],
    task: Annotated[str, typer.Option(help="What it is for.")],
    note: Annotated[str, typer.Option(help="What it is.")] = "",
    month: Annotated[str | None, typer.Option(help="When, such as 2026-11.")] = None,
) -> None:
    """Enter a cost that no record knows of."""
    from burnish.cli.prove.show import say
    from burnish.prove.answers import add_cost
    from burnish.store.workspace import open_workspace

    entered = add_cost(open_workspace(), kind, amount, task, note, month)
    say(f"{task}: {entered.kind} {entered.amount} {entered.currency}")


def value(
    task: Task,
    json: Annotated[Path | None, typer.Option("--json", help="File for the figures as JSON.")] = None,
) -> None:
    """Acceptance, cost per usable output, waste and time saved."""
    from burnish.cli.prove.show import say, write_json
    from burnish.prove.value import value as measure
    from burnish.prove.words import value_text
    from burnish.store.workspace import open_workspace

    workspace = open_workspace()
    with workspace.session() as session:
        found = measure(session, workspace.settings, task)
    say(value_text(found))
    if json:
        write_json(json, found.to_json())
