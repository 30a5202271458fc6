# SPDX-License-Identifier: Apache-2.0
"""Moves under write load, seen by clients that never hear of them."""
import time

from cluster import ClusterTestCase, main, wait_until
from probes import application, ask, ask_link, fill, ledger, link, result_of, runs, volume, volumes, wait_for

MEBIBYTE = 2**20
STORE = ledger(volume=volume(replicas=0))
REPLICATED = ledger(volume=volume(replicas=2))
FRONT = ledger(7002, volume=None, links=[link("store", 7000)])


class Moves(ClusterTestCase):
    """One after another: there, and back again."""

    images = {"alder": ("flocker/ledger:1",)}
    description = STORE

    def test_a_database_moves_and_moves_back_while_clients_write(self):
        self.cluster.deploy({"store": STORE, "front": FRONT}, {"alder": ["store"], "birch": ["front"], "cedar": []})
        wait_for(self.cluster, "store", "to have been copied nowhere", lambda seen: seen["settled"])
        fill(self.cluster, "alder", 7000, "30M")
        clients = [self.cluster.load("ledger", "birch", 7000), self.cluster.load("ledger", "alder", 7000, "--connect-each")]

        there = self.move_under_load(clients, {"alder": [], "birch": ["front"], "cedar": ["store"]}, "cedar")
        self.assertGreater(there["bytes_live"], 30 * MEBIBYTE)
        self.assertLess(there["bytes_cutover"], there["bytes_live"] / 4)
        self.assertIn("flocker/ledger:1", self.cluster["cedar"].docker("images", "--format", "{{.Repository}}:{{.Tag}}"),
                      "the image was not copied from node to node")

        self.cluster.deploy({"store": REPLICATED, "front": FRONT}, {"alder": [], "birch": ["front"], "cedar": ["store"]})
        self.await_replicas("alder", "birch")
        self.description = REPLICATED
        back = self.move_under_load(clients, {"alder": ["store"], "birch": ["front"], "cedar": []}, "alder")
        self.assertLess(back["bytes_live"] + back["bytes_cutover"], there["bytes_live"] / 4,
                        "what the replica had was copied again")
        self.assert_copies("alder", "birch", "cedar")
        for client in clients:
            self.assert_nothing_lost(client)

    def move_under_load(self, clients, places, target):
        """The result of deploying `places`, which moves the store to `target`."""
        front = runs(self.cluster)["birch", "flocker--front"]
        for client in clients:
            client.wait_rows(50)
            client.mark("move")
        report = self.cluster.deploy({"store": self.description, "front": FRONT}, places, "--json")
        moved = result_of(report, "store")
        self.assertEqual((moved["outcome"], moved["node"]), ("moved", target), report)
        for client in clients:
            client.wait_rows(50)
            window = client.mark("after")
            # One that the application had already accepted when it was told to stop can't be held.
            self.assertEqual(window["refused"], 0, dict(window))
            self.assertLessEqual(window["resets"], 1, dict(window))
            self.assertLess(window.pause, moved["downtime_ms"] * 3 + 3000, (dict(window), moved))
        self.assert_runs_only_on("store", target)
        self.assertEqual(runs(self.cluster)["birch", "flocker--front"], front, "the linked container was touched")
        self.assertGreater(ask_link(self.cluster["birch"], "front", "store", 7000), 0)
        return moved

    def await_replicas(self, *nodes):
        wait_until(f"replicas on {', '.join(nodes)}", lambda: set(nodes) == {
            each["node"] for each in volumes(self.cluster)[0]["replicas"]
            if each.get("behind_ns", 9e9) < 3e9})

    def assert_copies(self, owner, *replicas):
        entry = wait_for(self.cluster, "store", "to be settled", lambda seen: seen["settled"])
        self.assertEqual(entry["owner_node"], owner)
        self.await_replicas(*replicas)
        copies = {copy["node"]: copy for copy in volumes(self.cluster)[0]["copies"] if copy["present"]}
        self.assertEqual(set(copies), {owner, *replicas})
        self.assertEqual([node for node, copy in copies.items() if copy["owner"]], [owner])
        self.assertEqual([node for node, copy in copies.items() if copy["mounted"]], [owner])


