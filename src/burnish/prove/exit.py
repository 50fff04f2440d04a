"""The exit: everything in open forms, rehearsed in an environment without Burnish before it is called done.

```
FOLDER/
  models/NAME/     bundle/ (safetensors, JSON), ONNX, regenerate.py or rejudge.py, expected/
  tables/          every table as Parquet and CSV; verdicts.coco.json
  manifest.json    sha256 of every file, rows of every table, content hash
  check.py         checks all of it by itself
```
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from burnish.errors import BurnishError
from burnish.prove import check_exit
from burnish.prove.exit_models import BUNDLE, copy_bundle, export_model
from burnish.prove.kinds import refuse_unknown
from burnish.prove.open_tables import content_hash, insert_rows, read_rows, read_tables, write_tables
from burnish.prove.review_files import all_verdicts, write_verdicts
from burnish.store.bundle import DESCRIPTION, read_bundle, sha256_of
from burnish.store.tables import Model
from burnish.store.workspace import Workspace, open_workspace

FORMAT = 1
MANIFEST, CHECK = "manifest.json", "check.py"
BLOCKED = ("burnish", "torch", "safetensors", "scipy", "cv2", "transformers", "sqlalchemy", "pyarrow")

# Runs a script in a process that cannot import what an outsider does not have.
STARTER = """
import runpy, sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"{{name}} is not there", name=name)
sys.meta_path.insert(0, Blocker())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True)
class Left:
    """What was exported.

    Attributes:
        folder: Where it lies.
        models: Name to what `export_model` answered.
        tables: Name to rows.
        content: The content hash.
        rehearsal: What the scripts printed in an environment without Burnish.
    """

    folder: Path
    models: dict[str, dict[str, Any]]
    tables: dict[str, int]
    content: str
    rehearsal: list[str]

    def __str__(self) -> str:
        bare = [name for name, model in self.models.items() if not model["onnx"]]
        lines = [
            f"{len(self.models)} models and {sum(self.tables.values())} rows of {len(self.tables)} tables"
        ]
        lines += [f"{name}: weights only, its medium has no ONNX form yet" for name in bare]
        lines += ["rehearsed without Burnish:", *(f"  {line}" for line in self.rehearsal)]
        lines += [f"no pickle in any file; content hash {self.content}", f"{self.folder}: python {CHECK}"]
        return "\n".join(lines)


def leave(
    bundles: Sequence[str | Path],
    out: str | Path,
    workspace: Workspace | None = None,
    descriptions: Sequence[str] = (),
) -> Left:
    """Exports models and tables, and rehearses the exit.

    Args:
        bundles: Models; none takes all that the workspace knows and that are still there.
        out: A folder that does not exist yet, or is empty.
        workspace: Of the tables; the one that applies here when None.
        descriptions: Of the pictures that the scripts must make again.

    Raises:
        BurnishError: There is something at `out`, a model cannot be exported, or the rehearsal fails; nothing
            is left at `out` then.
    """
    out, workspace = Path(out), workspace or open_workspace()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BurnishError(out, "is not empty", "Name a new folder")
    rows = read_rows(workspace.engine)
    paths = [Path(path) for path in bundles] or _known(workspace)
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        models = {}
        for path in paths:
            name = _free(path.resolve().name, models)
            (fresh / "models" / name).mkdir(parents=True)
            models[name] = export_model(path, fresh / "models" / name, descriptions)
        counts = write_tables(fresh / "tables", rows)
        write_verdicts(fresh / "tables" / "verdicts.coco.json", all_verdicts(workspace), "coco")
        content = hash_of({name: model["hash"] for name, model in models.items()}, content_hash(rows))
        shutil.copyfile(check_exit.__file__, fresh / CHECK)
        (fresh / "README.md").write_text(_readme(models), encoding="utf-8")
        _write_manifest(fresh, models, counts, content)
        refuse_unknown(fresh)
        said = rehearse(fresh)
        fresh.chmod(0o755)
        out.rmdir() if out.exists() else None
        fresh.replace(out)
    except OSError as error:
        raise BurnishError(out, f"cannot be written ({error.strerror})", "Choose another folder") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Left(out, models, counts, content, said)


