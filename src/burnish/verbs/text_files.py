"""Made lines in files: the lines by themselves, and the same with how each came about."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from burnish.errors import BurnishError
from burnish.verbs.repair import repair as mend
from burnish.verbs.text_model import TextModel
from burnish.verbs.texts import STEPS, Settings, make
from burnish.verbs.texts import infill as fill_in
from burnish.verbs.texts import rewrite as say_otherwise

LINES, RECORDS = "lines.txt", "lines.jsonl"


def write_lines(
    model: TextModel,
    out: str | Path,
    lines: Iterable[str],
    about: dict[str, Any],
    on_line: Callable[[int, str, Path], None] | None = None,
) -> list[str]:
    """Writes lines as they come: `lines.txt`, and `lines.jsonl` with the text, its index and `about` of each.

    Args:
        model: That made them; its hash is noted.
        out: The folder; earlier files of these names in it are replaced.
        lines: Made one by one; what was made before an interruption is kept.
        about: The verb, seed, steps and what else decides the outcome.
        on_line: Called with the index, the line and the file of each.

    Returns:
        The lines.

    Raises:
        BurnishError: The folder cannot be written; what `lines` raises.
    """
    out, made = Path(out), []
    try:
        out.mkdir(parents=True, exist_ok=True)
        with (
            (out / LINES).open("w", encoding="utf-8") as plain,
            (out / RECORDS).open("w", encoding="utf-8") as full,
        ):
            for index, line in enumerate(lines):
                shown = " ".join(line.splitlines())
                plain.write(shown + "\n")
                record = {"text": line, "index": index, **about, "model": model.bundle.hash}
                full.write(json.dumps(record, ensure_ascii=False) + "\n")
                plain.flush()
                full.flush()
                made.append(shown)
                if on_line:
                    on_line(index, shown, out / LINES)
    except OSError as error:
        raise BurnishError(out, f"cannot be written ({error.strerror})", "Choose another --out") from error
    return made


def write_wish(
    model: TextModel,
    out: str | Path,
    prompt: str = "",
    n: int = 16,
    steps: int | None = None,
    seed: int = 0,
    infill: str | None = None,
    repair: str | None = None,
    rewrite: str | None = None,
    strength: float = 0.4,
    on_line: Callable[[int, str, Path], None] | None = None,
) -> list[str]:
    """Makes, fills, repairs or rewrites, and writes the lines.

    Args:
        model, out, on_line: See `write_lines`.
        prompt: See `verbs.texts.make`.
        n: How many lines; a repair is one.
        steps: Of each walk; None takes what suits text.
        seed: Line k depends on (seed, k) alone.
        infill, repair, rewrite, strength: At most one of the first three; see `verbs.texts` and
            `verbs.repair`.

    Returns:
        What is to be said of it, line by line.

    Raises:
        BurnishError: More than one wish, or one that cannot be.
    """
    wishes = {"infill": infill, "repair": repair, "rewrite": rewrite}
    asked = {name: text for name, text in wishes.items() if text is not None}
    if len(asked) > 1 or (asked and prompt):
        raise BurnishError(
            " and ".join([*asked, *(["a description"] if prompt else [])]), "are two wishes", "Ask for one"
        )
    settings = Settings(steps or STEPS, seed=seed)
    verb, text = next(iter(asked.items()), ("make", prompt))
    about: dict[str, Any] = {"verb": verb, "asked": text, "seed": seed, "steps": settings.steps}
    notes: list[str] = []
    if verb == "repair":
        done = mend(model, text, settings=settings)
        about |= {"bits_before": done.bits_before, "bits_after": done.bits_after, "changes": done.changes}
        lines: Iterable[str] = [done.after]
        told = (
            ", ".join(f"{old} -> {new}" for old, new in done.changes) or "nothing that fits better was found"
        )
        notes.append(f"{told}; {done.bits_before:.1f} bits before, {done.bits_after:.1f} after")
    elif verb == "rewrite":
        lines = say_otherwise(model, text, strength, n, settings)
        about["strength"] = strength
    else:
        lines = fill_in(model, text, n, settings) if verb == "infill" else make(model, text, n, settings)
    made = write_lines(model, out, lines, about, on_line)
    return [*notes, f"{len(made)} lines in {Path(out) / LINES}; how each came about in {RECORDS}"]
