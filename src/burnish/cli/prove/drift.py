"""`burnish prove drift`."""

from pathlib import Path
from typing import Annotated

import typer


def drift(
    log: Annotated[Path, typer.Argument(help="What `burnish inspect run --json-lines` wrote.")],
    pictures: Annotated[Path | None, typer.Option(help="The same parts' pictures, by name.")] = None,
    owner: Annotated[str, typer.Option(help="Whose the job is; the workspace's owner otherwise.")] = "",
    run_length: Annotated[float, typer.Option(help="Parts between false alarms, all together.")] = 5000.0,
    baseline: Annotated[int, typer.Option(help="First parts, known to be in order.")] = 100,
    reject_rate: Annotated[
        float | None, typer.Option(help="Rejects in order; else the upper bound of the baseline's.")
    ] = None,
    matters: Annotated[float, typer.Option(help="Factor of the reject rate that matters.")] = 2.0,
    seed: Annotated[int, typer.Option(help="Breaks ties, draws relabellings.")] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="File for all figures as JSON.")] = None,
) -> None:
    """Watch a line for drift; an alarm opens one retrain job with an owner and exits with 1."""
    from burnish.cli.prove.show import say
    from burnish.prove.drift import Plan
    from burnish.prove.drift_job import check_drift
    from burnish.store.files import write_json
    from burnish.store.workspace import open_workspace

    plan = Plan(run_length, baseline, reject_rate, matters, seed=seed)
    found = check_drift(open_workspace(), log, plan, owner, pictures)
    say(found.in_words())
    if json:
        write_json(json, found.to_json())
    raise typer.Exit(int(found.job is not None))
