"""`burnish make`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from burnish.cli import hub

if TYPE_CHECKING:
    from burnish.store.recording import Batch


def make(
    bundle: Annotated[
        Path, typer.Argument(help="A bundle that `burnish train` wrote, or hub:NAME_OR_FOLDER.")
    ],
    description: Annotated[str, typer.Argument(help="A class or words; nothing for anything.")] = "",
    out: Annotated[Path, typer.Option(help="Folder for what is made and its sheet.")] = Path("made"),
    n: Annotated[int | None, typer.Option("--n", min=1, help="How many; by default 16, 1 clip.")] = None,
    preset: Annotated[str, typer.Option(help="draft (2 steps), standard (8) or fine (24).")] = "standard",
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of each, instead of a preset.")] = None,
    negative: Annotated[str, typer.Option(help="What to be led away from; needs --guidance 2 or so.")] = "",
    guidance: Annotated[float, typer.Option(min=0, max=30, help="1 is none; 2 to 4 follow harder.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Number k depends on seed and k alone.")] = 0,
    strict: Annotated[
        bool, typer.Option("--strict", help="Pictures: the same bytes in every process; slower.")
    ] = False,
    film: Annotated[
        bool, typer.Option("--film", help="Pictures: also film.gif, from noise to picture.")
    ] = False,
    task: Annotated[str, typer.Option(help="What it is for; ties it to `burnish prove value`.")] = "",
    first_frame: Annotated[Path | None, typer.Option(help="Clips: picture to begin with.")] = None,
    last_frame: Annotated[Path | None, typer.Option(help="Clips: picture to end with.")] = None,
    extend: Annotated[Path | None, typer.Option(help="Clips: film to go on from.")] = None,
    more: Annotated[int, typer.Option(min=1, help="Clips: frames that --extend adds.")] = 8,
    repair: Annotated[
        str | None, typer.Option(help="Clips: film with bad frames. Text: a line to be put right.")
    ] = None,
    frames: Annotated[str, typer.Option(help="Clips: the bad frames from 0, such as 3,7-9.")] = "",
    download: Annotated[
        bool, typer.Option("--download", help="Pretrained models: the hub may be asked for missing files.")
    ] = False,
    fps: Annotated[float, typer.Option(min=0.1, max=120, help="Clips: frames a second.")] = 8.0,
    infill: Annotated[str | None, typer.Option(help="Text: a line with gaps, 'L/H ____ LEAKING'.")] = None,
    rewrite: Annotated[str | None, typer.Option(help="Text: a line to be said otherwise.")] = None,
    strength: Annotated[float, typer.Option(min=0.01, max=1, help="Text: how much --rewrite changes.")] = 0.4,
) -> None:
    """Make pictures, clips or text."""
    from burnish.store.bundle import is_pretrained

    if is_pretrained(str(bundle)):
        hub.make(str(bundle), out, description, n or 1, steps, guidance, seed, negative, download, task)
        return
    from burnish.cli.records import ledger
    from burnish.core.schedule import steps_of
    from burnish.store.recording import batch
    from burnish.verbs.load import load, media_of

    given = steps is not None
    model, steps = load(bundle), steps_of(preset, steps)
    medium = media_of(model.bundle)
    count = n or (1 if medium == "clip" else 16)
    common: dict[str, Any] = {"n": count, "steps": steps, "guidance": guidance, "seed": seed}
    settings: dict[str, Any] = {"steps": steps, "guidance": guidance, "negative": negative}
    about = {"medium": medium, "description": description, "seed": seed, "settings": settings}
    with batch(ledger(task), "make", count, model_hash=model.bundle.hash, **about) as rows:
        rows.output = out
        match medium:
            case "clip":
                start = {"first": first_frame, "last": last_frame, "extend": extend, "more": more}
                start |= {"repair": Path(repair) if repair else None, "bad": frames}
                _clips(model, out, description, common | {"fps": fps}, start, rows)
            case "text":
                wish = {"infill": infill, "repair": repair, "rewrite": rewrite, "strength": strength}
                _texts(model, out, description, count, steps if given else None, seed, wish, rows)
            case _:
                common |= {"negative": negative, "strict": strict, "film": film}
                _pictures(model, out, description, common, rows)


def _pictures(model: Any, out: Path, description: str, common: dict[str, Any], rows: "Batch") -> None:
    from burnish.cli.progress import Bar
    from burnish.verbs.files import make_files

    with Bar("make", common["n"]) as bar:

        def done(index: int, file: Path) -> None:
            rows.done(index, file)
            bar.advance()

        files = make_files(model, out, description, **common, on_picture=done)
    bar.say(f"{len(files)} pictures in {out}; look at {out / 'sheet.png'}")


def _clips(
    model: Any, out: Path, description: str, common: dict[str, Any], start: dict[str, Any], rows: "Batch"
) -> None:
    from rich.console import Console

    from burnish.verbs.clip_files import Start, make_files

    *films, grid = make_files(model, out, description, **common, start=Start(**start))
    for index, film in enumerate(films):
        rows.done(index, film)
    Console().print(f"{len(films)} clips in {out}; look at {grid}", soft_wrap=True, highlight=False)


def _texts(
    model: Any,
    out: Path,
    prompt: str,
    n: int,
    steps: int | None,
    seed: int,
    wish: dict[str, Any],
    rows: "Batch",
) -> None:
    from rich.console import Console

    from burnish.verbs.text_files import write_wish

    console = Console()

    def done(index: int, line: str, file: Path) -> None:
        rows.done(index, file)
        console.print(line, soft_wrap=True, markup=False, highlight=False)

    said = write_wish(model, out, prompt, n, steps, seed, **wish, on_line=done)
    for note in said:
        console.print(note, soft_wrap=True, markup=False, highlight=False)
