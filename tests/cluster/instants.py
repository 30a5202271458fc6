# SPDX-License-Identifier: Apache-2.0
"""Instants of a move or a failover, and tests that do harm at them.

An instant is known by what a daemon says immediately before it acts, and the harm is done some tenths of a
millisecond later.

    CRASH_POINTS=seal,trial CRASH_PARTIES=source test_crashes.py [Class]     some of the cases
    CRASH_TABLE=FILE test_crashes.py [Class]                                 adds the results, as rows of Markdown
"""
import contextlib
import dataclasses
import itertools
import os
import re
import threading
import time

import remains
from cluster import ClusterTestCase, Failed, wait_until
from probes import ask, volumes, wait_for

AWAY = 2.0  # Seconds between a kill and the restart.
BACK = 90.0


@dataclasses.dataclass(frozen=True)
class Point:
    name: str
    where: str    # control, source, target
    lines: tuple  # What the daemon there says, in this order; the last one is the instant.


MOVE = (
    Point("staging", "control", (r"commit .* move \d+ to \S+ staging",)),
    Point("first copy", "source", (r"send \S+ \S+ from nothing",)),
    Point("increment", "source", (r"send \S+ \S+ from e",)),
    Point("sealing", "source", (r"seal ",)),
    Point("last increment", "source", (r"seal ", r"send ")),
    Point("trial", "target", (r"trial \S+ from",)),
    Point("start", "target", (r"trial \S+ from", r"(start|release) store")),
    Point("commit", "control", (r"commit .* move \d+ to \S+ settling",)),
    Point("settling", "source", (r"demote ",)),
)


def point_called(name):
    return next(point for point in MOVE if point.name == name)


def other(name):
    return "cedar" if name == "birch" else "birch"


def cases(points, parties):
    """All, or those that are asked for."""
    def asked(name, variable):
        return variable not in os.environ or name in os.environ[variable].split(",")
    for point, party in itertools.product(points, parties):
        if asked(point.name, "CRASH_POINTS") and asked(party, "CRASH_PARTIES"):
            yield point, party


class Trap:
    """Calls `spring` as soon as a daemon has said the lines."""

    def __init__(self, daemon, lines, spring):
        self._patterns = [re.compile(line.encode()) for line in lines]
        self._spring = spring
        self._log = daemon.log.open("rb")
        self._log.seek(0, os.SEEK_END)
        self._ended = threading.Event()
        self.sprung = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        rest = b""
        while not self._ended.is_set():
            rest += self._log.read()
            *lines, rest = rest.split(b"\n")
            for line in lines:
                if self._patterns[0].search(line):
                    del self._patterns[0]
                if not self._patterns:
                    self._spring()
                    self.sprung.set()
                    return
            time.sleep(0.0002)

    def close(self):
        self._ended.set()
        self._thread.join(30)
        self._log.close()


class HarmTestCase(ClusterTestCase):
    """alder has the control service, and clients connect there; the application is called store, behind port 7000, and
    moves between birch and cedar. `owner`: where it is now; tests of one class go on from where the one before ended."""

    owner = "birch"

    def deploy_at_owner(self, description, **options):
        places = {"alder": [], "birch": [], "cedar": [], self.owner: ["store"]}
        self.cluster.deploy({"store": description}, places, **options)

    @contextlib.contextmanager
    def trapped(self, point, roles, spring):
        """`spring` is called at that point of what the block does; the block is left when it has been."""
        trap = Trap(self.cluster[roles[point.where]].daemon, point.lines, spring)
        try:
            yield
            if not trap.sprung.wait(BACK):
                raise Failed(f"{point.where} has not said {point.lines} in {BACK:g} s")
        finally:
            trap.close()

    @contextlib.contextmanager
    def killed_at(self, point, party, roles):
        """The party, a daemon or a whole node, dies there, and comes back some seconds later."""
        node = self.cluster[roles[party.removesuffix(" node")]]
        whole = party.endswith(" node")

        def spring():
            node.daemon.process.kill()
            if whole:
                node.power_off()
        try:
            with self.trapped(point, roles, spring):
                yield
            self.pass_time(AWAY)
        finally:
            node.daemon.kill()
            if whole:
                self.cluster.power_on(daemons=False)
            node.daemon.start()

    @staticmethod
    def pass_time(seconds):
        over = time.monotonic() + seconds
        wait_until("the clock", lambda: time.monotonic() >= over, seconds + 5)

    def await_rest(self, ports=(7000,), asides=False):
        """Until every node answers, the application runs where it is to be, and nothing is left over. Its owner."""
        problems = []

        def rests():
            problems[:] = self.what_is_left(ports, asides)
            return not problems
        wait_until("all nodes to answer", lambda: all(node["alive"] for node in self.cluster.status()["nodes"]), BACK)
        wait_for(self.cluster, "store", "to be settled, or to stay where it was after a move that was given up",
                 lambda seen: seen and (seen["settled"] or seen["state"] == "waiting"), BACK)
        wait_until(lambda: f"nothing to be left over: {problems}", rests, BACK, pace=0.2)
        owner = volumes(self.cluster)[0]["owner_node"]
        self.assert_runs_only_on("store", owner)
        # A client may be writing.
        counts = [int(ask(node.address, 7000, "count")) for node in self.cluster.nodes.values()]
        self.assertEqual(counts, sorted(counts), "every node leads to the same one")
        return owner

    def what_is_left(self, ports, asides):
        known, = volumes(self.cluster)
        holders = {known["owner_node"], *(each["node"] for each in known["replicas"])}
        wrong = []
        for node in self.cluster.nodes.values():
            owns = node.name == known["owner_node"]
            there, more = remains.of_node(node, ports, asides)
            expected = {"containers": ["flocker--store"] if owns else [], "mounts": [known["dataset"]] if owns else [],
                        "datasets": [known["dataset"]] if node.name in holders else [],
                        "live": [known["dataset"]] if owns else []}
            wrong += more + [f"{node.name}: {what} {there[what]}, and {expected[what]} is to be"
                             for what in expected if there[what] != expected[what]]
        return wrong

    def note(self, *cells):
        line = "| " + " | ".join(cells) + " |"
        print(line, flush=True)
        if "CRASH_TABLE" in os.environ:
            with open(os.environ["CRASH_TABLE"], "a", encoding="utf-8") as table:
                table.write(line + "\n")
