"""`burnish prove declare`, `promote` and `rollback`."""

from pathlib import Path
from typing import Annotated

import typer

Task = Annotated[str, typer.Argument(help="The service, such as 'ring line'.")]
By = Annotated[str, typer.Option(help="Who decides; the workspace's owner otherwise.")]


def declare(
    task: Task,
    challenger: Annotated[Path, typer.Argument(help="Its bundle.", metavar="BUNDLE")],
    data: Annotated[
        Path, typer.Argument(help="Parts to judge; of a split.csv its `test` rows.", metavar="DIR")
    ],
    better: Annotated[
        str, typer.Option(help="Where it must be better: misses or 'false rejects'.")
    ] = "misses",
    margin: Annotated[float, typer.Option(help="By how much the other rate may rise at most.")] = 0.02,
    confidence: Annotated[float, typer.Option(help="Of both tests.")] = 0.95,
    by: By = "",
) -> None:
    """Declare the test of a challenger, before anybody looks at how it does."""
    from burnish.cli.prove.show import say
    from burnish.inspect.judge import parts_to_judge
    from burnish.prove import promote as promotions
    from burnish.store.workspace import open_workspace

    parts, _ = parts_to_judge(data)
    plan = promotions.Plan(str(data.absolute()), parts.hash(), better, margin, confidence)
    number = promotions.declare(open_workspace(), task, challenger, plan, by)
    say(f"declaration {number}; look once: burnish prove promote '{task}' {challenger}")


def promote(
    task: Task,
    challenger: Annotated[Path, typer.Argument(help="Its bundle.", metavar="BUNDLE")],
    by: By = "",
) -> None:
    """Judge a declared challenger against the champion; only one shown to be better goes into service.

    The first model of a task goes into service without a test. A refusal exits with 1.
    """
    from burnish.cli.progress import Stages
    from burnish.cli.prove.show import say
    from burnish.prove import promote as promotions
    from burnish.prove import service
    from burnish.prove.duel import duel
    from burnish.store.bundle import read_bundle
    from burnish.store.workspace import open_workspace

    workspace, bundle = open_workspace(), read_bundle(challenger)
    with workspace.session() as session:
        first = service.champion_of(session, task) is None
        found = None if first else promotions.declared(session, task, bundle.hash)
    if found is None:
        service.install(workspace, task, challenger, by=by)
        say(f"in service as the first of its task: {service.link_of(workspace, task)}")
        return
    _, plan, champion = found
    with Stages() as stages:
        answer = duel(
            plan, champion.path, challenger, lambda done, of: stages.report("judging parts", done / of)
        )
    names = [str(read_bundle(champion.path).meta.get("model_hash", ""))]
    promotions.conclude(workspace, task, bundle.hash, answer, {"champion_names": names}, by)
    say(answer.in_words())
    if answer.promoted:
        say(f"in service: {service.link_of(workspace, task)}")
    raise typer.Exit(int(not answer.promoted))


def rollback(
    task: Task,
    reason: Annotated[str, typer.Option(help="Why.")],
    by: By = "",
) -> None:
    """Put the model before the one in service back, in one step."""
    from burnish.cli.prove.show import say
    from burnish.prove.service import link_of, roll_back
    from burnish.store.workspace import open_workspace

    workspace = open_workspace()
    bundle = roll_back(workspace, task, reason, by)
    say(f"in service again: {bundle.path} ({link_of(workspace, task)})")
