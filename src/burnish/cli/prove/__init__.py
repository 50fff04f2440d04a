"""`burnish prove`: one file a command, no logic."""

import typer

app = typer.Typer(
    no_args_is_help=True, help="Numbers with a run behind them: records, seal, drift, exit."
)
