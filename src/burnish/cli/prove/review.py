"""`burnish prove review`: plan, look, status, threshold, export, import."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, help="Blind review with hidden controls: who accepted what, and can one believe it."
)

Task = Annotated[str, typer.Argument(help="What the outputs are for, as in the ledger.")]
Form = Annotated[
    str | None,
    typer.Option("--format", help="csv, parquet, label-studio or coco; by default as its ending says."),
]

UNKNOWN = "minutes that mending took (Enter when not known yet; import them later)"


@app.command()
def plan(
    task: Task,
    threshold: Annotated[str, typer.Option(help="What counts as usable, in words.")],
    reviewer: Annotated[list[str], typer.Option(help="A reviewer; give it for each.")],
    folder: Annotated[
        Path | None, typer.Option(help="Files to review; the ledger's outputs of the task when left out.")
    ] = None,
    double: Annotated[float, typer.Option(help="Share of outputs that two see, blind to each other.")] = 0.0,
    known_good: Annotated[Path | None, typer.Option(help="Folder of files known to be usable.")] = None,
    known_bad: Annotated[Path | None, typer.Option(help="Folder of files known to be unusable.")] = None,
    controls: Annotated[float, typer.Option(help="Hidden controls, as a share of the outputs.")] = 0.2,
    repeats: Annotated[float, typer.Option(help="Outputs shown twice to the same reviewer, a share.")] = 0.1,
    reason: Annotated[str, typer.Option(help="Why this review is opened.")] = "first review",
    seed: Annotated[int, typer.Option(help="Of the order, controls and repeats.")] = 0,
) -> None:
    """Open an epoch: a locked threshold, and a queue for each reviewer, controls and repeats hidden in it."""
    from burnish.cli.prove.show import say
    from burnish.prove.review import Reviews, items_of_folder, items_of_task
    from burnish.prove.review_plan import Plan
    from burnish.store.workspace import open_workspace

    workspace = open_workspace()
    with workspace.session() as session:
        items = items_of_folder(session, folder) if folder else items_of_task(session, task)
        good, bad = (
            tuple(i.path for i in items_of_folder(session, f)) if f else () for f in (known_good, known_bad)
        )
    drawn = Plan(tuple(reviewer), double, good, bad, controls, repeats, seed)
    epoch = Reviews(workspace).open(task, items, drawn, threshold, reason)
    say(f"epoch {epoch}: {len(items)} outputs")
    say(f"each reviewer: burnish prove review look '{task}' --reviewer NAME")


@app.command()
def look(
    task: Task,
    reviewer: Annotated[str, typer.Option(help="Who looks.")],
    show: Annotated[bool, typer.Option(help="Open each with the system's viewer.")] = True,
) -> None:
    """Go through a queue: used, rework (and how long mending took), reject or quit, and why."""
    from burnish.cli.prove.show import say
    from burnish.prove.review import Reviews
    from burnish.store.workspace import open_workspace

    workspace = open_workspace()
    reviews, said = Reviews(workspace), ""
    while (ticket := reviews.next(task, reviewer)) is not None:
        if ticket.threshold != said:
            say(f"usable means: {ticket.threshold}")
            said = ticket.threshold
        file = ticket.save(workspace.path / "review" / f"now{ticket.suffix}")
        say(f"{ticket.place} of {ticket.of}: {file}")
        if show:
            typer.launch(str(file))
        answer = ""
        while answer not in {"u", "w", "j", "q"}:
            answer = typer.prompt("[u]sed, re[w]ork, re[j]ect, [q]uit").strip().lower()[:1]
        if answer == "q":
            return
        verdict = {"u": "used", "w": "rework", "j": "reject"}[answer]
        why = "" if answer == "u" else typer.prompt("why (a, b, ...)", default="", show_default=False)
        minutes = typer.prompt(UNKNOWN, default=-1.0, show_default=False) if answer == "w" else -1.0
        reviews.answer(
            reviewer, ticket.number, verdict, why.split(","), rework_minutes=minutes if minutes >= 0 else None
        )
    say("Nothing more to look at.")


@app.command()
def status(
    task: Task,
    json: Annotated[Path | None, typer.Option("--json", help="File for all figures as JSON.")] = None,
) -> None:
    """Acceptance, agreement and watchfulness, epoch by epoch. Exits with 1 when a reviewer is flagged."""
    from burnish.cli.prove.show import say
    from burnish.prove.review_standing import as_text, standings
    from burnish.store.files import write_json
    from burnish.store.workspace import open_workspace

    with open_workspace().session() as session:
        found = standings(session, task)
    say(as_text(found))
    if json:
        write_json(json, [s.to_json() for s in found])
    raise typer.Exit(int(any(r.watchfulness.flagged for s in found[-1:] for r in s.reviewers)))


@app.command()
def threshold(
    task: Task,
    words: Annotated[str, typer.Argument(help="What counts as usable from now on.")],
    reason: Annotated[str, typer.Option(help="Why it changes.")],
) -> None:
    """Change what counts as usable: a new epoch begins, and the old one's verdicts stay where they are."""
    from burnish.cli.prove.show import say
    from burnish.prove.review import Reviews
    from burnish.store.workspace import open_workspace

    say(f"epoch {Reviews(open_workspace()).change_threshold(task, words, reason)} is open")


@app.command("export")
def export_verdicts(task: Task, file: Annotated[Path, typer.Argument()], form: Form = None) -> None:
    """Write all verdicts of a task."""
    from burnish.cli.prove.show import say
    from burnish.prove.review_files import verdicts_of, write_verdicts
    from burnish.store.workspace import open_workspace

    with open_workspace().session() as session:
        found = verdicts_of(session, task)
    write_verdicts(file, found, form)
    say(f"{len(found)} verdicts in {file}")


@app.command("import")
def import_verdicts(task: Task, file: Annotated[Path, typer.Argument()], form: Form = None) -> None:
    """Take verdicts that were given elsewhere into the task's open epoch."""
    from burnish.cli.prove.show import say
    from burnish.prove.review_files import read_verdicts, take
    from burnish.store.workspace import open_workspace

    found = read_verdicts(file, form)
    with open_workspace().session() as session:
        entered = take(session, task, found)
    say(f"{entered} verdicts entered or filled in, {len(found) - entered} were there before")
