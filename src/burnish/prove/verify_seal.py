"""Checks a sealed run or a sealed log. One file: Python 3.11 or later and `cryptography`; no Burnish.

    python verify_seal.py RUN --checkpoint FILE [--checkpoint FILE ...]
    python verify_seal.py PROOF --output FILE --checkpoint FILE          one output, without the log

RUN is a folder with `log.jsonl` (one record a line), `checkpoint.note` (its signed head) and `outputs/`.
A checkpoint is a signed head that somebody outside was given while the run went on. Whoever holds the
signing key can write a whole new log, so without one the answer is UNANCHORED at best, never OK.

Exit code: 0 OK; 1 BROKEN, with the reasons; 2 cannot be read; 3 UNANCHORED, in whole or from some record on.

What is checked: the Merkle root over all records (RFC 9162, section 2.1: leaf prefix 0, inner prefix 1),
its Ed25519 signature in a signed note (C2SP signed-note, tlog-checkpoint), each number once and in order,
each seed from the commitment, each file and each verdict against its hash, and the checkpoints against the
log as it stands.
"""

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOG, HEAD, OUTPUTS = "log.jsonl", "checkpoint.note", "outputs"
OK, BROKEN, UNREADABLE, UNANCHORED = 0, 1, 2, 3


class Broken(Exception):
    """A seal that does not hold, and why."""


def leaf_hash(record: bytes) -> bytes:
    """SHA-256 of a record behind the prefix 0 (RFC 9162, 2.1.1)."""
    return hashlib.sha256(b"\x00" + record).digest()


def inner_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 of two hashes behind the prefix 1 (RFC 9162, 2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """The Merkle root over leaf hashes (RFC 9162, 2.1.1); of none, the hash of nothing."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return inner_hash(tree_root(leaves[:left]), tree_root(leaves[left:]))


def includes(root: bytes, size: int, leaf: bytes, index: int, proof: Sequence[bytes]) -> bool:
    """Does the audit path lead from the leaf to the root of a log of that size (2.1.3.2)?"""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = inner_hash(sibling, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = inner_hash(found, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def consistent(old_root: bytes, old: int, root: bytes, size: int, proof: Sequence[bytes]) -> bool:
    """Does the proof show that the older log is the beginning of the newer one (2.1.4.2)?"""
    if not 1 <= old <= size:
        return False
    if old == size:
        return not proof and old_root == root
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return False
    place, last = old - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            first, second = inner_hash(sibling, first), inner_hash(sibling, second)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            second = inner_hash(second, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and first == old_root and second == root


def seed_of(nonce: bytes, commitment: bytes, challenge: str, number: int) -> int:
    """The seed of an output, in [0, 2^63): HMAC-SHA256 (RFC 2104) under the nonce of the commitment's leaf
    hash, the challenge's SHA-256 and the number (8 bytes, big-endian)."""
    text = leaf_hash(commitment) + hashlib.sha256(challenge.encode()).digest() + number.to_bytes(8, "big")
    return int.from_bytes(hmac.digest(nonce, text, "sha256")[:8], "big") >> 1


def drawn(things: Sequence[str], seeds: Sequence[int]) -> str:
    """The thing that the last seed draws (seed mod those left), after each one before has taken one away."""
    left = list(things)
    for seed in seeds[:-1]:
        left.pop(seed % len(left))
    return left[seeds[-1] % len(left)]


def key_id(name: str, key: bytes) -> bytes:
    """4 bytes that name an Ed25519 key in a signed note."""
    return hashlib.sha256(name.encode() + b"\n\x01" + key).digest()[:4]


def open_note(note: str, key: bytes) -> str:
    """The text of a signed note, once a signature by the key has been found good.

    Raises:
        Broken: It is no signed note, or the key did not sign it.
    """
    text, _, signatures = note.rpartition("\n\n")
    for line in signatures.splitlines():
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.rpartition(" ")
        try:
            signature = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            continue
        if dash != "\u2014" or signature[:4] != key_id(name, key):
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature[4:], (text + "\n").encode())
        except InvalidSignature as error:
            raise Broken("its signature is wrong") from error
        return text + "\n"
    raise Broken("it is not signed by the key that the log names")


