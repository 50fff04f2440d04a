"""One output's place in a sealed log, shown without the log: for whoever may see that output alone."""

import base64
import json
from pathlib import Path
from typing import Any

from burnish.errors import BurnishError
from burnish.prove.merkle import consistency_proof, inclusion_proof
from burnish.prove.verify_seal import HEAD, LOG, Broken, leaf_hash, open_checkpoint


def proof_of(folder: str | Path, number: int, since: str | Path | None = None) -> dict[str, Any]:
    """The output's record, its audit path and the signed head.

    Args:
        folder: A sealed run.
        number: Of the output.
        since: An older checkpoint that somebody holds; the proof then shows that the log only grew since.

    Returns:
        Plain values for `verify_seal.py`.

    Raises:
        BurnishError: There is no such output in the signed log, or the checkpoint is not of this log.
    """
    folder = Path(folder)
    try:
        records = (folder / LOG).read_bytes().split(b"\n")[:-1]
        facts = [json.loads(record) for record in records]
        public = base64.b64decode(facts[0]["public_key"])
        note = (folder / HEAD).read_text(encoding="utf-8")
        head = open_checkpoint(note, public)
    except (OSError, ValueError, KeyError, IndexError, Broken) as error:
        raise BurnishError(folder, f"is no sealed run ({error})", "Name the folder of one") from error
    places = [k for k, f in enumerate(facts[: head.size]) if f["kind"] == "output" and f["number"] == number]
    if not places:
        raise BurnishError(
            f"no. {number}", "is not in the signed log", "Let the run finish, or ask for another"
        )
    leaves = [leaf_hash(record) for record in records[: head.size]]
    proof = {
        "record": records[places[0]].decode(),
        "index": places[0],
        "path": [node.hex() for node in inclusion_proof(leaves, places[0])],
        "public_key": facts[0]["public_key"],
        "checkpoint": note,
    }
    if since is not None:
        try:
            old = open_checkpoint(Path(since).read_text(encoding="utf-8"), public)
            path = consistency_proof(leaves, old.size)
        except (OSError, ValueError, Broken) as error:
            raise BurnishError(since, f"is no older checkpoint of it ({error})", "Name another") from error
        proof["since"] = {"size": old.size, "path": [node.hex() for node in path]}
    return proof
