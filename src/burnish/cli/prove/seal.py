"""`burnish prove seal`, `seal-verdicts`, `proof` and `verify`."""

from pathlib import Path
from typing import Annotated

import typer


def seal(
    bundle: Annotated[Path, typer.Argument(help="A bundle that makes pictures, or one for the line.")],
    out: Annotated[Path, typer.Option(help="Folder of the run; a killed run goes on there.", metavar="RUN")],
    n: Annotated[int, typer.Option("--n", min=1, help="Consecutive outputs.")] = 100,
    description: Annotated[
        list[str] | None, typer.Option(help="What to make; given several times, taken in turn.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps of each picture.")] = 8,
    guidance: Annotated[float, typer.Option(min=0, max=30, help="1 is none.")] = 1.0,
    parts: Annotated[
        Path | None, typer.Option(help="Folder of parts that a line bundle judges; the seeds draw them.")
    ] = None,
    commit_only: Annotated[
        bool, typer.Option("--commit-only", help="Publish the commitment and wait for a challenge.")
    ] = False,
    challenge: Annotated[
        str | None, typer.Option(help="Words of whoever doubts, given after they saw the commitment.")
    ] = None,
    task: Annotated[str, typer.Option(help="What it is for; ties it to `burnish prove value`.")] = "",
    key: Annotated[Path | None, typer.Option(help="Signing key; the workspace's own by default.")] = None,
    timestamp: Annotated[
        str | None, typer.Option(help="Address of an RFC 3161 time-stamping authority.", metavar="URL")
    ] = None,
) -> None:
    """Commit, then make n outputs whose seeds nobody could choose; failures keep their numbers."""
    from burnish.cli.progress import Bar
    from burnish.cli.records import ledger
    from burnish.prove.journal import note_run
    from burnish.prove.keys import workspace_key
    from burnish.prove.makers import maker_of
    from burnish.prove.seal import seal as make_sealed
    from burnish.prove.timestamp import stamped
    from burnish.store.workspace import open_workspace

    with Bar("seal", n) as bar:
        sealed = make_sealed(
            out,
            workspace_key(key),
            maker_of(bundle, description or (), steps, guidance, parts),
            n,
            challenge=challenge,
            asks=commit_only,
            recorder=ledger(task),
            on_output=bar.advance,
        )
        note_run(open_workspace(), sealed)
        bar.say(sealed)
        bar.say(stamped(sealed.checkpoint, timestamp))


def seal_verdicts(
    run: Annotated[Path, typer.Argument(help="A sealed run.", metavar="RUN")],
    file: Annotated[
        Path | None, typer.Argument(help="Verdicts from a file; the workspace's reviews by default.")
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help="csv, parquet, label-studio or coco; by default as its ending says."),
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Signing key that the run was begun with.")] = None,
) -> None:
    """Put reviewers' verdicts on a sealed run's outputs into its log."""
    from burnish.prove.keys import workspace_key
    from burnish.prove.review_files import all_verdicts, read_verdicts
    from burnish.prove.seal import add_verdicts
    from burnish.store.workspace import open_workspace

    verdicts = read_verdicts(file, form) if file else all_verdicts(open_workspace())
    typer.echo(f"{add_verdicts(run, workspace_key(key), verdicts)} verdicts sealed in {run}")


def proof(
    run: Annotated[Path, typer.Argument(help="A sealed run.", metavar="RUN")],
    number: Annotated[int, typer.Argument(min=0, help="Of the output.")],
    out: Annotated[Path, typer.Option(help="File for the proof.", metavar="FILE")],
    since: Annotated[
        Path | None, typer.Option(help="An older checkpoint that the reader holds.", metavar="FILE")
    ] = None,
) -> None:
    """Show that one output is in a sealed log, without giving the log away."""
    from burnish.prove.proofs import proof_of
    from burnish.store.files import write_json

    write_json(out, proof_of(run, number, since))
    typer.echo(f"{out}: python verify_seal.py {out} --output FILE --checkpoint FILE")


def verify(
    run: Annotated[
        Path, typer.Argument(help="A sealed run, the workspace's log, or a proof.", metavar="RUN")
    ],
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint that was kept elsewhere.", metavar="FILE")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="The output that a proof is about.")] = None,
) -> None:
    """Check a seal as RUN/verify_seal.py does alone; exits 0 for OK, 1 BROKEN, 2 unreadable, 3 UNANCHORED."""
    from burnish.prove.verify_seal import main

    given = [word for file in checkpoint or () for word in ("--checkpoint", str(file))]
    given += ["--output", str(output)] if output else []
    raise typer.Exit(main([str(run), *given]))
