"""`burnish prove baseline`: whatever the bundle is, against the rivals of its task; the figures are kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from burnish.errors import BurnishError
from burnish.prove.baseline import Comparison, advise
from burnish.prove.probe import about_run
from burnish.prove.words import table
from burnish.store.bundle import Bundle, read_bundle
from burnish.store.tables import Figure

Progress = Callable[[int, int], None]
Run = Callable[..., tuple[list[Comparison], dict[str, Any]]]


def task_of(bundle: Bundle) -> str:
    """`inspect`, or `make` and the medium.

    Raises:
        BurnishError: A bundle that has no rivals: for the line, compare the inspector that it was exported
            from.
    """
    if bundle.kind == "inspector":
        return "inspect"
    if bundle.kind == "diffusion":
        return f"make {bundle.meta.get('media', 'image')}"
    raise BurnishError(
        bundle.path, f"is of kind {bundle.kind!r}", "Compare the inspector that it was exported from"
    )


def _inspect() -> Run:
    from burnish.prove.baselines.inspection import compare_inspector

    return compare_inspector


def _pictures() -> Run:
    from burnish.prove.baselines.pictures import compare_pictures

    return compare_pictures


def _refining() -> Run:
    from burnish.prove.baselines.refining import compare_refining

    return compare_refining


def _texts() -> Run:
    from burnish.prove.baselines.text import compare_texts

    return compare_texts


RUNS: dict[str, Callable[[], Run]] = {
    "inspect": _inspect,
    "make image": _pictures,
    "refine image": _refining,
    "make text": _texts,
}


def compare(
    bundle: str | Path, root: str | Path, verb: str = "", **options: Any
) -> tuple[list[Comparison], dict[str, Any]]:
    """A bundle against the rivals of its task.

    Args:
        bundle: An inspector or a diffusion model.
        root: Its data.
        verb: `refine` compares a model of pictures as a refiner; "" takes what the bundle is made for.
        options: See `baselines.inspection.compare_inspector`, `baselines.pictures.compare_pictures`; None is
            left to the default.

    Raises:
        BurnishError: A task without rivals.
    """
    task = task_of(read_bundle(bundle))
    if verb:
        task = f"{verb} {task.partition(' ')[2]}".strip()
    if task not in RUNS:
        raise BurnishError(bundle, f"has no baseline for {task!r}", f"Known: {', '.join(RUNS)}")
    given = {name: value for name, value in options.items() if value is not None}
    return RUNS[task]()(bundle, root, **given)


def comparison_figures(found: list[Comparison], facts: dict[str, Any], command: str) -> list[Figure]:
    """Comparisons as figures of the model that was compared."""
    about = about_run(facts, command)
    return [one.figure(**about) for one in found]


def comparison_text(found: list[Comparison]) -> str:
    """The advice, and a line for each rival."""
    rows = [
        (
            c.rival,
            f"{c.theirs:.4g}",
            f"{c.ours:.4g}",
            f"{c.difference.value:+.4g} ({c.difference.low:+.4g} to {c.difference.high:+.4g})",
            c.advice,
            c.how,
        )
        for c in found
    ]
    head = ("baseline", found[0].metric, "model", "in favour of diffusion", "diffusion", "what it does")
    return "\n".join([advise(found)[1], "", *table(head, rows, (1, 2))])
