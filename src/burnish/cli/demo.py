"""`burnish demo`: the main job on the embedded sample line, from pictures to a report."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from burnish.cli.progress import Stages
    from burnish.core.stats import Rate


def demo(
    minutes: Annotated[float, typer.Option(min=0.2, help="Time for training.")] = 4.0,
    out: Annotated[Path, typer.Option(help="Folder for everything made.")] = Path("out/demo"),
    set_name: Annotated[
        str | None, typer.Option("--set", help="A public set instead, such as magnetic_tile.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
) -> None:
    """Train, measure, export and run an inspector, and print what it can do."""
    from rich.console import Console
    from rich.table import Table

    from burnish.cli.progress import Stages
    from burnish.export.onnx import export_line
    from burnish.inspect.detector import for_line
    from burnish.inspect.judge import evaluate_inspector
    from burnish.inspect.learn import Settings
    from burnish.inspect.synthesise import synthesise
    from burnish.inspect.train import train_inspector
    from burnish.line.runtime import Counts, Runtime
    from burnish.line.sink import JsonLines, Overlays, run_line
    from burnish.line.source import open_source

    console = Console()
    with Stages() as stages:
        data = _parts(set_name, out, seed, stages)
        stages.say(f"parts: {data}")
        bundle = train_inspector(data, out / "inspector", Settings(minutes=minutes, seed=seed), stages.report)
        inspector, meta, examples = for_line(bundle.path)
        found = evaluate_inspector(
            inspector,
            meta,
            data,
            json_file=out / "eval.json",
            report=out / "report.html",
            command=f"burnish demo --minutes {minutes:g} --seed {seed}"
            + (f" --set {set_name}" if set_name else ""),
            progress=lambda done, of: stages.report("judging test parts", done / of),
        )
        line = export_line(inspector, meta, out / "line", examples, meta["threshold"])
        shutil.rmtree(out / "synthetic", ignore_errors=True)  # of a demo before
        pairs = synthesise(
            bundle.path,
            48,
            out / "synthetic",
            seed,
            lambda done, of: stages.report("making defects", done / of),
        )
    runtime, counts = Runtime(line.path, 2), Counts()
    source = "sim:ring?n=200&defects=0.1&faults=0.02&seed=" + str(seed + 1)
    frames = open_source(source if set_name is None else data / "images")
    sinks = [JsonLines(out / "line.jsonl"), Overlays(out / "overlays")]
    run_line(runtime, frames, sinks, 200, None, Console(stderr=True), counts)

    table = Table("what", "measured", title="What this inspector can do")
    miss, false = found.miss_rate, found.false_reject_rate
    rows = {
        "bad parts missed": _rate(miss),
        "good parts rejected": _rate(false),
        "ranking of bad above good (AUROC)": _number(found.image_auroc),
        "finding the place (pixel AP)": _number(found.pixel_ap),
        "training": f"{found.train_seconds:.0f} s",
        "synthetic defects made": f"{sum(pairs.values())} (look at {out / 'synthetic' / 'sheet.png'})",
        "at the line, without torch": f"{counts.frames} frames = {counts.passed} pass"
        f" + {counts.rejected} reject + {counts.held} hold; "
        f"{counts.percentile(50):.1f} ms a part, {counts.rate:.0f} a second",
        "money per 1,000 parts": f"{found.money['total']['value']:.2f} EUR, assumptions in the report",
    }
    for what, measured in rows.items():
        table.add_row(what, measured)
    console.print(table)
    console.print(f"report: {out / 'report.html'}", soft_wrap=True, markup=False, highlight=False)


def _parts(set_name: str | None, out: Path, seed: int, stages: "Stages") -> Path:
    """The folder of parts: the sample line, rendered now, or a public set."""
    if set_name is not None:
        from burnish.media.catalogue import dataset_path, get

        return dataset_path(set_name) or get(set_name, out / "data", tell=stages.say)
    from burnish.samples import write_line

    folder = out / "parts"
    if (folder / "split.csv").exists():
        return folder
    return write_line(
        folder, seed=seed, progress=lambda done, of: stages.report("rendering parts", done / of)
    ).parent


def _rate(rate: "Rate") -> str:
    if rate.value is None:
        return "unknown"
    return f"{rate.count} of {rate.of}: {rate.value:.1%} ({rate.low:.1%} to {rate.high:.1%}, 95 % bounds)"


def _number(value: float | None) -> str:
    return "no masks" if value is None else f"{value:.3f}"
