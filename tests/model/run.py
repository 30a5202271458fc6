#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks ownership.pml to the end, then breaks each of its rules once and looks whether that is found.

    run.py                      all of it; 1 if a check fails, is cut short, or a break is not found
    run.py checks | breaks      one half
    run.py deep                 the checks with larger bounds: many minutes, up to 16 GB
    run.py story DEFINE...      the shortest way to an error, in words: story BREAK_SEAL_REVISION WRITES=0

Needs spin and gcc. Runs two at a time; each has at most MEMORY_MB.
"""
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

MODEL = Path(__file__).resolve().parent / "ownership.pml"
MEMORY_MB = 1500
SECONDS = 120

P1, P2, P4, ENDS = ("p1_who_answers_is_the_owner", "p2_nothing_acknowledged_is_lost", "p4_every_write_is_kept",
                    "it_ends_well")

CHECKS = [
    ("automatic: a move, a failover, a crash", "CALM WRITES=1"),
    ("automatic: two failovers", "CALM WRITES=1 MOVES=0 FAILOVERS=2"),
    ("automatic: late reports and receipts, drift", "LATE WRITES=0 MOVES=0 FAILOVERS=2"),
    ("automatic: switched on while it runs", "SWITCH WRITES=1 MOVES=0"),
    ("two moves, no failover, no lease", "CALM MANUAL_DEAD WRITES=1 MOVES=2 FAILOVERS=0"),
    ("manual: the lost node is off", "CALM MANUAL_DEAD"),
    ("manual: the operator errs", "CALM MANUAL_RASH WRITES=1"),
]
DEEP = [
    ("automatic: two writes", "CALM WRITES=2"),
    ("automatic: two failovers and a move", "CALM WRITES=1 FAILOVERS=2"),
    ("automatic: two crashes", "WRITES=1 CRASHES=2"),
    ("automatic: late reports and receipts, drift, a write", "LATE WRITES=1 MOVES=0 FAILOVERS=2"),
    ("automatic: switched on while it runs, a move", "SWITCH WRITES=1"),
    ("two moves, two crashes, two late assignments", "CALM MANUAL_DEAD MOVES=2 FAILOVERS=0 CRASHES=2 STALES=2"),
    ("manual: the lost node is off, two failovers, two moves", "CALM MANUAL_DEAD MOVES=2 FAILOVERS=2 CRASHES=2"),
]
# (what must be found, the rule that is broken, in which bounds)
BREAKS = [
    (P1, "LEASE_MARGIN", "LATE WRITES=0 MOVES=0"),
    (P1, "LEASE_FROM_ARRIVAL", "LATE WRITES=0 MOVES=0"),
    (P1, "LEASE_WHEN_OUTDATED", "LATE WRITES=0 MOVES=0"),
    (P1, "LEASE_FOR_ALL", "WRITES=0"),
    (P1, "STALL_BEFORE_KERNEL", "LATE WRITES=0 MOVES=0"),
    (P1, "RECEIPT_DURING_COMMIT", "WRITES=0"),
    (P1, "SILENCE_SURVIVES_RESTART", "WRITES=0"),
    (P1, "SWITCH_UNCONFIRMED", "SWITCH WRITES=0 MOVES=0"),
    (P1, "BOOT_FROM_CACHE", "MANUAL_DEAD WRITES=0"),
    (P1, "FAILOVER_TO_OLD_OWNER", "WRITES=0"),
    (P1, "PROMOTE_FROM_THE_PAST", "WRITES=0"),
    (ENDS, "FAILOVER_TO_OUTDATED", "CALM WRITES=0 FAILOVERS=2"),
    (ENDS, "MARKER_OF_REPLICA", "CALM WRITES=0"),
    (P1, "SEAL_REVISION", "WRITES=0 FAILOVERS=0"),
    (ENDS, "TRIAL_REVISION", "CALM WRITES=0 FAILOVERS=0"),
    (ENDS, "NO_SECOND_CHOICE", "CALM WRITES=1"),
    (P2, "TRIAL_OF_ANOTHER_SNAPSHOT", "MANUAL_DEAD WRITES=1 FAILOVERS=0"),
    (P4, "TRIAL_BEHIND_OPEN_PORT", "WRITES=1"),
    (P4, "OPEN_BEFORE_ADOPTION", "WRITES=1"),
    (P4, "SET_ASIDE", "WRITES=1"),
    (P4, "SET_ASIDE_SEALED", "WRITES=1"),
]


def build(folder, defines, memory, *options):
    subprocess.run(["spin", "-a", *defines, MODEL], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    # -w: what gcc says of generated code helps nobody. Deadlocks are looked for by CALM, not by end states (-E).
    subprocess.run(["gcc", "-w", "-DSAFETY", "-DNOREDUCE", "-DCOLLAPSE", f"-DMEMLIM={memory}", *options,
                    "-o", "pan", "pan.c"], cwd=folder, check=True)


def search(folder, seconds, depth=100_000):
    run = subprocess.run(["./pan", "-E", "-n", "-w22", f"-m{depth}"], cwd=folder, capture_output=True, text=True,
                         timeout=seconds, check=False)
    return run.stdout + run.stderr


def flags(*words):
    return ["-D" + word for word in words if word]


def look(bounds, broken="", memory=MEMORY_MB, seconds=SECONDS):
    """What failed ('': nothing, and all states were seen), how many states, how many seconds."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="flkt-model-") as folder:
        try:
            build(folder, flags(*bounds.split(), broken and "BREAK_" + broken), memory, "-O0" if broken else "-O2")
            # An error is found sooner where the search may not go astray.
            text = search(folder, seconds, 1000 if broken else 100_000)
        except subprocess.TimeoutExpired:
            return f"not done after {seconds} s", 0, time.monotonic() - began
        except subprocess.CalledProcessError as error:
            return f"{error.cmd[0]} failed", 0, time.monotonic() - began
    states = re.search(r"(\d+) states, stored", text)
    failed = re.search(r"assertion violated (.*?) \(at depth", text)
    if failed:
        outcome = failed[1]
    elif re.search(r"errors: 0$", text, re.M) and not re.search(r"not completed|too small|MEMLIM|truncated", text):
        outcome = ""
    else:
        outcome = "the search was cut short: " + " ".join(text.split())[:200]
    return outcome, int(states[1]) if states else 0, time.monotonic() - began


