"""The docs name only what is there: commands, options, files and links exist, and the cheap commands run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from burnish.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def blocks(page: Path) -> list[str]:
    """The lines of a page's fenced `sh` blocks, without comments."""
    found = re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [line.partition(" #")[0].strip() for block in found for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def burnish(lines: list[str]) -> list[str]:
    """Those that are commands of ours."""
    return [c.removeprefix(".venv/bin/") for c in lines if re.match(r"(\.venv/bin/)?burnish( |$)", c)]


def resolve(line: str) -> tuple[Any, list[str]]:
    """The command that a line names, and what follows its name."""
    found: Any = typer.main.get_command(app)
    words = shlex.split(line)[1:]
    while hasattr(found, "commands") and words and not words[0].startswith("-"):
        assert words[0] in found.commands, f"there is no `{words[0]}` in: {line}"
        found, words = found.commands[words[0]], words[1:]
    return found, words


WHOLE = [(page, line) for page in PAGES for line in burnish(blocks(page))]
QUOTED = [
    (page, line)
    for page in PAGES
    for line in burnish(re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8")))
]


def names(lines: list[tuple[Path, str]]) -> list[str]:
    return [f"{page.stem}: {line}" for page, line in lines]


def test_the_docs_name_commands():
    assert len(WHOLE) > 15 and len(QUOTED) > 10


@pytest.mark.parametrize(("page", "line"), WHOLE + QUOTED, ids=names(WHOLE + QUOTED))
def test_commands_and_options_exist(page, line):
    found, words = resolve(line)
    known = {o for parameter in found.params for o in (*parameter.opts, *parameter.secondary_opts)}
    for word in words:
        assert not word.startswith("--") or word in known | {"--help"}, f"{word} in {page.name}: {line}"


@pytest.mark.parametrize(("page", "line"), WHOLE, ids=names(WHOLE))
def test_whole_commands_parse(page, line):
    """Nothing is missing or left over, and a number stands where one belongs."""
    found, words = resolve(line)
    assert not hasattr(found, "commands"), f"{line} in {page.name} names no command"
    with found.make_context(found.name, words) as context:
        assert context.params.keys() >= {p.name for p in found.params if p.required}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_make_targets_exist(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"[`\n]make (?:[A-Z]+=\S+ )?([a-z-]+)", text))
    assert named <= targets, named - targets


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert "://" in target or (page.parent / target).exists(), f"{page.name} links to {target}"


def test_files_that_the_architecture_names_exist():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"[\w/]+\.(?:py|html\.j2)\b", text))
    there = {f.relative_to(ROOT / "src" / "burnish").as_posix() for f in (ROOT / "src").rglob("*.*")}
    assert len(named) > 30
    for name in named:
        assert any(path == name or path.endswith(f"/{name}") for path in there), name


@pytest.mark.parametrize("line", ["burnish --help", "burnish data list", "burnish inspect train --help"])
def test_cheap_commands_run(line):
    script = "import sys; from burnish.cli import main; sys.argv[0] = 'burnish'; main()"
    words = shlex.split(line)[1:]
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "burnish" in done.stdout


def test_the_licence_of_every_public_set_is_named():
    from burnish.media.sets import SETS

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for entry in SETS:
        assert entry.name in text
        assert entry.licence in text or entry.licence.split(" (")[0] in text, entry.name