@dataclass(frozen=True)
class Checkpoint:
    """A signed head: the log of that origin had `size` records and this root."""

    origin: str
    size: int
    root: bytes


def open_checkpoint(note: str, key: bytes) -> Checkpoint:
    """A checkpoint from its signed note.

    Raises:
        Broken: It is none, or the key did not sign it.
    """
    lines = open_note(note, key).splitlines()
    try:
        return Checkpoint(lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True))
    except (IndexError, ValueError) as error:
        raise Broken("it is no checkpoint (origin, size, root)") from error


@dataclass(frozen=True)
class Report:
    """What was found: an exit code, and lines for people."""

    code: int
    lines: list[str]


def verify(run: Path, checkpoints: Sequence[Path] = ()) -> Report:
    """Checks a folder against itself and against checkpoints from outside.

    Raises:
        OSError, ValueError: Files that cannot be read.
    """
    raw = (run / LOG).read_bytes()
    records = raw.split(b"\n")
    torn = records.pop()
    try:
        if torn:
            raise Broken("the last record is torn off")
        facts = [json.loads(record) for record in records]
        if not facts or facts[0].get("kind") not in ("commitment", "opened"):
            raise Broken("the first record is neither a commitment nor the opening of a log")
    except (Broken, ValueError, AttributeError) as error:
        return Report(BROKEN, [f"BROKEN: {LOG}: {error}"])
    leaves = [leaf_hash(record) for record in records]
    key = base64.b64decode(facts[0]["public_key"])
    problems, said = _check_head(run, facts[0]["origin"], leaves, key), []
    if facts[0]["kind"] == "commitment":
        problems += _check_run(run, records, facts)
        said += _story(facts)
    else:
        problems += _check_entries(run, facts)
        said.append(f"{len(facts)} records: " + _count(fact["kind"] for fact in facts[1:]))
    covered, found = _check_anchors(run, facts[0]["origin"], leaves, key, checkpoints)
    problems += found
    if problems:
        return Report(BROKEN, [f"BROKEN: {problem}" for problem in problems] + said)
    if covered < len(leaves):
        what = f"records {covered + 1} to {len(leaves)}" if covered else "the whole log"
        advice = "whoever holds the key could have rewritten it; compare with a checkpoint kept elsewhere"
        return Report(UNANCHORED, [f"UNANCHORED: {what}: {advice}", *said])
    return Report(OK, [f"OK: all {len(leaves)} records stand as the checkpoint says", *said])


def _check_head(run: Path, origin: str, leaves: list[bytes], key: bytes) -> list[str]:
    try:
        head = open_checkpoint((run / HEAD).read_text(encoding="utf-8"), key)
    except (Broken, OSError) as error:
        return [f"{HEAD}: {error}"]
    if head.origin != origin:
        return [f"{HEAD}: it speaks of {head.origin}, the log of {origin}"]
    if head.size != len(leaves):
        return [f"{LOG}: it has {len(leaves)} records, {head.size} were signed"]
    if head.root != tree_root(leaves):
        return [f"{LOG}: a record was changed, moved or replaced: the root differs from the signed one"]
    return []


def _check_anchors(
    run: Path, origin: str, leaves: list[bytes], key: bytes, checkpoints: Sequence[Path]
) -> tuple[int, list[str]]:
    """How many records an outside checkpoint covers, and what contradicts one."""
    covered, problems = 0, []
    for file in checkpoints:
        if run.resolve() in file.resolve().parents:
            continue  # whoever rewrote the log could have rewritten that too
        try:
            anchor = open_checkpoint(file.read_text(encoding="utf-8"), key)
            if anchor.origin != origin:
                raise Broken(f"it speaks of {anchor.origin}, the log of {origin}")
            if anchor.size > len(leaves):
                raise Broken(f"it saw {anchor.size} records, the log has {len(leaves)}")
            if anchor.root != tree_root(leaves[: anchor.size]):
                raise Broken(f"the first {anchor.size} records are not those that it saw")
            covered = max(covered, anchor.size)
        except Broken as error:
            problems.append(f"{file}: {error}")
    return covered, problems


