# SPDX-License-Identifier: Apache-2.0
"""The maximum size of a volume, as its application meets it, wherever the volume goes."""
import os

from cluster import ClusterTestCase, main, wait_until
from probes import ask, ledger, runs, volume, volumes, wait_for

MIB = 1 << 20
LINE = "add " + "x" * (MIB - 1)  # With its newline, 1 MiB.


class Sizes(ClusterTestCase):
    nodes = 3

    def test_a_volume_holds_its_maximum_size_and_no_more_wherever_it_is(self):
        alder, birch = self.cluster["alder"], self.cluster["birch"]
        self.deploy("32M", "alder")
        neighbour = self.cluster.load("ledger", "alder", 7001)

        with self.subTest("the application is told that its quota is exceeded"):
            self.assert_full_at(32, alder)
            engine = {**os.environ, "DOCKER_HOST": f"unix://{alder.folder}/docker.sock"}
            self.assertIn("Disk quota exceeded", alder.run("docker", "logs", "flocker--store", env=engine).stderr)

        with self.subTest("its neighbour goes on"):
            neighbour.wait_rows(20)
            self.assert_nobody_refused(neighbour.mark("raised"))

        with self.subTest("raised by a deployment, which restarts nothing"):
            before = runs(self.cluster)
            self.deploy("48M", "alder")
            self.assertEqual(runs(self.cluster), before)
            wait_until("more to fit in", lambda: self.add(alder))
            self.assert_full_at(48, alder)

        with self.subTest("lowered below what it holds it is refused, with both figures, and nothing is changed"):
            count = ask(alder.address, 7000, "count")
            wait_until("the node to say what the volume holds", lambda: self.entry()["copies"][0]["used"] > 45 * MIB)
            refused = self.deploy("16M", "alder", check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertRegex(refused.stderr, r"application\.yml:\d+:\d+: .*its volume holds 4[5-8].* MiB.* 16 MiB")
            self.assertEqual(self.entry()["maximum_size"], 48 * MIB)
            self.assertEqual(runs(self.cluster), before)
            self.assertEqual(ask(alder.address, 7000, "count"), count)

        with self.subTest("it goes along with a move"):
            self.deploy("48M", "birch")
            self.assertEqual(ask(birch.address, 7000, "count"), count)
            self.assert_full_at(48, birch)
            self.deploy("64M", "birch")
            wait_until("more to fit in", lambda: self.add(birch))
            self.assert_full_at(64, birch)
            self.deploy("68M", "birch")

        with self.subTest("and with a failover"):
            count = ask(birch.address, 7000, "count")
            wait_for(self.cluster, "store", "its replica to have everything",
                     lambda entry: self.entry()["replicas"][0].get("behind_ns") == 0)
            birch.power_off()
            wait_until("the failover to be allowed", lambda: self.cluster.flocker(
                "failover", "store", "--yes", check=False).returncode == 0, 60, pace=0.5)
            where = application_node(self.cluster)
            wait_until("the promoted copy to be served", lambda: self.asked(where, "count") == count, 60)
            wait_until("more to fit in", lambda: self.add(where))
            self.assert_full_at(68, where)

        self.assert_nothing_lost(neighbour)

    def deploy(self, size, node, **options):
        nodes = {name: [] for name in self.cluster.nodes}
        nodes["alder"].append("journal")
        nodes[node].append("store")
        store = ledger(7000, volume=volume(maximum_size=size))
        return self.cluster.deploy({"store": store, "journal": ledger(7001)}, nodes, **options)

    def entry(self):
        return next(entry for entry in volumes(self.cluster) if entry.get("application") == "store")

    def asked(self, node, line):
        try:
            return ask(node.address, 7000, line)
        except OSError:
            return ""

    def add(self, node):
        """Whether one more line has found room."""
        return ask(node.address, 7000, LINE).startswith("ok")

    def assert_full_at(self, size, node):
        """Filled up, it holds that many lines of 1 MiB, or two fewer: btrfs' own records take some."""
        while self.add(node):
            pass
        self.assertIn(int(ask(node.address, 7000, "count")), range(size - 2, size + 1))


def application_node(cluster):
    entry = next(entry for entry in cluster.status()["applications"] if entry["name"] == "store")
    return cluster[entry["owner_node"]]


if __name__ == "__main__":
    main()
