"""A card as Markdown, HTML and JSON."""

import json
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from burnish.errors import BurnishError
from burnish.prove.card import Card


def as_markdown(card: Card) -> str:
    """The card as Markdown; its first line is the advice."""
    lines = [f"**{card.first_line}**", "", f"# {card.title}", ""]
    lines += [f"Model {card.model_hash}, {card.day}. Owner: {card.owner}.", ""]
    for section in card.sections:
        lines += [f"## {section.title}", ""]
        lines += [*_table(section.head, section.rows), ""]
        lines += [section.note, ""] if section.note else []
    if card.refused:
        lines += ["## Not printed, for no run stands behind it", ""]
        lines += [
            *_table(("row", "why", "to get it"), [(r.row, r.why, f"`{r.cure}`") for r in card.refused]),
            "",
        ]
    if card.overdue:
        lines += [f"**Overdue: {', '.join(card.overdue)}.**", ""]
    return "\n".join(lines)


def as_html(card: Card) -> str:
    """The card as one page that needs neither network nor JavaScript."""
    pages = Environment(
        loader=PackageLoader("burnish.prove", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    return pages.get_template("card.html.j2").render(card=card)


def write_card(folder: str | Path, card: Card) -> list[Path]:
    """Writes `card.md`, `card.html` and `card.json`.

    Raises:
        BurnishError: The place cannot be written.
    """
    folder = Path(folder)
    texts = {
        "card.md": as_markdown(card),
        "card.html": as_html(card),
        "card.json": json.dumps(card.to_json(), indent=1, ensure_ascii=False) + "\n",
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise BurnishError(folder, f"cannot be written ({error.strerror})", "Name another place") from error
    return [folder / name for name in texts]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "| --- " * len(head) + "|"]
    return lines + ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
