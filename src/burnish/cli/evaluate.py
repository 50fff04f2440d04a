"""`burnish inspect eval`: what a trained inspector does on test parts, as a table, JSON and a report."""

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    bundle: Annotated[Path, typer.Argument(help="What `burnish inspect train` wrote.", metavar="BUNDLE")],
    folder: Annotated[
        Path, typer.Argument(help="Test parts; of a split.csv its `test` rows.", metavar="DIR")
    ],
    json: Annotated[Path | None, typer.Option("--json", help="File for all figures as JSON.")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="File for the HTML report.")] = None,
    wanted_misses: Annotated[float, typer.Option(help="Miss rate to prove.")] = 0.01,
    eur_per_kwh: Annotated[float, typer.Option(help="Price of electricity.")] = 0.30,
    watts: Annotated[float, typer.Option(help="Power the PC draws while it inspects.")] = 65.0,
    eur_per_hour: Annotated[float, typer.Option(help="Wage of whoever looks again at rejects.")] = 35.0,
    seconds_per_recheck: Annotated[float, typer.Option(help="Time to look again at one reject.")] = 30.0,
    defects_per_1000: Annotated[float, typer.Option(help="Bad parts in 1,000 on the line.")] = 10.0,
    eur_per_escape: Annotated[float | None, typer.Option(help="Cost of one missed defect.")] = None,
) -> None:
    """Measure misses and false rejects with their bounds, on parts the inspector has not seen."""
    from rich.console import Console
    from rich.progress import Progress

    from burnish.cli.records import command, keep_evaluation, measured
    from burnish.inspect.detector import for_line
    from burnish.inspect.judge import as_text, evaluate_inspector
    from burnish.inspect.price import Price

    console = Console()
    inspector, meta, _ = for_line(bundle)
    recording = measured("inspect eval", meta["model_hash"], folder)
    with recording as run, Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("parts", total=None)
        found = evaluate_inspector(
            inspector,
            meta,
            folder,
            price=Price(
                eur_per_kwh, watts, eur_per_hour, seconds_per_recheck, defects_per_1000, eur_per_escape
            ),
            wanted_misses=wanted_misses,
            json_file=json,
            report=report,
            command=command(),
            progress=lambda done, of: bar.update(task, completed=done, total=of),
        )
        run.row.inputs["data"], run.row.output = found.data_hash, json or report or ""
        keep_evaluation(found.to_json(), run)
    console.print(as_text(found), highlight=False, markup=False, soft_wrap=True)
    if report:
        console.print(f"report: {report}", highlight=False, markup=False, soft_wrap=True)
