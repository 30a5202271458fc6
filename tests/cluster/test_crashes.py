# SPDX-License-Identifier: Apache-2.0
"""The crash matrix: at each step of a move, and of a failover, each party is killed, and comes back.

Each time the application ends up running in exactly one place with every acknowledged row, nobody helps, and
nothing is left over.
"""
import time

from cluster import main, wait_until
from instants import BACK, MOVE, HarmTestCase, Point, cases, other
from probes import ledger, volume, volumes, wait_for


class MoveCrashes(HarmTestCase):
    """Between birch and cedar, there and back, without a replica: everything is copied each time."""

    parties = ("control", "source", "target", "source node", "target node")
    gate = True

    def test_a_move_ends_in_one_place_with_every_row_whoever_is_killed_at_whatever_step(self):
        self.deploy()
        for point, party in cases(MOVE, self.parties):
            with self.subTest(point.name, party=party):
                self.crash(point, party)

    def crash(self, point, party):
        source, target = self.owner, other(self.owner)
        client = self.cluster.load("ledger", "alder", 7000)
        client.wait_rows(20)
        began = time.monotonic()
        with self.killed_at(point, party, {"control": "alder", "source": source, "target": target}):
            # The control service may be killed before it has written down what it was told.
            self.cluster.move("store", target, "--detach", check=False)
        self.owner = self.await_rest()
        took = time.monotonic() - began
        client.wait_rows(20, BACK)
        self.assert_nothing_lost(client)
        self.note("move" if self.gate else "move, no gate", point.name, party,
                  "moved" if self.owner == target else "at the source", f"{took:.0f} s")
        self.deploy()

    def deploy(self):
        self.deploy_at_owner(ledger(volume=volume(replicas=0), gate=self.gate))


class UngatedMoveCrashes(MoveCrashes):
    gate = False


FAILOVER = (
    Point("decision", "control", (r"commit .*event failed_over",)),
    Point("copy", "new owner", (r"trial \S+ from",)),
    Point("adoption", "new owner", (r"adopt trial",)),
    Point("start", "new owner", (r"adopt trial", r"(start|release) store")),
    Point("return", "old owner", (r"demote ",)),
)


class FailoverCrashes(HarmTestCase):
    """birch and cedar have the copies, the owner's power is cut, and it is back when the other one serves."""

    parties = ("control", "new owner", "new owner node", "old owner", "old owner node")

    def test_a_failover_ends_in_one_place_whoever_is_killed_at_whatever_step(self):
        self.deploy()
        for point, party in cases(FAILOVER, self.parties):
            # It is lost already, until it returns.
            if party.startswith("old owner") and point.name != "return":
                continue
            with self.subTest(point.name, party=party):
                self.crash(point, party)

    def crash(self, point, party):
        old, new = self.owner, other(self.owner)
        client = self.cluster.load("ledger", "alder", 7000)
        client.wait_rows(20)
        client.finish()
        self.await_replica(new, client.acknowledged()[-1][1])
        began = time.monotonic()
        returns = point.name == "return"
        if returns:
            self.lose(old)
            self.await_owner(new)
        with self.killed_at(point, party, {"control": "alder", "old owner": old, "new owner": new}):
            if returns:
                self.cluster.power_on()
            else:
                self.lose(old)
        if not returns:
            self.await_owner(new)
            self.cluster.power_on()
        self.owner = self.await_rest(asides=True)
        took = time.monotonic() - began
        self.assertEqual(self.owner, new)
        self.assert_nothing_lost(client)
        self.note("failover", point.name, party, "failed over", f"{took:.0f} s")
        self.deploy()

    def lose(self, name):
        self.cluster[name].unplug()
        self.cluster[name].power_off()

    def await_owner(self, name):
        wait_for(self.cluster, "store", f"to run on {name}",
                 lambda seen: seen and seen["owner_node"] == name and seen["state"] == "running", BACK)

    def await_replica(self, name, written):
        # A snapshot's number is the millisecond at which it was decided on.
        def has_all(replica):
            return replica["node"] == name and int(replica.get("snapshot", "e0-s0").split("-s")[1]) > written * 1000
        wait_until(f"the replica on {name}", lambda: any(map(has_all, volumes(self.cluster)[0]["replicas"])), BACK)

    def deploy(self):
        self.deploy_at_owner(ledger(failover="automatic"), replicas={"store": [other(self.owner)]})


if __name__ == "__main__":
    main()