def hash_of(models: dict[str, str], tables: str) -> str:
    """The content hash: sha256 over the models' hashes by name and the tables' hash, in hex."""
    return hashlib.sha256(json.dumps([sorted(models.items()), tables]).encode()).hexdigest()


def rehearse(folder: str | Path) -> list[str]:
    """Runs `check.py` where Burnish, torch and the other libraries of the house cannot be imported.

    Raises:
        BurnishError: It does not hold there.
    """
    folder = Path(folder).resolve()
    with tempfile.TemporaryDirectory() as elsewhere:
        site = Path(elsewhere) / "start.py"
        site.write_text(STARTER.format(blocked=set(BLOCKED)), encoding="utf-8")
        command = [sys.executable, "-I", str(site), str(folder / CHECK)]
        done = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stdout + done.stderr).strip().splitlines()[-8:]
        raise BurnishError(folder, "does not hold without Burnish: " + " / ".join(reason))
    return done.stdout.splitlines()


def enter(folder: str | Path, out: str | Path) -> str:
    """Brings an exit back: bundles to OUT/models, tables into a new workspace OUT/workspace.

    Args:
        folder: What `leave` wrote.
        out: A folder that is not there yet.

    Returns:
        The content hash of what was brought back; equals the exit's.

    Raises:
        BurnishError: It is damaged, or its content is not what its manifest says.
    """
    folder, out = Path(folder), Path(out)
    if out.exists() and any(out.iterdir()):
        raise BurnishError(out, "is not empty", "Name a new folder")
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        wrong = check_exit.problems(folder)
    except (OSError, ValueError, KeyError) as error:
        raise BurnishError(
            folder, f"is no exit ({error})", "Name a folder of `burnish prove exit`"
        ) from error
    if wrong:
        raise BurnishError(folder, "; ".join(wrong[:5]), "Restore it from a copy")
    hashes = {}
    for name in manifest["models"]:
        copy_bundle(read_bundle(folder / "models" / name / BUNDLE), out / "models" / name)
        hashes[name] = read_bundle(out / "models" / name).hash
    workspace = open_workspace(out / "workspace")
    insert_rows(workspace.engine, read_tables(folder / "tables"))
    content = hash_of(hashes, content_hash(read_rows(workspace.engine)))
    if content != manifest["content"]:
        raise BurnishError(folder, f"came back with content hash {content}, not {manifest['content']}")
    return content


def _known(workspace: Workspace) -> list[Path]:
    with workspace.session() as session:
        paths = [Path(path) for path in session.scalars(select(Model.path).order_by(Model.at))]
    return [path for path in paths if (path / DESCRIPTION).exists()]


def _free(name: str, taken: dict[str, Any]) -> str:
    return (
        name if name not in taken else next(n for k in range(2, 10**6) if (n := f"{name}-{k}") not in taken)
    )


def _write_manifest(folder: Path, models: dict[str, Any], tables: dict[str, int], content: str) -> None:
    files = {
        file.relative_to(folder).as_posix(): sha256_of(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
    full = {"format": FORMAT, "content": content, "models": models, "tables": tables, "files": files}
    (folder / MANIFEST).write_text(json.dumps(full, indent=1) + "\n", encoding="utf-8")


def _readme(models: dict[str, Any]) -> str:
    lines = [
        f"- `models/{name}`: {m['kind']}, {', '.join(m['onnx']) or 'weights only'}"
        for name, m in models.items()
    ]
    return "\n".join(
        [
            "# Everything, without Burnish",
            "",
            *lines,
            "- `tables`: every table as Parquet and CSV, verdicts as COCO.",
            "",
            "`pip install numpy onnxruntime pillow`, then `python check.py` checks every file, counts the",
            "rows of tables and makes the expected pictures again.",
            "`python models/NAME/regenerate.py --seed 7 --out new.png` makes new pictures,",
            "`python models/NAME/rejudge.py PICTURE` judges one.",
            "Weights are safetensors; `bundle/bundle.json` describes them.",
            "",
        ]
    )
