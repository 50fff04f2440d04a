"""A process that ended is told from one that runs, and from one that got its number."""

import os
import subprocess
import sys

from burnish.store.machine import in_a_line, lives, machine, this_process


def test_this_process_lives_and_an_ended_one_does_not():
    assert lives(this_process()) is True
    script = "from burnish.store.machine import this_process; print(this_process())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert lives(done.stdout.strip()) is False


def test_another_process_under_the_same_number_is_not_taken_for_it():
    host, number, _ = this_process().split(" ")
    assert lives(f"{host} {number} other:1") is False


def test_nothing_is_said_of_other_hosts():
    assert lives("elsewhere 1 x") is None
    assert lives("") is None


def test_the_machine_is_named():
    found = machine()
    assert found["cores"] == len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else True
    assert found["processor"] in in_a_line() and f"{found['cores']} cores" in in_a_line()
