# SPDX-License-Identifier: Apache-2.0
"""An owner that is lost, on real engines: who takes over, who stops, and what becomes of what was not copied yet."""
import time

from cluster import ClusterTestCase, main, wait_until
from probes import ask, ledger, volume, volumes, wait_for


class Failovers(ClusterTestCase):
    """alder has the control service, birch the application; birch is cut off."""

    def test_a_replica_takes_over_and_the_old_owner_steps_down_with_its_own_writes_set_aside(self):
        self.deploy_on_birch(failover="automatic")
        birch = self.cluster["birch"]
        birch.unplug()
        seen = wait_for(self.cluster, "store", "to run elsewhere",
                        lambda entry: entry and entry["owner_node"] in ("alder", "cedar") and entry["settled"], seconds=40)
        wait_until("the old owner's container to be stopped", lambda: not birch.has_process("flocker--store"))
        self.assertGreaterEqual(self.count("alder"), self.copied, "what the replicas had is there")
        number = self.add("cedar", "after the failover")
        birch.plug()
        self.await_replica("birch")
        self.assertEqual(self.count("birch"), number, "through the old owner's node as well")
        self.assert_runs_only_on("store", seen["owner_node"])

    def test_a_manual_one_waits_for_the_word_of_a_person_and_refuses_it_while_the_owner_is_alive(self):
        self.deploy_on_birch(failover="manual")
        refused = self.cluster.flocker("failover", "store", "--yes", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("flocker move", refused.stdout + refused.stderr)
        birch = self.cluster["birch"]
        birch.unplug()
        wait_until("birch to be taken for lost", lambda: not self.alive("birch"))
        self.assertTrue(birch.has_process("flocker--store"), "it goes on serving on its side")
        self.add_on(birch, "written on the side that loses")
        self.cluster.flocker("failover", "store", "--yes")
        self.add("cedar", "on the side that goes on")
        birch.plug()
        self.await_replica("birch")
        wait_until("the diverged data to be listed", lambda: any(
            each["node"] == "birch" for each in self.snapshots() if each["kind"] == "set aside"))
        self.assertFalse(birch.has_process("flocker--store"))

    def deploy_on_birch(self, failover):
        self.cluster.deploy({"store": ledger(volume=volume(replicas=2), failover=failover)},
                            {"alder": [], "birch": ["store"], "cedar": []})
        for i in range(20):
            self.copied = self.add("cedar", f"row {i}")
        # A snapshot's number is the millisecond at which it was decided on.
        written = int(time.time() * 1000)
        self.await_replica("alder", written)
        self.await_replica("cedar", written)

    def await_replica(self, node, number=0):
        wait_until(f"the replica on {node}", lambda: any(
            each["node"] == node and each.get("behind_ns", 9e9) < 3e9 and int(each["snapshot"].split("-s")[1]) >= number
            for each in volumes(self.cluster)[0]["replicas"]))

    def snapshots(self):
        return self.cluster.flocker("volume", "snapshots", "store", "--json")["snapshots"]

    def alive(self, node):
        return next(each["alive"] for each in self.cluster.status()["nodes"] if each["name"] == node)

    def add(self, node, row):
        return int(ask(self.cluster[node].address, 7000, f"add {row}").split()[1])

    def count(self, node):
        return int(ask(self.cluster[node].address, 7000, "count"))

    @staticmethod
    def add_on(node, row):
        """By a client on that very node."""
        script = f"exec 3<>/dev/tcp/{node.address}/7000 && echo 'add {row}' >&3 && read -r -t 10 -u 3 answer && echo $answer"
        return node.run("bash", "-c", script).stdout.strip()

    def tearDown(self):
        self.cluster["birch"].plug()
        wait_until("all nodes to answer", lambda: all(node["alive"] for node in self.cluster.status()["nodes"]))
        self.cluster.deploy({}, {"alder": [], "birch": [], "cedar": []})
        dataset = volumes(self.cluster)[0]["dataset"]
        self.cluster.flocker("volume", "rm", dataset, "--yes")


if __name__ == "__main__":
    main()
