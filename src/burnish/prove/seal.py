"""The seal: n consecutive outputs that nobody could choose, with whatever failed among them.

1. The commitment is written and signed before the first output: what is made, by which model, how many, and
   the hash of a secret nonce. Its checkpoint is given to somebody outside.
2. Whoever doubts answers with a challenge (optional). Seeds follow from nonce, commitment and challenge
   (`verify_seal.seed_of`), so that neither side could choose them: a coin toss by telephone (Blum, 1983).
3. Each number is logged before it is computed and again when it is done or has failed. A killed run goes on
   at the number it had reached; what failed stays failed.
4. The last record reveals the nonce. `verify_seal.py`, which needs no Burnish, lies beside the log.

```
RUN/
  log.jsonl, checkpoint.note     see `log`
  outputs/                       00000.png, 00001.png, ...
  checkpoints/                   signed heads to give away: after the commitment, the end, and verdicts
  verify_seal.py
  nonce                          until the end
```
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from burnish.errors import BurnishError
from burnish.prove import verify_seal
from burnish.prove.exchange import Verdict
from burnish.prove.log import Log, alone, encode
from burnish.prove.makers import Maker
from burnish.prove.verify_seal import LOG, OUTPUTS, seed_of
from burnish.store.bundle import sha256_of
from burnish.store.recording import Recorder, Unrecorded

FORMAT = 1
NONCE, CHECKPOINTS, VERIFIER = "nonce", "checkpoints", "verify_seal.py"
SIGN_EVERY = 16
VERDICT_FACTS = ("reviewer", "verdict", "reasons", "seconds", "look", "epoch")


@dataclass(frozen=True)
class Sealed:
    """A run as it stands.

    Attributes:
        folder: Where it lies.
        model: Hash of the model that makes them.
        n, made, failed: Outputs committed to, made and failed.
        closed: Nothing is left to do.
        checkpoint: The signed head, to be given to somebody outside.
    """

    folder: Path
    model: str
    n: int
    made: int
    failed: int
    closed: bool
    checkpoint: Path

    def __str__(self) -> str:
        give = f"Give {self.checkpoint} to somebody outside; only with it does verify_seal.py say OK."
        if not self.closed:
            return f"{self.folder}: committed to {self.n} outputs, waiting for a challenge.\n{give}"
        return f"{self.folder}: {self.made} of {self.n} made, {self.failed} failed, sealed.\n{give}"


def commit(
    folder: str | Path, key: Ed25519PrivateKey, what: Mapping[str, Any], n: int, asks: bool = False
) -> Log:
    """Writes and signs the commitment, unless the folder holds this one already.

    Args:
        folder: The run.
        key: Signs.
        what: A maker's facts.
        n: Outputs, >= 1.
        asks: Seeds wait for a challenge.

    Raises:
        BurnishError: n is below 1, or the folder was begun with something else.
    """
    folder = Path(folder)
    if n < 1:
        raise BurnishError(f"n = {n}", "a run needs at least one output")
    if n > len(what.get("parts", range(n))):
        raise BurnishError(
            f"n = {n}", f"there are only {len(what['parts'])} parts", "Give more, or ask for less"
        )
    wanted = {"kind": "commitment", "format": FORMAT, "n": n, "challenge": asks, **what}
    if (folder / LOG).exists():
        log = Log(folder, key)
        other = [name for name, value in wanted.items() if log.facts[0].get(name) != value]
        if other:
            raise BurnishError(
                folder,
                f"was begun with another {', '.join(other)}",
                "Go on with the same, or name a new folder",
            )
        return log
    nonce = _nonce(folder)
    digest = hashlib.sha256(nonce).hexdigest()
    (folder / OUTPUTS).mkdir(exist_ok=True)
    shutil.copyfile(verify_seal.__file__, folder / VERIFIER)
    log = Log.begin(folder, key, f"burnish/run/{digest[:16]}", {**wanted, "nonce_sha256": digest})
    publish(log)
    return log


def _nonce(folder: Path) -> bytes:
    """32 secret bytes on disk, made once."""
    file = folder / NONCE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                stream.write(secrets.token_hex(32))
                stream.flush()
                os.fsync(stream.fileno())
        return bytes.fromhex(file.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise BurnishError(file, f"cannot be used ({error})", "Name a new folder") from error


def publish(log: Log) -> Path:
    """Signs the log and keeps the note under its size, to be given away."""
    note = log.sign()
    file = log.folder / CHECKPOINTS / f"{len(log.records):06d}.note"
    try:
        file.parent.mkdir(exist_ok=True)
        file.write_text(note, encoding="utf-8")
    except OSError as error:
        raise BurnishError(file, f"cannot be written ({error.strerror})") from error
    return file


def seal(
    folder: str | Path,
    key: Ed25519PrivateKey,
    maker: Maker,
    n: int,
    *,
    challenge: str | None = None,
    asks: bool = False,
    recorder: Recorder | None = None,
    on_output: Callable[[int, str], None] | None = None,
) -> Sealed:
    """Makes, or goes on making, the outputs that a commitment promises.

    Args:
        folder: The run; a killed one goes on.
        key: Signs; the same throughout.
        maker: Makes one output from a number and a seed.
        n: Outputs, >= 1.
        challenge: Words of whoever doubts, given after they saw the commitment.
        asks: Commit only, and wait for the challenge.
        recorder: Gives each output its row in the ledger.
        on_output: Called with the number and status of each.

    Raises:
        BurnishError: See `commit`; also a challenge that comes too late or differs.
    """
    with alone(folder):
        log = commit(folder, key, maker.facts, n, asks or challenge is not None)
        if _answered(log, challenge) and not log.of("close"):
            _make_all(log, maker, n, recorder or Unrecorded(), on_output)
        return _state(log)


def _answered(log: Log, challenge: str | None) -> bool:
    """Are the seeds settled? Logs a challenge that comes in."""
    given = log.of("challenge")
    if given and challenge is not None and given[0]["text"] != challenge:
        raise BurnishError(log.folder, "was begun with another challenge", "Name a new folder")
    if not given and challenge is not None:
        log.append("challenge", text=challenge)
        publish(log)
    return bool(given) or challenge is not None or not log.facts[0]["challenge"]


def _make_all(
    log: Log, maker: Maker, n: int, recorder: Recorder, on_output: Callable[[int, str], None] | None
) -> None:
    nonce = _nonce(log.folder)
    challenge = "".join(fact["text"] for fact in log.of("challenge"))
    seeds = [seed_of(nonce, log.records[0], challenge, number) for number in range(n)]
    for number in range(len(log.of("output")), n):
        facts = {"number": number, "seed": seeds[number], **maker.about(number, seeds)}
        row = recorder.begin(
            "seal",
            medium=str(maker.facts["medium"]),
            description=str(facts.get("description", "")),
            seed=seeds[number],
            index=0,
            model_hash=str(maker.facts["model"]),
            settings={"run": log.origin, "number": number, **maker.facts["settings"]},
        )
        log.append("begin", **facts, record=row)
        done = _make_one(log.folder / OUTPUTS, maker, number, seeds)
        log.append("output", **facts, **done)
        if done["status"] == "made":
            recorder.finish(row, log.folder / OUTPUTS / done["file"])
        else:
            recorder.fail(row, done["error"])
        if number % SIGN_EVERY == 0:
            log.sign()
        if on_output:
            on_output(number, done["status"])
    log.append("close", nonce=nonce.hex(), outputs=n)
    publish(log)
    (log.folder / NONCE).unlink(missing_ok=True)


def _make_one(folder: Path, maker: Maker, number: int, seeds: Sequence[int]) -> dict[str, Any]:
    """Made or failed: whatever goes wrong is an answer, and keeps its number."""
    try:
        for left in folder.glob(f"{number:05d}.*"):
            left.unlink()  # of an attempt that was killed
        file = maker.make(number, seeds, folder)
        return {"status": "made", "file": file.name, "sha256": sha256_of(file)}
    except Exception as error:
        return {"status": "failed", "error": f"{type(error).__name__}: {error}"[:500]}


def _state(log: Log) -> Sealed:
    outputs = log.of("output")
    made = sum(fact["status"] == "made" for fact in outputs)
    last = max((log.folder / CHECKPOINTS).glob("*.note"))
    return Sealed(
        log.folder,
        log.facts[0]["model"],
        log.facts[0]["n"],
        made,
        len(outputs) - made,
        bool(log.of("close")),
        last,
    )


def add_verdicts(folder: str | Path, key: Ed25519PrivateKey, verdicts: Iterable[Verdict]) -> int:
    """Logs what reviewers said of a run's outputs, found by the sha256 of what they looked at.

    What is logged already or is of other things is left out; a changed verdict is logged beside the old one.

    Args:
        folder: A closed run.
        key: That it was begun with.
        verdicts: In the order in which they were given.

    Returns:
        How many were added.

    Raises:
        BurnishError: The run is not closed, or the log cannot be used.
    """
    with alone(folder):
        log = Log(folder, key)
        if not log.of("close"):
            raise BurnishError(
                folder, "is not finished", "Let it finish first; what is made cannot be chosen"
            )
        numbers = {fact["sha256"]: fact["number"] for fact in log.of("output") if fact["status"] == "made"}
        known = {_told(fact) for fact in log.of("verdict")}
        added = 0
        for verdict in verdicts:
            number = numbers.get(verdict.sha256)
            fact = {
                "number": number,
                "sha256": verdict.sha256,
                "reviewer": verdict.reviewer,
                "verdict": verdict.verdict,
                "reasons": list(verdict.reasons),
                "seconds": verdict.seconds,
                "look": verdict.kind,
                "epoch": verdict.epoch,
            }
            if number is None or _told(fact) in known:
                continue
            known.add(_told(fact))
            log.append("verdict", **fact)
            added += 1
        if added:
            publish(log)
        return added


def _told(fact: Mapping[str, Any]) -> bytes:
    """A verdict's record but for its time."""
    return encode({name: fact[name] for name in ("number", "sha256", *VERDICT_FACTS)})
