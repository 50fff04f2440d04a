"""`burnish data`: what sets there are, how to get them, and whether a folder is fit to train on."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from burnish.errors import DatasetError
from burnish.media.catalogue import get as get_set
from burnish.media.check import Pair, Report
from burnish.media.check import check as check_set
from burnish.media.sets import SETS

app = typer.Typer(help="Public sets, and checks of your own.", no_args_is_help=True)

SHOWN = 20


@app.command("list")
def list_sets() -> None:
    """Shows the public sets: what they are, how large, under which licence, and how to get them."""
    console = Console()
    table = Table(show_header=False, show_lines=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for entry in SETS:
        how = f"burnish data get {entry.name}" if entry.address else entry.hint
        lines = (
            entry.what,
            f"licence: {entry.licence}",
            entry.address or entry.page,
            f"get: {how}",
            f"sha256 {entry.sha256}",
        )
        table.add_row(f"{entry.name}\n{entry.size / 1e6:.1f} MB", escape("\n".join(lines)))
    console.print(table, highlight=False)
    console.print(
        "Offline: burnish data get NAME --from FOLDER, where FOLDER holds the ready sets.", highlight=False
    )


@app.command("get")
def get(
    name: Annotated[str, typer.Argument(help="A name that `burnish data list` shows.")],
    source: Annotated[
        Path | None, typer.Option("--from", help="A folder that holds the set ready; nothing is downloaded.")
    ] = None,
    to: Annotated[Path, typer.Option(help="The folder to put it in.")] = Path("data"),
) -> None:
    """Gets a public set, from its address or from a folder, and checks it."""
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("downloading" if source is None else "copying", total=None)
        path = get_set(
            name,
            to,
            source,
            tell=lambda line: console.print(escape(line), highlight=False, soft_wrap=True),
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    console.print(escape(f"{name} is in {path}"), highlight=False, soft_wrap=True)


@app.command()
def films(
    out: Annotated[Path, typer.Option(help="A folder for them, as frames.")],
    kind: Annotated[str, typer.Option(help="ring, bracket or connector.")] = "ring",
    each: Annotated[int, typer.Option(min=1, help="Films of a passing part, and of a soiling one.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same films.")] = 0,
) -> None:
    """Render films of the sample line, to try `burnish train` on clips without data of one's own."""
    from burnish.cli.progress import Bar
    from burnish.samples.film import write_films

    with Bar("films", 2 * each) as bar:
        write_films(out, kind, each, seed, progress=bar.advance)
    bar.say(f"{2 * each} films in {out}; learn them: burnish train {out} --out BUNDLE")


@app.command("check")
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of good and defective parts.")],
    false_rejects: Annotated[float, typer.Option(help="The false-reject rate you want to promise.")] = 0.01,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write everything as JSON.")] = None,
) -> None:
    """Opens every file: what is there, what is broken, what leaks, and how many good parts are enough.

    Exits with 0 when all is well, 1 when problems were found, 2 when the folder cannot be used.
    """
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=1.0)
        report = check_set(
            folder, false_rejects, lambda done, what: bar.update(task, completed=done, description=what)
        )
    show(report, Console())
    if json_file is not None:
        try:
            json_file.parent.mkdir(parents=True, exist_ok=True)
            json_file.write_text(
                json.dumps(report.to_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
            )
        except OSError as error:
            reason = f"cannot be written ({error.strerror or error})"
            raise DatasetError(json_file, reason, "Choose another file") from error

    raise typer.Exit(report.exit_code)


def show(report: Report, console: Console) -> None:
    """Prints a report as tables and named lines."""
    table = Table("split", "label", "known by", "parts", title=f"{report.layout} layout")
    for (split, label, annotation), count in sorted(report.counts.items()):
        table.add_row(escape(split), escape(label), annotation, str(count))
    console.print(table)
    sizes = sorted(report.sizes.items(), key=lambda item: -item[1])
    listed = ", ".join(f"{w} x {h} ({n})" for (w, h), n in sizes[:5])
    more = f" and {len(sizes) - 5} other sizes" if len(sizes) > 5 else ""
    _say(
        console, f"Sizes: {listed}{more}. Modes: {', '.join(f'{m} ({n})' for m, n in report.modes.items())}."
    )
    _lines(console, "files and rows with problems", [str(problem) for problem in report.problems])
    _lines(console, "leaks: the same picture in splits that must not share", [_pair(p) for p in report.leaks])
    straddling = [f"{group}: {', '.join(splits)}" for group, splits in sorted(report.straddling.items())]
    _lines(console, "groups in splits that must not share them", straddling)
    _lines(console, "pictures labelled good once and defective once", [_pair(p) for p in report.conflicts])
    _lines(console, "exact copies inside a split", [_pair(p) for p in report.duplicates])
    _lines(
        console,
        "nearly the same inside a split (no fault; they count as one part)",
        [_pair(p) for p in report.near],
    )
    _show_need(report, console)
    verdict = {
        0: "Fine.",
        1: "Usable, with the problems named above.",
        2: "Unusable: two good parts are the least.",
    }
    _say(console, verdict[report.exit_code])


def _show_need(report: Report, console: Console) -> None:
    need = report.need
    enough = "enough" if need.goods >= need.to_promise else f"{need.to_promise - need.goods} too few"
    _say(
        console,
        f"To promise {need.wanted:.2%} false rejects takes {need.to_promise} different good parts in train; "
        f"there are {need.goods} ({enough}), which can promise {need.promised:.2%} at best.",
    )
    proof = f"which can prove {need.provable:.2%} at best" if need.test_goods else "which proves nothing"
    _say(
        console,
        f"To prove it (95 % confidence, no false reject seen) takes {need.to_prove} different good parts in "
        f"test; there are {need.test_goods}, {proof}.",
    )
    if need.goods < 2:
        _say(console, "Fewer than two good parts in train: nothing can be learned or calibrated from them.")


def _lines(console: Console, title: str, lines: list[str]) -> None:
    if not lines:
        return
    console.print(f"[bold]{len(lines)} {escape(title)}[/bold]")
    for line in lines[:SHOWN]:
        _say(console, f"  {line}")
    if len(lines) > SHOWN:
        _say(console, f"  and {len(lines) - SHOWN} more; --json FILE lists all")


def _pair(pair: Pair) -> str:
    places = [
        f"{name} ({split}, {label})"
        for name, split, label in zip((pair.first, pair.second), pair.splits, pair.labels, strict=True)
    ]
    how = "exact" if pair.likeness == 1.0 else f"{pair.likeness:.3f} alike"
    return f"{places[0]} = {places[1]}, {how}"


def _say(console: Console, line: str) -> None:
    console.print(escape(line), highlight=False, soft_wrap=True)