def check(case, **limits):
    name, bounds = case
    outcome, states, seconds = look(bounds, **limits)
    verdict = "FAILED" if outcome else "ok"
    print(f"{verdict:7} {states:>10} states {seconds:6.1f} s  {name} ({bounds})", flush=True)
    if outcome:
        print(f"        {outcome}; in words: tests/model/run.py story {bounds}", flush=True)
    return not outcome


def break_one(case):
    expected, broken, bounds = case
    outcome, states, seconds = look(bounds, broken)
    found = outcome == expected
    verdict = "found" if found else "MISSED"
    print(f"{verdict:7} {states:>10} states {seconds:6.1f} s  {broken}: {expected} ({bounds})", flush=True)
    if not found:
        print(f"        instead: {outcome or 'no error at all'}", flush=True)
    return found


def story(words):
    with tempfile.TemporaryDirectory(prefix="flkt-model-") as folder:
        build(folder, flags(*words), 12_000, "-O2", "-DBFS")
        print(search(folder, 3600).split("\n", 1)[0])
        told = subprocess.run(["spin", "-t", "-T", *flags(*words), "-k", MODEL.name + ".trail", MODEL], cwd=folder,
                              capture_output=True, text=True, check=False)
        print(told.stdout.split("spin: trail ends")[0])


def main(arguments):
    if arguments[:1] == ["story"]:
        story(arguments[1:])
        return 0
    if arguments not in ([], ["checks"], ["breaks"], ["deep"]):
        print(__doc__, file=sys.stderr)
        return 2
    with ThreadPoolExecutor(2) as pool:
        if arguments == ["deep"]:
            fine = list(pool.map(lambda case: check(case, memory=8000, seconds=3600), DEEP))
        else:
            jobs = []
            if arguments != ["breaks"]:
                jobs += [pool.submit(check, case) for case in CHECKS]
            if arguments != ["checks"]:
                jobs += [pool.submit(break_one, case) for case in BREAKS]
            fine = [job.result() for job in jobs]
    print(f"{fine.count(True)} of {len(fine)} as expected")
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
