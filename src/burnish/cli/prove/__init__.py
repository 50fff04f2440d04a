"""`burnish prove`: one file a command, no logic."""

import typer

from burnish.cli.prove.ledger import ledger
from burnish.cli.prove.seal import seal, seal_verdicts, verify

app = typer.Typer(no_args_is_help=True, help="Numbers with a run behind them: records, seal, drift, exit.")
app.command()(seal)
app.command("seal-verdicts")(seal_verdicts)
app.command()(verify)
app.command()(ledger)
