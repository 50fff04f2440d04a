"""What a sealed run makes: one output from a number and the seeds, by the ordinary verbs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from burnish.errors import BurnishError
from burnish.store.bundle import Bundle, read_bundle, sha256_of


class Maker(Protocol):
    """Makes the outputs of a sealed run.

    Attributes:
        facts: For the commitment: `medium`, `model` (the bundle's hash), `settings`, ...
    """

    facts: dict[str, Any]

    def about(self, number: int, seeds: Sequence[int]) -> Mapping[str, Any]:
        """What is said of an output before it is made, such as its description."""
        ...

    def make(self, number: int, seeds: Sequence[int], folder: Path) -> Path:
        """Makes output `number`; its file's stem is the number in five digits.

        Raises:
            Exception: Whatever goes wrong; it is logged, and the number is kept.
        """
        ...


class Generated:
    """What a generator makes, by its medium's `make`, strictly: number k is the first of seed k, and can be
    made again to the byte on one kind of machine.

    Args:
        path: A bundle of kind `diffusion`; or the name of one that comes with Burnish.
        descriptions: Taken in turn.
        steps: Of each.
        guidance: 1 is none; text has none.
    """

    def __init__(
        self, path: str | Path, descriptions: Sequence[str] = ("",), steps: int = 8, guidance: float = 1.0
    ) -> None:
        from burnish.verbs.load import load, media_of

        self.model = load(path)
        self.medium = media_of(self.model.bundle)
        self.descriptions, self.steps, self.guidance = tuple(descriptions) or ("",), steps, guidance
        if self.medium == "text" and guidance != 1:
            raise BurnishError(f"guidance {guidance:g}", "is not for text", "Leave it out")
        for description in self.descriptions:
            if self.medium != "text":
                self.model.condition(description)
        self.facts = {
            **_of(self.model.bundle, self.medium),
            "settings": {"descriptions": list(self.descriptions), "steps": steps, "guidance": guidance},
        }

    def about(self, number: int, seeds: Sequence[int]) -> dict[str, Any]:
        """Its description."""
        return {"description": self.descriptions[number % len(self.descriptions)]}

    def make(self, number: int, seeds: Sequence[int], folder: Path) -> Path:
        """A PNG with its origin inside, a GIF or a text."""
        write = {"image": self._picture, "clip": self._clip, "text": self._text}[self.medium]
        return write(folder / f"{number:05d}", self.about(number, seeds)["description"], seeds[number])

    def _picture(self, stem: Path, description: str, seed: int) -> Path:
        from burnish.media.image import write_png
        from burnish.verbs.make import make, parameters

        image = next(iter(make(self.model, description, 1, self.steps, self.guidance, seed, strict=True)))
        origin = parameters(self.model, description, self.steps, self.guidance, seed, 0)
        write_png(file := stem.with_suffix(".png"), image, {"parameters": origin})
        return file

    def _clip(self, stem: Path, description: str, seed: int) -> Path:
        from burnish.media.film import write_film
        from burnish.verbs.clips import make
        from burnish.verbs.strict import strictly

        with strictly():
            frames = next(iter(make(self.model, description, 1, self.steps, self.guidance, seed)))
        return write_film(stem.with_suffix(".gif"), list(frames))

    def _text(self, stem: Path, description: str, seed: int) -> Path:
        from burnish.verbs.strict import strictly
        from burnish.verbs.texts import Settings, make

        with strictly():
            line = next(iter(make(self.model, description, 1, Settings(self.steps, seed=seed))))
        file = stem.with_suffix(".txt")
        file.write_text(line, encoding="utf-8")
        return file


class Verdicts:
    """Verdicts of an inspector on parts that the seeds draw, without replacement, from a folder.

    Number k takes place `seed k mod (parts left)` of the parts left, in order of their names.

    Args:
        path: A bundle of kind `line`.
        parts: Folder of pictures.
    """

    def __init__(self, path: str | Path, parts: str | Path) -> None:
        from burnish.line.runtime import Runtime
        from burnish.line.source import pictures_below

        bundle = read_bundle(path, kind="line")
        self.runtime, self.folder = Runtime(path, 1), Path(parts)
        files = pictures_below(self.folder)
        self.parts = {f.relative_to(self.folder).as_posix(): sha256_of(f) for f in files}
        self.facts = {
            **_of(bundle, "verdicts"),
            "settings": {"threshold": bundle.meta["threshold"]},
            "parts": self.parts,
        }

    def about(self, number: int, seeds: Sequence[int]) -> dict[str, Any]:
        """Which part it is about."""
        from burnish.prove.verify_seal import drawn

        part = drawn(sorted(self.parts), seeds[: number + 1])
        return {"part": part, "part_sha256": self.parts[part]}

    def make(self, number: int, seeds: Sequence[int], folder: Path) -> Path:
        """A verdict as JSON, without the milliseconds, which no seed decides."""
        from burnish.line.source import open_source

        about = self.about(number, seeds)
        source = self.folder / about["part"]
        if sha256_of(source) != about["part_sha256"]:
            raise BurnishError(source, "was changed since the commitment")
        verdict = self.runtime.judge(next(iter(open_source(str(source)))))
        said = {
            "part": about["part"],
            "verdict": verdict.verdict,
            "score": verdict.score,
            "p": verdict.p_value,
        }
        file = folder / f"{number:05d}.json"
        file.write_text(json.dumps(said, indent=1), encoding="utf-8")
        return file


def maker_of(
    path: str | Path,
    descriptions: Sequence[str] = (),
    steps: int = 8,
    guidance: float = 1.0,
    parts: str | Path | None = None,
) -> Maker:
    """The maker that suits a bundle.

    Raises:
        BurnishError: An inspector without parts or one not exported for the line, or parts for a generator.
    """

    kind = read_bundle(path).kind
    if kind == "inspector":
        raise BurnishError(
            path, "is an inspector in training form", "Seal what `burnish inspect export` writes"
        )
    if kind == "line":
        if parts is None:
            raise BurnishError(path, "is an inspector and needs parts to judge", "Give --parts FOLDER")
        return Verdicts(path, parts)
    if parts is not None:
        raise BurnishError(path, "makes things and judges no parts", "Leave --parts out")
    return Generated(path, descriptions, steps, guidance)


def _of(bundle: Bundle, medium: str) -> dict[str, Any]:
    return {"medium": medium, "model": bundle.hash, "model_files": dict(bundle.meta["files"])}
