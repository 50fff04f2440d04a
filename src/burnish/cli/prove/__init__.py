"""`burnish prove`: one file a command, no logic."""

import typer

from burnish.cli.prove import review
from burnish.cli.prove.acceptance import acceptance
from burnish.cli.prove.audit import audit, audit_labels
from burnish.cli.prove.baseline import baseline
from burnish.cli.prove.brand import brand
from burnish.cli.prove.card import card
from burnish.cli.prove.copies import copies, plant
from burnish.cli.prove.determinism import determinism
from burnish.cli.prove.drift import drift
from burnish.cli.prove.exit import enter, leave
from burnish.cli.prove.forecast import forecast
from burnish.cli.prove.ledger import ledger
from burnish.cli.prove.mark import check_mark, mark, recover
from burnish.cli.prove.moderate import moderate
from burnish.cli.prove.msa import msa
from burnish.cli.prove.probe import probe
from burnish.cli.prove.promote import declare, promote, rollback
from burnish.cli.prove.recalibrate import recalibrate
from burnish.cli.prove.report import ack, report
from burnish.cli.prove.returns import returns
from burnish.cli.prove.sample_size import sample_size
from burnish.cli.prove.seal import proof, seal, seal_verdicts, verify
from burnish.cli.prove.survival import survival
from burnish.cli.prove.value import ask, cost, timing, value

app = typer.Typer(no_args_is_help=True, help="Numbers with a run behind them: records, seal, drift, exit.")
app.command()(seal)
app.command("seal-verdicts")(seal_verdicts)
app.command()(proof)
app.command()(verify)
app.command()(ledger)
app.command()(ask)
app.command()(timing)
app.command()(cost)
app.command()(value)
app.command()(acceptance)
app.command("sample-size")(sample_size)
app.command()(msa)
app.command()(determinism)
app.command("exit")(leave)
app.command()(enter)
app.command()(returns)
app.command()(mark)
app.command("check-mark")(check_mark)
app.command()(recover)
app.command()(survival)
app.command()(forecast)
app.command()(drift)
app.command()(declare)
app.command()(promote)
app.command()(rollback)
app.command()(recalibrate)
app.add_typer(review.app, name="review")
app.command()(baseline)
app.command()(probe)
app.command()(copies)
app.command()(plant)
app.command()(card)
app.command()(report)
app.command()(ack)
app.command()(brand)
app.command()(audit)
app.command("audit-labels")(audit_labels)
app.command()(moderate)