class LimitedMove(ClusterTestCase):
    """The limit is for the copy, not for the cutover."""

    nodes = 2
    images = {"alder": ("flocker/ledger:1",)}

    def test_a_limit_holds_back_the_copy_and_not_the_cutover(self):
        self.cluster.deploy({"store": STORE}, {"alder": ["store"], "birch": []})
        fill(self.cluster, "alder", 7000, "30M")
        self.cluster.flocker("node", "set", "alder", "bandwidth", "4MB/s")
        client = self.cluster.load("ledger", "birch", 7000)
        client.wait_rows(50)
        client.mark("move")
        began = time.monotonic()
        self.cluster.move("store", "birch", "--detach")
        wait_until("why to name the limit", lambda: "bandwidth limit" in self.cluster.flocker("why", "store"))
        result = wait_for(self.cluster, "store", "to have moved",
                          lambda seen: seen["owner_node"] == "birch" and seen["settled"])["last_move"]
        self.assertGreater(time.monotonic() - began, 5.0, "30 MiB at 4 MB/s")
        self.assertTrue(result["succeeded"], result)
        self.assertLess(result["downtime_ns"], 3e9, result)
        client.wait_rows(50)
        self.assert_nobody_refused(client.mark("after"))
        self.assert_nothing_lost(client)


class PostgresMoves(ClusterTestCase):
    nodes = 2
    images = {"alder": ("flocker/postgres:15",)}

    def test_postgres_moves_with_every_row(self):
        description = {"image": "flocker/postgres:15", "ports": [{"internal": 5432, "external": 5432}],
                       "volume": {"mountpoint": "/var/lib/postgresql/data"}, "restart_policy": {"name": "always"}}
        self.cluster.deploy({"postgres": description}, {"alder": ["postgres"], "birch": []})
        client = self.cluster.load("postgres", "birch", 5432)
        client.wait_rows(100)
        client.mark("move")
        self.cluster.move("postgres", "birch")
        client.wait_rows(100)
        self.assert_nobody_refused(client.mark("after"))
        self.assert_runs_only_on("postgres", "birch")
        said = self.cluster["alder"].daemon.log.read_text()
        self.assertIn("hook of postgres", said)
        self.assertNotIn("failed: hook of postgres", said, "its checkpoint")
        self.assert_nothing_lost(client, self.cluster["alder"].address)


class WayBack(ClusterTestCase):
    """On cedar the image has another content under the same name: the ledger exits at once there."""

    def setUp(self):
        cedar = self.cluster["cedar"]
        cedar.docker("create", "--name", "spoilt", "flocker/ledger:1")
        cedar.docker("commit", "--change", "ENV LEDGER_DIR=/nowhere/at/all", "spoilt", "flocker/ledger:1")
        cedar.docker("rm", "spoilt")

    def test_an_application_that_exits_on_the_target_runs_on_at_the_source(self):
        self.cluster.deploy({"store": ledger()}, {"alder": ["store"], "birch": [], "cedar": []})
        client = self.cluster.load("ledger", "birch", 7000)
        client.wait_rows(100)
        client.mark("move")
        done = self.cluster.deploy({"store": ledger()}, {"alder": [], "birch": [], "cedar": ["store"]}, check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("store", done.stdout)
        self.assertIn("cedar", done.stdout)
        client.wait_rows(100)
        self.assert_nobody_refused(client.mark("after"))
        self.assert_runs_only_on("store", "alder")
        entry = application(self.cluster, "store")
        self.assertEqual((entry["owner_node"], entry["state"]), ("alder", "waiting"), entry)
        self.assertFalse(entry["last_move"]["succeeded"])
        self.assertTrue(entry["last_move"]["reason"])
        self.assert_nothing_lost(client)
        self.another_target_is_taken()

    def another_target_is_taken(self):
        count = int(ask(self.cluster["alder"].address, 7000, "count"))
        self.cluster.move("store", "birch")
        self.assert_runs_only_on("store", "birch")
        self.assertEqual(int(ask(self.cluster["alder"].address, 7000, "count")), count)


if __name__ == "__main__":
    main()
