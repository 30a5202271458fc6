# SPDX-License-Identifier: Apache-2.0
"""The ways to get a database to another node, or to restart it where it is; and one move, measured.

Flocker has one copy of the database to itself. What is done by hand has another one; see by_hand.py.
"""
import contextlib
import json
import time

import by_hand
from ground import ENTRY, HOME, HOURS, Failed, Outcome, Way, command_line, fill, run


class FlockerSide:
    """The database as a user of Flocker runs it."""

    def __init__(self, ground, database):
        self.ground, self.database, self.port = ground, database, database.port
        self.acks = None  # What was acknowledged in its last move.
        self.failures = 0

    def begin(self, size):
        self.ground.form()
        application = {
            "image": self.database.image,
            "ports": [{"internal": self.database.port, "external": self.port}],
            "volume": {"mountpoint": self.database.mountpoint},
            "restart_policy": {"name": "always"},
        }
        self.ground.deploy({self.database.name: application}, {HOME: [self.database.name]}, timeout=300)
        fill(self.ground, self.database, size, HOME, self.container(), self.port)

    def container(self):
        return f"flocker--{self.database.name}"

    def go_home(self):
        with contextlib.suppress(Failed):
            self.ground.move(self.database.name, HOME, "--timeout", "3h", timeout=HOURS + 60)
            return True
        return False

    def data(self):
        """Its volume at home, as the container sees it."""
        pid = self.ground[HOME].docker("inspect", "--format", "{{.State.Pid}}", self.container()).strip()
        return f"/proc/{pid}/root{self.database.mountpoint}"


class Flocker(Way):
    name = "flocker"
    title = "**Flocker**: `flocker move`"
    side = FlockerSide

    def move(self, source, target, client):
        answer = self.side.ground.move(self.side.database.name, target, "--json", "--timeout", "3h", timeout=HOURS + 60)
        result = answer["results"][0]
        if result["outcome"] != "moved":
            raise Failed(f"flocker move ended as '{result['outcome']}': {result['reason']}")
        return Outcome(result["bytes_live"], result["bytes_cutover"], result["downtime_ms"])

    def parts(self, source, target):
        """Nothing, if this Flocker keeps no record of moves."""
        listed = self.side.ground.flocker("move", "ls", "--json", check=False)
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
            for move in json.loads(listed.stdout)["moves"]:
                if (move["application"], move["source"], move["target"]) == (self.side.database.name, source, target):
                    return {"parts_ms": {step: ns / 1e6 for step, ns in move.get("steps_ns", {}).items()},
                            "predicted_ms": milliseconds(move.get("predicted_ns")),
                            "downtime_said_ms": milliseconds(move["downtime_ns"]), "rounds": move.get("rounds")}
        return {}


def milliseconds(ns):
    return None if ns is None else ns / 1e6


WAYS = {way.name: way for way in (Flocker, by_hand.Restart, by_hand.RestartQuick, by_hand.Snapshots, by_hand.Classic,
                                  by_hand.RsyncTwice)}


# --- one move, measured ---------------------------------------------------------------------------

CALM_SECONDS = 1.5


def measure(way, source, target, writing):
    """Moves while clients write. All that they saw, and whether what they were told is there."""
    side = way.side
    way.prepare(source, target)
    client = side.ground.load(side.database.name, ENTRY, side.port, *writing.options)
    try:
        time.sleep(CALM_SECONDS)
        calm = client.mark("move")
        begun = time.monotonic()
        outcome = way.move(source, target, client)
        took = time.monotonic() - begun
        client.wait_rows(writing.rows, 300)
        windows = [*outcome.windows, client.mark("after")]
        rows = client.verify()
    finally:
        client.kill()
        client.process.stdin.close()  # Hundreds of moves, two pipes each.
        client.process.stdout.close()
    lost_later = verify_again(side, client.acks)
    way.tidy(source, target)
    return {
        "pause_ms": max(window.pause for window in windows),
        "bytes_before": outcome.bytes_before, "bytes_cutover": outcome.bytes_cutover,
        "downtime_said_ms": outcome.downtime_said, "seconds": round(took, 3),
        **{what: sum(window[what] for window in windows) for what in ("others", "refused", "resets", "errors")},
        "acknowledged": rows["acknowledged"], "lost": rows["lost"] + lost_later, "first_lost": rows["first_lost"],
        **way.parts(source, target),
        "calm": dict(calm), "windows": [dict(window) for window in windows], "acks": str(client.acks),
    }


def verify_again(side, acks):
    """How many rows are lost of those that the client before was told. What is older than this one's is then forgotten: with
    every row of hundreds of moves, a database would start more slowly from one to the next."""
    lost = verify(side, side.acks)["lost"] if side.acks else 0
    side.acks = acks
    with acks.open() as file:
        first = file.readline().split()[0]
    run([command_line.LOAD, "forget", *address(side), "--below", first], timeout=300)
    return lost


def verify(side, acks):
    """The rows of that file, read back from where the database is now."""
    done = run([command_line.LOAD, "verify", *address(side), "--acks", acks], check=False, timeout=600)
    if done.returncode not in (0, 1):
        raise Failed(f"the rows can't be read back: {done.stderr}")
    return json.loads(done.stdout)


def address(side):
    return [side.database.name, "--host", side.ground[ENTRY].address, "--port", side.port]
