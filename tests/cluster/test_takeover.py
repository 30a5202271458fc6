# SPDX-License-Identifier: Apache-2.0
"""The machine with the control service is lost, with a database on it."""
import json
import time

import command_line
from cluster import ClusterTestCase, main, wait_until
from probes import ask, ledger, volume, volumes, wait_for


class Takeovers(ClusterTestCase):

    def test_a_node_takes_over_and_the_old_one_steps_down_when_it_returns(self):
        lost, heir = self.holder(), self.other()
        self.deploy_on(lost, failover="manual")
        refused = self.takeover(heir)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("not lost", refused.stderr)

        lost.power_off()
        self.await_takeover(heir)
        status = self.cluster.status()
        self.assertFalse(next(node["alive"] for node in status["nodes"] if node["name"] == lost.name),
                         "the client has found the new one by itself")
        wait_until("the nodes to know what they are told", lambda: self.cluster.flocker(
            "failover", "store", "--yes", check=False).returncode == 0, pace=0.5)
        wait_for(self.cluster, "store", "to run elsewhere",
                 lambda entry: entry and entry["owner_node"] != lost.name and entry["settled"], seconds=40)
        self.assertGreaterEqual(self.count(heir), self.copied, "what the replicas had is there")

        self.cluster.power_on()
        wait_until("the old one to know its successor", lambda: self.place(lost) == heir.address)
        self.await_replica(lost.name)
        self.assertFalse(lost.has_process("flocker--store"))
        self.assertEqual([node.name for node in self.cluster.nodes.values() if self.serves(node)], [heir.name])

    def test_one_that_was_only_cut_off_steps_down_and_has_let_nobody_serve_under_its_lease(self):
        lost, heir = self.holder(), self.other()
        self.deploy_on(lost, failover="automatic")
        lost.unplug()
        wait_until("the container over there to be stopped, for its lease is over",
                   lambda: not lost.has_process("flocker--store"))
        self.await_takeover(heir)
        wait_for(self.cluster, "store", "to run elsewhere",
                 lambda entry: entry and entry["owner_node"] != lost.name and entry["settled"], seconds=60)
        self.assertGreaterEqual(self.count(heir), self.copied)
        lost.plug()
        wait_until("the old one to step down", lambda: self.place(lost) == heir.address)
        self.await_replica(lost.name)
        self.assertEqual([node.name for node in self.cluster.nodes.values() if self.serves(node)], [heir.name])

    def deploy_on(self, node, failover):
        places = {each: ["store"] if each == node.name else [] for each in self.cluster.nodes}
        self.cluster.deploy({"store": ledger(volume=volume(replicas=2), failover=failover)}, places)
        for i in range(20):
            self.copied = int(ask(self.other().address, 7000, f"add row {i}").split()[1])
        # A snapshot's number is the millisecond at which it was decided on.
        written = int(time.time() * 1000)
        for each in self.cluster.nodes.values():
            if each is not node:
                self.await_replica(each.name, written)

    def await_replica(self, node, number=0):
        wait_until(f"the replica on {node}", lambda: any(
            each["node"] == node and each.get("behind_ns", 9e9) < 3e9 and int(each["snapshot"].split("-s")[1]) >= number
            for each in volumes(self.cluster)[0]["replicas"]))

    def count(self, node):
        return int(ask(node.address, 7000, "count"))

    # --- the control service ----------------------------------------------------------------------

    def takeover(self, node, *more):
        return node.run(*command_line.control(node, "takeover"), "--yes", *more, check=False)

    def await_takeover(self, node):
        said = []

        def taken():
            done = self.takeover(node)
            said.append(done.stderr)
            return done.returncode == 0

        wait_until(lambda: f"the takeover: {said[-1]}", taken, seconds=60, pace=0.5)

    def word(self, node):
        done = node.run(*command_line.control(node, "status"), "--json", check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def place(self, node):
        word = self.word(node)
        return word and word["control"]["address"]

    def serves(self, node):
        word = self.word(node)
        return bool(word) and word["nodes"][0]["serves"]

    def holder(self):
        return next(node for node in self.cluster.nodes.values() if self.serves(node))

    def other(self):
        holder = self.holder() if not getattr(self, "heir", None) else None
        if holder:
            self.heir = next(node for node in self.cluster.nodes.values() if node is not holder)
        return self.heir

    def tearDown(self):
        self.cluster.power_on()
        for node in self.cluster.nodes.values():
            node.plug()
        wait_until("all nodes to answer", lambda: all(node["alive"] for node in self.cluster.status()["nodes"]))
        self.cluster.deploy({}, {name: [] for name in self.cluster.nodes})
        self.cluster.flocker("volume", "rm", volumes(self.cluster)[0]["dataset"], "--yes")


if __name__ == "__main__":
    main()
