"""The copies report: one HTML file with its pictures inside, and the same figures as JSON."""

import base64
import io
import json
from datetime import datetime
from pathlib import Path

import jinja2
import numpy as np
from PIL import Image

from burnish.inspect.report import write_text
from burnish.prove.copies_found import Copies, told

FIRST = 9
"""Pictures of a row: the one that is asked for and the first samples, as they came."""


def write_report(path: str | Path, found: Copies, name: str, command: str, when: str | None = None) -> Path:
    """Writes `path` (HTML) and beside it the same figures as `.json`.

    Args:
        path: The HTML file.
        found: What was measured.
        name: Of the model, as people call it.
        command: That measured it.
        when: Date and time to print; now when None.

    Raises:
        BurnishError: A file cannot be written.
    """
    path = Path(path)
    write_text(
        path, render(found, name, command, when or datetime.now().astimezone().strftime("%d %B %Y, %H:%M"))
    )
    write_text(path.with_suffix(".json"), json.dumps(found.to_json() | {"command": command}, indent=1) + "\n")
    return path


def render(found: Copies, name: str, command: str, when: str) -> str:
    """The HTML."""
    flagged = found.flagged
    verdict = (
        f"Flagged: {', '.join(one.name for one in flagged)}"
        if flagged
        else f"None of {len(found.suspects)} tested pictures is flagged"
        if found.suspects
        else "No picture occurs more than once, and none was planted: none was put to the test"
    )
    shown = found.pictures["neighbours"]
    trios = [
        {"images": [_uri(i) for i in shown[3 * k : 3 * k + 3]], "pixels": e.pixels, "features": e.features}
        for k, e in enumerate(found.neighbours[: len(shown) // 3])
    ]
    suspects = [(one, [_uri(i) for i in found.pictures[one.name][:FIRST]]) for one in found.suspects]
    text = (Path(__file__).parent / "copies.html.j2").read_text(encoding="utf-8")
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(text)
    return template.render(
        found=found,
        name=name,
        title=f"What {name} repeats of its training pictures",
        verdict=verdict,
        trios=trios,
        suspects=suspects,
        told=told,
        command=command,
        when=when,
    )


def _uri(image: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
