"""`burnish inspect run` and `burnish inspect export`. Only `export` imports torch, when called."""

from pathlib import Path
from typing import Annotated

import typer


def run(
    bundle: Annotated[Path, typer.Argument(help="Exported inspector: a bundle for the line.")],
    source: Annotated[
        str,
        typer.Argument(
            help="Picture, folder, video file, camera:0, rtsp://... or sim:ring?n=100&defects=0.1&faults=0.02"
        ),
    ],
    json_lines: Annotated[
        Path | None,
        typer.Option(help="File for one JSON object a verdict; written anew, a live camera's is continued."),
    ] = None,
    overlays: Annotated[Path | None, typer.Option(help="Folder for pictures with their heat map.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Frames at most.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Pictures judged at a time, each on one core.")] = 2,
) -> None:
    """Judge what a source gives: pass, reject, or hold what could not be judged."""
    from rich.console import Console

    from burnish.cli.records import ledger
    from burnish.line.runtime import Counts, Runtime
    from burnish.line.sink import JsonLines, Overlays, run_line, stop_on_signals, summary
    from burnish.line.source import open_source
    from burnish.store.recording import recorded

    runtime, frames, counts = Runtime(bundle, threads), open_source(source), Counts()
    sinks = [JsonLines(json_lines, append=frames.live)] if json_lines else []
    sinks += [Overlays(overlays)] if overlays else []
    about = {"medium": "verdicts", "description": source, "model_hash": runtime.model_hash}
    try:
        with recorded(ledger(must=False), "inspect run", **about) as row, stop_on_signals() as stop:
            row.output = json_lines or ""
            run_line(runtime, frames, sinks, limit, stop, Console(stderr=True), counts)
    finally:
        Console().print(summary(counts))


def export(
    bundle: Annotated[Path, typer.Argument(help="Trained inspector.")],
    out: Annotated[Path, typer.Option(help="Folder for the bundle for the line.")],
) -> None:
    """Write an inspector for onnxruntime, only if it answers exactly as the original."""
    from rich.console import Console

    from burnish.export.onnx import export_line
    from burnish.inspect.detector import for_line

    inspector, meta, examples = for_line(bundle)
    written = export_line(inspector, meta, out, examples, meta["threshold"])
    parity = written.meta["parity"]
    Console().print(
        f"{parity['pictures']} answers compared: scores within {parity['score']:.1e}, heat within"
        f" {parity['heat']:.1e}, verdicts equal\nRun it: burnish inspect run {written.path} SOURCE",
        soft_wrap=True,
        markup=False,
    )