def _check_run(run: Path, records: list[bytes], facts: list[dict[str, Any]]) -> list[str]:
    commitment, problems = facts[0], []
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for fact in facts[1:]:
        by_kind.setdefault(str(fact.get("kind")), []).append(fact)
    closes, outputs = by_kind.get("close", []), by_kind.get("output", [])
    challenge = "".join(fact["text"] for fact in by_kind.get("challenge", []))
    if len(closes) != 1:
        problems.append(f"the run has {len(closes)} closing records: it is not finished, or was cut")
    numbers = [fact["number"] for fact in outputs]
    missing = sorted(set(range(commitment["n"])) - set(numbers))
    if missing:
        problems.append(f"no. {', '.join(map(str, missing[:12]))} of {commitment['n']} missing")
    if numbers != sorted(set(numbers)) or (numbers and numbers[-1] >= commitment["n"]):
        problems.append("numbers are out of order, doubled or more than were committed to")
    for close in closes:
        nonce = bytes.fromhex(close["nonce"])
        if hashlib.sha256(nonce).hexdigest() != commitment["nonce_sha256"]:
            problems.append("the nonce is not the one committed to")
        for fact in by_kind.get("begin", []) + outputs:
            if fact["seed"] != seed_of(nonce, records[0], challenge, fact["number"]):
                problems.append(f"no. {fact['number']}: its seed does not follow from the commitment")
    problems += _check_order(facts, outputs)
    return problems + _check_files(run, outputs) + _check_verdicts(outputs, by_kind.get("verdict", []))


def _check_order(facts: list[dict[str, Any]], outputs: list[dict[str, Any]]) -> list[str]:
    """A challenge stands where it must, and parts are those that the seeds draw."""
    commitment, problems = facts[0], []
    places = [place for place, fact in enumerate(facts) if fact.get("kind") == "challenge"]
    if places != ([1] if commitment["challenge"] else []):
        problems.append("the challenge does not stand right after the commitment")
    if parts := commitment.get("parts"):
        seeds = [fact["seed"] for fact in outputs]
        for place, fact in enumerate(outputs[: len(parts)]):
            if (
                fact["part"] != drawn(sorted(parts), seeds[: place + 1])
                or fact["part_sha256"] != parts[fact["part"]]
            ):
                problems.append(f"no. {fact['number']}: judged another part than its seed draws")
    return problems


def _check_files(run: Path, outputs: list[dict[str, Any]]) -> list[str]:
    problems, known = [], set()
    for fact in outputs:
        if fact["status"] != "made":
            continue
        known.add(fact["file"])
        problems += _check_file(run / OUTPUTS, fact["file"], fact["sha256"], f"no. {fact['number']}")
    for file in sorted(p.name for p in (run / OUTPUTS).glob("[!.]*")):
        if file not in known:
            problems.append(f"{OUTPUTS}/{file}: no record names it")
    return problems


def _check_file(folder: Path, name: str, sha256: str, who: str) -> list[str]:
    try:
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    except OSError as error:
        return [f"{who}: {name} cannot be read ({error.strerror})"]
    return [] if found == sha256 else [f"{who}: {name} is not the file that was sealed"]


def _check_verdicts(outputs: list[dict[str, Any]], verdicts: list[dict[str, Any]]) -> list[str]:
    sealed = {fact["number"]: fact.get("sha256") for fact in outputs}
    wrong = [fact["number"] for fact in verdicts if sealed.get(fact["number"], "") != fact["sha256"]]
    return [f"no. {number}: a verdict speaks of another file" for number in wrong]


def ack_text(report_sha256: str, name: str, when: str) -> bytes:
    """What an acknowledgement of a report or a figure signs."""
    return f"I have read this.\n{report_sha256}\n{name}\n{when}\n".encode()


def _check_entries(run: Path, facts: list[dict[str, Any]]) -> list[str]:
    problems, reports = [], set()
    for fact in facts[1:]:
        for name, sha256 in fact.get("files", {}).items():
            problems += _check_file(run, name, sha256, fact["kind"])
            reports.add(sha256)
        if fact["kind"] == "figure":
            reports.add(fact["sha256"])
        if fact["kind"] == "ack":
            if fact["report_sha256"] not in reports:
                problems.append(f"ack by {fact['name']}: of something that is not in the log")
            text = ack_text(fact["report_sha256"], fact["name"], fact["at"])
            try:
                signer = Ed25519PublicKey.from_public_bytes(base64.b64decode(fact["public_key"]))
                signer.verify(base64.b64decode(fact["signature"]), text)
            except (InvalidSignature, ValueError):
                problems.append(f"ack by {fact['name']}: its signature is wrong")
    return problems


