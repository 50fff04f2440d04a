"""All commands together."""

import typer

from burnish.cli import data, inspect, prove
from burnish.cli.demo import demo
from burnish.cli.make import make
from burnish.cli.refine import refine
from burnish.cli.train import train

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
app.command()(demo)
app.add_typer(data.app, name="data")
app.command()(train)
app.command()(make)
app.command()(refine)
app.add_typer(inspect.app, name="inspect")
app.add_typer(prove.app, name="prove")
