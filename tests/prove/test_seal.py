"""A sealed run: killed and resumed, checked by a file that needs no Burnish, and broken in many ways."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from burnish.errors import BurnishError
from burnish.prove.exchange import Verdict
from burnish.prove.keys import signing_key
from burnish.prove.log import Log, encode
from burnish.prove.makers import Generated
from burnish.prove.proofs import proof_of
from burnish.prove.review_files import read_verdicts, write_verdicts
from burnish.prove.seal import add_verdicts, commit, publish, seal
from burnish.prove.verify_seal import BROKEN, OK, UNANCHORED, UNREADABLE, main, seed_of, verify, verify_proof
from burnish.store.files import write_json
from burnish.store.recording import Unrecorded
from tiny_bundles import generator

ALONE = """import sys, runpy
sys.modules["burnish"] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")"""


def command(bundle: Path, run: Path, key: Path) -> list[str]:
    words = ["prove", "seal", str(bundle), "--n", "100", "--steps", "4", "--out", str(run), "--key", str(key)]
    return [sys.executable, "-m", "burnish", *words]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A run of 100, killed after its 20th output and resumed, one of which failed; with 30 verdicts."""
    folder = tmp_path_factory.mktemp("seal")
    generator(folder / "b")
    run, key = folder / "run", folder / "key.pem"
    (run / "outputs" / "00041.png").mkdir(parents=True)  # no picture can be put there: number 41 fails
    process = subprocess.Popen(command(folder / "b", run, key), stdout=subprocess.DEVNULL)
    log = run / "log.jsonl"
    while process.poll() is None and not (log.exists() and log.read_bytes().count(b'"output"') >= 20):
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    killed = process.wait()
    before = log.read_bytes()
    subprocess.run(command(folder / "b", run, key), check=True, capture_output=True)
    (run / "outputs" / "00041.png").rmdir()
    outputs = Log(run, signing_key(key)).of("output")
    said = [
        Verdict(fact["file"], "ann", "used", ("sharp",), 2.5, sha256=fact["sha256"]) for fact in outputs[:30]
    ]
    added = add_verdicts(run, signing_key(key), [*said, said[0], replace(said[0], sha256="0" * 64)])
    anchor = shutil.copy(max((run / "checkpoints").glob("*.note")), folder / "anchor.note")
    return {
        "run": run,
        "key": key,
        "killed": killed,
        "before": before,
        "anchor": Path(anchor),
        "added": added,
        "first": run / "checkpoints" / "000001.note",
        "bundle": folder / "b",
    }


def test_killed_and_resumed_all_numbers_exist(world, record_property):
    assert world["killed"] == -signal.SIGKILL
    cut = world["before"].rsplit(b"\n", 1)[0]
    done = cut.count(b'"kind":"output"')
    assert 20 <= done < 100
    log = Log(world["run"], signing_key(world["key"]))
    assert b"\n".join(log.records).startswith(cut)
    outputs = log.of("output")
    assert [fact["number"] for fact in outputs] == list(range(100))
    assert [fact["number"] for fact in outputs if fact["status"] == "failed"] == [41]
    assert 100 <= len(log.of("begin")) <= 101
    nonce = bytes.fromhex(log.of("close")[0]["nonce"])
    assert [fact["seed"] for fact in outputs] == [seed_of(nonce, log.records[0], "", k) for k in range(100)]
    assert len({fact["seed"] for fact in outputs}) == 100
    assert not (world["run"] / "nonce").exists()
    record_property("measured", f"killed after {done} of 100, resumed: 100 numbers, 1 of them failed")


def test_the_verifier_needs_no_burnish(world):
    def run(*words: str):
        verifier = world["run"] / "verify_seal.py"
        line = [sys.executable, "-I", "-c", ALONE, str(verifier), str(world["run"]), *words]
        return subprocess.run(line, capture_output=True, text=True, check=False)

    done = run("--checkpoint", str(world["anchor"]))
    assert done.returncode == OK, done.stdout + done.stderr
    assert done.stdout.startswith("OK: all ")
    assert "99 of 100 made, 1 failed" in done.stdout
    assert "30 verdicts: 30 used" in done.stdout
    done = run()
    assert done.returncode == UNANCHORED
    assert done.stdout.startswith("UNANCHORED: the whole log")
    assert "OK" not in done.stdout


def test_a_checkpoint_from_inside_the_run_anchors_nothing(world):
    inside = world["run"] / "checkpoint.note"
    assert verify(world["run"], [inside]).code == UNANCHORED


def test_an_old_checkpoint_anchors_what_it_saw(world, tmp_path):
    old = shutil.copy(world["first"], tmp_path / "first.note")
    report = verify(world["run"], [Path(old)])
    assert report.code == UNANCHORED
    assert "records 2 to" in report.lines[0]
    assert verify(world["run"], [Path(old), world["anchor"]]).code == OK


def test_the_repeated_and_the_foreign_verdict_were_left_out(world):
    assert world["added"] == 30


def delete(facts: list[dict]) -> list[dict]:
    return [fact for fact in facts if fact.get("number") != 37]


def delete_and_renumber(facts: list[dict]) -> list[dict]:
    moved = delete(facts)
    return [{**f, "number": f["number"] - 1} if f.get("number", 0) > 37 else f for f in moved]


def swap(facts: list[dict]) -> list[dict]:
    a, b = (
        next(k for k, f in enumerate(facts) if f["kind"] == "output" and f["number"] == n) for n in (12, 13)
    )
    facts = list(facts)
    facts[a], facts[b] = facts[b], facts[a]
    return facts


def swap_files(facts: list[dict]) -> list[dict]:
    a, b = (next(f for f in facts if f["kind"] == "output" and f["number"] == n) for n in (12, 13))
    change = {12: b, 13: a}
    return [
        {**f, "file": change[f["number"]]["file"], "sha256": change[f["number"]]["sha256"]}
        if f["kind"] == "output" and f["number"] in change
        else f
        for f in facts
    ]


def truncate(facts: list[dict]) -> list[dict]:
    return facts[:-10]


def without_the_last_ten_outputs(facts: list[dict]) -> list[dict]:
    return [f for f in facts if f.get("number", 0) < 90]


def edit_verdict(facts: list[dict]) -> list[dict]:
    at = next(k for k, f in enumerate(facts) if f["kind"] == "verdict")
    return [*facts[:at], {**facts[at], "verdict": "reject"}, *facts[at + 1 :]]


def forget_the_failure(facts: list[dict]) -> list[dict]:
    return [f for f in facts if f.get("number") != 41]


CHANGES = [
    delete, delete_and_renumber, swap, swap_files, truncate, without_the_last_ten_outputs, edit_verdict,
    forget_the_failure,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_log_is_found(world, tmp_path, change):
    run = shutil.copytree(world["run"], tmp_path / "run")
    facts = [json.loads(line) for line in (run / "log.jsonl").read_bytes().splitlines()]
    changed = change(facts)
    assert changed != facts
    (run / "log.jsonl").write_bytes(b"".join(encode(fact) + b"\n" for fact in changed))
    report = verify(run)
    assert report.code == BROKEN
    assert "BROKEN: log.jsonl" in report.lines[0]


@pytest.mark.parametrize("change", CHANGES)
def test_a_log_changed_and_signed_anew_by_its_keeper_is_found(world, tmp_path, change):
    run = shutil.copytree(world["run"], tmp_path / "run")
    facts = [json.loads(line) for line in (run / "log.jsonl").read_bytes().splitlines()]
    (run / "checkpoint.note").unlink()
    (run / "log.jsonl").write_bytes(b"".join(encode(fact) + b"\n" for fact in change(facts)))
    publish(Log(run, signing_key(world["key"])))
    assert verify(run).code in (BROKEN, UNANCHORED)
    report = verify(run, [world["anchor"]])
    assert report.code == BROKEN
    assert any("anchor.note" in line for line in report.lines)


def test_one_byte_of_a_picture_is_found(world, tmp_path):
    run = shutil.copytree(world["run"], tmp_path / "run")
    file = run / "outputs" / "00037.png"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    report = verify(run, [world["anchor"]])
    assert report.code == BROKEN
    assert "no. 37: 00037.png is not the file that was sealed" in report.lines[0]


def test_a_picture_too_many_or_too_few_is_found(world, tmp_path):
    run = shutil.copytree(world["run"], tmp_path / "run")
    (run / "outputs" / "better.png").write_bytes(b"x")
    (run / "outputs" / "00002.png").unlink()
    text = " ".join(verify(run, [world["anchor"]]).lines)
    assert "better.png: no record names it" in text and "no. 2: 00002.png cannot be read" in text


def test_a_chain_rewritten_with_a_new_key_fails_against_the_checkpoint(world, tmp_path):
    run, key = tmp_path / "run", signing_key(tmp_path / "new.pem")
    seal(run, key, Generated(world["bundle"], steps=1), 3)
    assert verify(run).code == UNANCHORED
    report = verify(run, [world["anchor"]])
    assert report.code == BROKEN
    assert "not signed by the key that the log names" in report.lines[0]


def test_a_flipped_byte_anywhere_in_the_log_never_passes(world, tmp_path):
    run = shutil.copytree(world["run"], tmp_path / "run")
    data = (run / "log.jsonl").read_bytes()
    for place in range(7, len(data), len(data) // 40):
        (run / "log.jsonl").write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert main([str(run), "--checkpoint", str(world["anchor"])]) in (BROKEN, UNREADABLE)


def test_a_challenge_settles_the_seeds(world, tmp_path):
    key, maker, run = signing_key(world["key"]), Generated(world["bundle"], steps=1), tmp_path / "run"
    first = seal(run, key, maker, 2, asks=True)
    assert not first.closed and first.made == 0 and "waiting" in str(first)
    assert not seal(run, key, maker, 2, asks=True).closed
    done = seal(run, key, maker, 2, challenge="the customer's words")
    assert done.closed and done.made == 2
    report = verify(run)
    assert report.code == UNANCHORED and not any("no challenge" in line for line in report.lines)
    with pytest.raises(BurnishError, match="another challenge"):
        seal(run, key, maker, 2, challenge="kinder words")
    log = Log(run, key)
    nonce = bytes.fromhex(log.of("close")[0]["nonce"])
    assert log.of("output")[1]["seed"] == seed_of(nonce, log.records[0], "the customer's words", 1)


def test_each_output_has_its_row_before_it_is_made(world, tmp_path):
    told: list[tuple] = []

    class Told(Unrecorded):
        def begin(self, verb, **facts):
            told.append(("begin", facts["seed"], facts["settings"]["number"]))
            return super().begin(verb)

        def finish(self, number, output="", *, inputs=None):
            told.append(("done", number, Path(output).name))

        def fail(self, numbers, error):
            told.append(("failed", numbers, str(error)))

    (tmp_path / "outputs" / "00001.png").mkdir(parents=True)
    key, maker = signing_key(world["key"]), Generated(world["bundle"], steps=1)
    seal(tmp_path, key, maker, 3, recorder=Told())
    outputs = Log(tmp_path, key).of("output")
    seeds = [fact["seed"] for fact in outputs]
    assert [one[0] for one in told] == ["begin", "done", "begin", "failed", "begin", "done"]
    assert told[0] == ("begin", seeds[0], 0) and told[1] == ("done", 1, "00000.png")
    assert told[3][:2] == ("failed", 2) and told[3][2] == outputs[1]["error"]
    assert [fact["record"] for fact in Log(tmp_path, key).of("begin")] == [1, 2, 3]


def test_a_run_goes_on_only_as_it_was_begun(world, tmp_path):
    key = signing_key(world["key"])
    commit(tmp_path, key, Generated(world["bundle"]).facts, 3)
    with pytest.raises(BurnishError, match="begun with another n"):
        commit(tmp_path, key, Generated(world["bundle"]).facts, 4)
    with pytest.raises(BurnishError, match="begun with another settings"):
        commit(tmp_path, key, Generated(world["bundle"], steps=3).facts, 3)
    with pytest.raises(BurnishError, match="is not finished"):
        add_verdicts(tmp_path, key, [])
    with pytest.raises(BurnishError, match="at least one"):
        commit(tmp_path / "other", key, {}, 0)


def test_a_verdict_that_was_changed_stands_beside_the_old(world, tmp_path):
    run, key = shutil.copytree(world["run"], tmp_path / "run"), signing_key(world["key"])
    first = Log(run, key).of("verdict")[0]
    write_verdicts(tmp_path / "v.csv", [Verdict("a.png", "ann", "reject", sha256=first["sha256"])], "csv")
    changed = read_verdicts(tmp_path / "v.csv", "csv")
    assert (add_verdicts(run, key, changed), add_verdicts(run, key, changed)) == (1, 0)
    said = [fact["verdict"] for fact in Log(run, key).of("verdict") if fact["number"] == first["number"]]
    assert said == ["used", "reject"]
    report = verify(run, [world["anchor"]])
    assert report.code == UNANCHORED and "records" in report.lines[0]


def test_one_output_is_proven_without_the_log(world, tmp_path):
    run, anchor = world["run"], world["anchor"]
    older = tmp_path / "older.note"
    shutil.copy(sorted((run / "checkpoints").glob("*.note"))[1], older)  # the end of the run, before verdicts
    proof, picture = tmp_path / "37.proof", run / "outputs" / "00037.png"
    given = proof_of(run, 37, older)
    write_json(proof, given)
    assert verify_proof(proof, picture, [anchor]).code == OK
    assert verify_proof(proof, picture, [older]).code == OK
    assert verify_proof(proof, picture, []).code == UNANCHORED
    assert verify_proof(proof, None, [anchor]).code == UNREADABLE
    write_json(tmp_path / "41.proof", proof_of(run, 41))
    report = verify_proof(tmp_path / "41.proof", None, [anchor])  # it failed: there is no file
    assert report.code == OK and "no. 41: failed" in report.lines[1]
    first = shutil.copy(world["first"], tmp_path / "first.note")
    assert verify_proof(proof, picture, [Path(first)]).code == UNANCHORED  # it saw the commitment alone
    assert main([str(proof), "--output", str(picture), "--checkpoint", str(anchor)]) == OK
    report = verify_proof(proof, run / "outputs" / "00038.png", [anchor])
    assert report.code == BROKEN and "not the file that was sealed as no. 37" in report.lines[0]
    changes = [
        {"record": given["record"].replace('"number":37', '"number":36')},
        {"index": given["index"] + 1},
        {"path": given["path"][:-1]},
        {"checkpoint": older.read_text()},
    ]
    for change in changes:
        write_json(proof, given | change)
        assert verify_proof(proof, picture, [anchor]).code == BROKEN
    write_json(proof, given | {"since": {"size": given["since"]["size"], "path": given["path"]}})
    report = verify_proof(proof, picture, [older])
    assert report.code == BROKEN and "not a continuation" in report.lines[0]


def test_what_is_not_sealed_has_no_proof(world, tmp_path):
    with pytest.raises(BurnishError, match="is not in the signed log"):
        proof_of(world["run"], 100)
    with pytest.raises(BurnishError, match="is no sealed run"):
        proof_of(tmp_path, 1)
    with pytest.raises(BurnishError, match="no older checkpoint"):
        proof_of(world["run"], 1, tmp_path / "none.note")


def test_a_run_that_is_not_there_is_named(tmp_path, capsys):
    assert main([str(tmp_path / "nowhere")]) == UNREADABLE
    assert "log.jsonl: there is no such file. Name the folder" in capsys.readouterr().out
