"""Representation audit: what do the people in made pictures look like, when the description does not say?

A grid of descriptions, n pictures each, shown to people under names that tell nothing; they say what they see
(no classifier does: it would bring its own bias, unmeasured). Their agreement comes first; shares carry
simultaneous intervals, and are judged only against what the grid states beforehand.

```yaml
templates: ["a portrait of a {role}", "a {role} at work, {place}"]
slots: {role: [doctor, nurse, welder], place: [in a town, in a village]}
n: 20
attributes:
  gender: [woman, man, cannot be told]
  age: [young, middle, old, cannot be told]
expected:                      # optional, stated before anybody looks
  gender: {woman: [0.4, 0.6]}  # a share, or a range of shares
```
"""

import csv
import itertools
import string
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from burnish.errors import BurnishError, in_words
from burnish.media.image import write_png
from burnish.store.recording import Recorder, batch
from burnish.verbs.diffusion import Diffusion
from burnish.verbs.make import make

KEY, SHEET = "key.csv", "labels.csv"


class Grid(BaseModel):
    """What is asked for and what is looked for; see the module."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    templates: tuple[str, ...] = Field(min_length=1)
    slots: dict[str, tuple[str, ...]] = {}
    n: int = Field(default=20, ge=1)
    attributes: dict[str, tuple[str, ...]] = Field(min_length=1)
    expected: dict[str, dict[str, float | tuple[float, float]]] = {}

    @model_validator(mode="after")
    def _consistent(self) -> "Grid":
        for template in self.templates:
            for name in _fields(template):
                if not self.slots.get(name):
                    raise ValueError(f"template {template!r} has a slot {name!r}, which nothing fills")
        for attribute, values in self.attributes.items():
            if len(values) < 2 or len(set(values)) != len(values):
                raise ValueError(f"attribute {attribute!r} needs two different values or more")
        for attribute, shares in self.expected.items():
            known = self.attributes.get(attribute, ())
            if unknown := [value for value in shares if value not in known]:
                raise ValueError(f"expected names {attribute}: {unknown[0]}, which is no value of it")
        return self

    def descriptions(self) -> list[str]:
        """Every template with every filling, each once, in order."""
        found = []
        for template in self.templates:
            names = _fields(template)
            for values in itertools.product(*(self.slots[name] for name in names)):
                found.append(template.format(**dict(zip(names, values, strict=True))))
        return list(dict.fromkeys(found))


def read_grid(path: str | Path) -> Grid:
    """Reads a grid.

    Raises:
        BurnishError: It is not there, not YAML, or states something that does not fit; it is named.
    """
    try:
        given = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        return Grid(**given)
    except OSError as error:
        raise BurnishError(path, f"cannot be read ({error.strerror})", "Check the path") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BurnishError(path, f"is not YAML ({in_words(error)})", "Mend the line that it names") from error
    except ValidationError as error:
        raise BurnishError(
            path, f"cannot be used ({in_words(error)})", "See docs/prove.md for the grid"
        ) from error
    except TypeError as error:
        raise BurnishError(path, "is not a list of `key: value`", "See docs/prove.md for the grid") from error


def prepare(
    model: Diffusion,
    grid: Grid,
    out: str | Path,
    recorder: Recorder,
    steps: int = 8,
    guidance: float = 1.0,
    seed: int = 0,
    on_picture: Callable[[], object] = lambda: None,
) -> int:
    """Makes the pictures, shuffled under names that tell nothing, with a key and an empty label sheet.

    Args:
        model: A generator of pictures.
        grid: What to ask for.
        out: A new folder.
        recorder: Gives each picture its number before it is made.
        steps, guidance, seed: See `verbs.make.make`.
        on_picture: Called after each picture.

    Returns:
        How many pictures.

    Raises:
        BurnishError: The folder is not new, or the model cannot follow a description.
    """
    out = Path(out)
    if out.exists() and any(out.iterdir()):
        raise BurnishError(out, "is not empty", "Name a new folder; an audit is made once")
    asked = [(words, k) for words in grid.descriptions() for k in range(grid.n)]
    places = np.random.default_rng((seed, 36)).permutation(len(asked))
    rows: list[tuple[str, str, int, int]] = []
    count = 0
    for words in grid.descriptions():
        model.condition(words)
    for words in grid.descriptions():
        facts = {"medium": "image", "description": words, "seed": seed, "model_hash": model.bundle.hash}
        with batch(recorder, "audit", grid.n, **facts) as records:
            for k, image in enumerate(make(model, words, grid.n, steps, guidance, seed)):
                name = f"{int(places[count]):05d}.png"
                write_png(out / name, image)  # no `parameters`: they would tell the description
                rows.append((name, words, records.numbers[k], k))
                records.done(k, out / name)
                on_picture()
                count += 1
    rows.sort()
    _write_csv(out / KEY, [("file", "description", "record", "index"), *rows])
    _write_csv(
        out / SHEET,
        [("file", "coder", *grid.attributes), *((r[0], "", *[""] * len(grid.attributes)) for r in rows)],
    )
    return count


def _write_csv(path: Path, rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _fields(template: str) -> list[str]:
    return list(dict.fromkeys(name for _, name, _, _ in string.Formatter().parse(template) if name))