def _story(facts: list[dict[str, Any]]) -> list[str]:
    c = facts[0]
    outputs = [fact for fact in facts if fact["kind"] == "output"]
    made = sum(fact["status"] == "made" for fact in outputs)
    tries = sum(fact["kind"] == "begin" for fact in facts)
    lines = [
        f"{made} of {c['n']} made, {len(outputs) - made} failed, {tries} attempts; model {c['model']}, "
        f"begun {c['at']}",
    ]
    if verdicts := [fact["verdict"] for fact in facts if fact["kind"] == "verdict"]:
        lines.append(f"{len(verdicts)} verdicts: {_count(verdicts)}")
    if not any(fact["kind"] == "challenge" for fact in facts):
        lines.append("no challenge: several commitments could have been tried before one was published")
    return lines


def _count(words: Any) -> str:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{count} {word}" for word, count in sorted(counts.items())) or "nothing"


def verify_proof(proof: Path, output: Path | None, checkpoints: Sequence[Path]) -> Report:
    """Checks that one output is in a log, from its record, its audit path and a signed head.

    A checkpoint from outside anchors it when it is that head; or an older one that has seen the record, when
    the proof shows that the log only grew since.

    Raises:
        OSError, ValueError, KeyError: Files that cannot be read.
    """
    given = json.loads(proof.read_bytes())
    if output is None and '"status":"made"' in given["record"]:
        return Report(UNREADABLE, ["UNREADABLE: which file is it about? Give --output FILE"])
    record, key = given["record"].encode(), base64.b64decode(given["public_key"])
    fact = json.loads(record)
    try:
        head = open_checkpoint(given["checkpoint"], key)
        path = [bytes.fromhex(node) for node in given["path"]]
        if not includes(head.root, head.size, leaf_hash(record), given["index"], path):
            raise Broken("the record is not in the log that was signed")
        if output is not None and hashlib.sha256(output.read_bytes()).hexdigest() != fact.get("sha256"):
            raise Broken(f"{output.name} is not the file that was sealed as no. {fact['number']}")
        anchored = [_anchors(open_checkpoint(f.read_text("utf-8"), key), head, given) for f in checkpoints]
    except Broken as error:
        return Report(BROKEN, [f"BROKEN: {error}"])
    place = f"record {given['index'] + 1} of {head.size}"
    told = [f"no. {fact['number']}: {fact['status']}, seed {fact['seed']}; {place}"]
    if not any(anchored):
        return Report(UNANCHORED, ["UNANCHORED: no outside checkpoint has seen this record", *told])
    return Report(OK, ["OK: the output is in the log that the checkpoint speaks of", *told])


def _anchors(outside: Checkpoint, head: Checkpoint, proof: dict[str, Any]) -> bool:
    """Has an outside checkpoint, of the same log, seen the record?"""
    if outside.origin != head.origin:
        raise Broken(f"the checkpoint speaks of {outside.origin}, the proof of {head.origin}")
    since = proof.get("since") or {}
    path = [bytes.fromhex(node) for node in since.get("path", [])]
    if outside.size in (head.size, since.get("size")):
        if not consistent(
            outside.root, outside.size, head.root, head.size, path if outside.size < head.size else []
        ):
            raise Broken("the log of the proof is not a continuation of the one that the checkpoint saw")
        return proof["index"] < outside.size
    return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints what was found; answers the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", type=Path, help="folder of the sealed run or log, or a proof of one output")
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], metavar="FILE")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the output that a proof is about")
    given = parser.parse_args(arguments)
    try:
        if given.run.is_file():
            report = verify_proof(given.run, given.output, given.checkpoint)
        else:
            report = verify(given.run, given.checkpoint)
    except FileNotFoundError as error:
        print(f"UNREADABLE: {error.filename}: there is no such file. Name the folder of a sealed run")
        return UNREADABLE
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"UNREADABLE: {type(error).__name__}: {error}")
        return UNREADABLE
    print("\n".join(report.lines))
    return report.code


if __name__ == "__main__":
    sys.exit(main())
