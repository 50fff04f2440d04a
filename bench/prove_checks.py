"""The ten acceptance checks of `burnish prove`, one line each: `make prove-checks`.

A check is a list of tests. A test tells what it measured by
`record_property("measured", "90 of 100: 0.824 to 0.951")`; the line shows it. A check without tests, or whose
tests were all skipped, does not hold. With `--json FILE` the same as JSON; `--only 3,10` runs some.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from xml.etree import ElementTree

from burnish.store.machine import machine

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Check:
    """A number, a name, and the tests (pytest node ids) that it consists of."""

    number: int
    name: str
    tests: tuple[str, ...]


CHECKS = (
    Check(
        1,
        "Seal",
        (
            "tests/prove/test_seal.py",
            "tests/prove/test_merkle.py",
            "tests/prove/test_log.py",
            "tests/prove/test_makers.py",
        ),
    ),
    Check(
        2,
        "Acceptance",
        (
            "tests/prove/test_acceptance.py::test_fifty_of_fifty_is_refused_the_claim_of_ninety_nine_percent",
            "tests/prove/test_review.py::test_a_thousand_reviewers",
            "tests/prove/test_review.py::test_the_second_reviewers_payload_holds_nothing_of_the_first",
        ),
    ),
    Check(
        3,
        "Money and time",
        ("tests/prove/test_value.py", "tests/prove/test_ledger.py", "tests/prove/test_energy.py"),
    ),
    Check(
        4,
        "Marking",
        (
            "tests/prove/test_credentials.py",
            "tests/prove/test_marking.py",
            "tests/prove/test_watermark.py",
            "tests/prove/test_survival.py",
        ),
    ),
    Check(5, "Determinism", ("tests/prove/test_determinism.py",)),
    Check(
        6,
        "Planted risks",
        (
            "tests/prove/test_prove_copies.py",
            "tests/prove/test_brand.py",
            "tests/prove/test_audit.py",
        ),
    ),
    Check(
        7,
        "Forecast",
        (
            "tests/prove/test_forecast.py::test_intervals_cover_what_the_full_data_give",
            "tests/prove/test_forecast.py::test_an_unreachable_target_is_told_so",
        ),
    ),
    Check(
        8,
        "Drift and promotion",
        (
            "tests/prove/test_drift.py::test_a_thousand_streams_in_order_keep_the_declared_run_length",
            "tests/prove/test_drift.py::test_a_planted_shift_alarms_within_the_declared_delay",
            "tests/prove/test_drift.py::test_an_alarm_opens_exactly_one_job_and_names_its_owner",
            "tests/prove/test_promote.py::test_only_better_and_not_worse_elsewhere_is_promoted",
            "tests/prove/test_promote.py::test_from_the_first_model_to_a_rollback",
            "tests/prove/test_recalibrate.py::test_a_bundle_with_a_moved_threshold",
        ),
    ),
    Check(9, "Exit", ("tests/prove/test_exit.py",)),
    Check(
        10,
        "Baseline honesty",
        (
            "tests/prove/test_baseline.py",
            "tests/prove/test_baselines_inspection.py",
            "tests/prove/test_baselines_pictures.py",
            "tests/prove/test_baselines_refining.py",
            "tests/prove/test_baselines_text.py",
            "tests/prove/test_card.py",
        ),
    ),
)


@dataclass(frozen=True)
class Result:
    """What a check gave: `holds`, how many tests passed, failed and were skipped, and what they measured."""

    number: int
    name: str
    holds: bool
    passed: int
    failed: int
    skipped: int
    seconds: float
    measured: tuple[str, ...]

    def __str__(self) -> str:
        counts = f"{self.passed} passed" + (f", {self.failed} FAILED" if self.failed else "")
        counts += f", {self.skipped} skipped" if self.skipped else ""
        told = "; ".join(self.measured) or ("" if self.passed + self.failed else "no test ran")
        verdict = "holds" if self.holds else "FAILS"
        line = f"{self.number:2d}. {self.name:<20} {verdict}  {counts:<22} {self.seconds:5.1f} s  {told}"
        return line.rstrip()


def run(check: Check) -> Result:
    """Runs the tests of one check in a process of their own."""
    begin = time.perf_counter()
    if not check.tests:
        return Result(check.number, check.name, False, 0, 0, 0, 0.0, ())
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-q", "-p", "no:xdist", f"--junitxml={report}"]
        command = [sys.executable, "-m", "pytest", *options, *check.tests]
        env = {"OMP_NUM_THREADS": "1", **os.environ, "BURNISH_CHECKS": "1"}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - begin
        if not report.exists():
            print(done.stdout + done.stderr, file=sys.stderr)
            return Result(check.number, check.name, False, 0, 1, 0, seconds, ("pytest did not start",))
        suite = ElementTree.parse(report).getroot().find("testsuite")
    if suite is None:
        return Result(check.number, check.name, False, 0, 1, 0, seconds, ("pytest wrote no report",))
    total, failed, skipped = (int(suite.get(key, "0")) for key in ("tests", "failures", "skipped"))
    failed += int(suite.get("errors", "0"))
    if done.returncode and not failed:
        failed = 1  # a node that does not exist
    if failed:
        print(done.stdout[-4000:] + done.stderr[-2000:], file=sys.stderr)
    measured = tuple(p.get("value", "") for p in suite.iter("property") if p.get("name") == "measured")
    passed = max(0, total - failed - skipped)
    holds = passed > 0 and not failed
    return Result(check.number, check.name, holds, passed, failed, skipped, seconds, measured)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", type=lambda text: {int(n) for n in text.split(",")})
    given = parser.parse_args()
    results = []
    for check in CHECKS:
        if given.only is None or check.number in given.only:
            results.append(run(check))
            print(results[-1], flush=True)
    held = sum(result.holds for result in results)
    print(f"{held} of {len(results)} checks hold")
    if given.json:
        command = shlex.join(["python", "bench/prove_checks.py", *sys.argv[1:]])
        told = {"machine": machine(), "command": command, "checks": [asdict(r) for r in results]}
        given.json.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if held == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
