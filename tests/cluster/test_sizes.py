# SPDX-License-Identifier: Apache-2.0
"""The maximum size of a volume, as whoever writes it meets it, wherever the volume goes."""
import errno
import time

from cluster import ClusterTestCase, main, wait_until
from probes import ask, ledger, runs, volume, volumes

MIB = 1 << 20


class Sizes(ClusterTestCase):
    nodes = 3

    def test_a_volume_holds_its_maximum_size_and_no_more_wherever_it_is(self):
        alder, birch = self.cluster["alder"], self.cluster["birch"]
        self.deploy("32M", "alder")
        neighbour = self.cluster.load("ledger", "alder", 7001)
        self.assertEqual(ask(alder.address, 7000, "add one"), "ok 1")
        self.assert_full_at(32, alder)

        with self.subTest("its neighbour goes on"):
            neighbour.wait_rows(20)
            self.assert_nobody_refused(neighbour.mark("raised"))

        with self.subTest("raised by a deployment, which restarts nothing"):
            before = runs(self.cluster)
            self.deploy("48M", "alder")
            self.assertEqual(runs(self.cluster), before)
            self.assert_full_at(48, alder)

        with self.subTest("lowered below what it holds it is refused, with both figures, and nothing is changed"):
            wait_until("the node to say what the volume holds", lambda: self.entry()["copies"][0]["used"] > 45 * MIB)
            refused = self.deploy("16M", "alder", check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertRegex(refused.stdout + refused.stderr,
                             r"application\.yml:\d+:\d+: .*its volume holds 4[5-8].* MiB.* 16 MiB")
            self.assertEqual(self.entry()["maximum_size"], 48 * MIB)
            self.assertEqual(runs(self.cluster), before)

        with self.subTest("it goes along with a move"):
            self.deploy("64M", "birch")
            self.assertEqual(ask(birch.address, 7000, "count"), "1")
            self.assert_full_at(64, birch)

        with self.subTest("and with a failover"):
            self.deploy("68M", "birch")
            # A snapshot's number is the millisecond at which it was decided on.
            written = int(time.time() * 1000)
            (self.volume_on(birch) / "last").write_text("word")
            wait_until("a replica to have everything", lambda: any(
                int(each["snapshot"].split("-s")[1]) >= written for each in self.entry()["replicas"] if "snapshot" in each), 60)
            birch.power_off()
            wait_until("the failover to be allowed", lambda: self.cluster.flocker(
                "failover", "store", "--yes", check=False).returncode == 0, 60, pace=0.5)
            there = wait_until("the promoted copy to be served", self.owner_that_answers, 60)
            self.assert_full_at(68, there)

        self.assert_nothing_lost(neighbour)

    def deploy(self, size, node, **options):
        nodes = {name: [] for name in self.cluster.nodes}
        nodes["alder"].append("journal")
        nodes[node].append("store")
        store = ledger(7000, volume=volume(maximum_size=size))
        return self.cluster.deploy({"store": store, "journal": ledger(7001)}, nodes, **options)

    def entry(self):
        return next(entry for entry in volumes(self.cluster) if entry.get("application") == "store")

    def owner_that_answers(self):
        node = self.cluster[self.entry()["owner_node"]]
        try:
            return node if node.name != "birch" and ask(node.address, 7000, "count") == "1" else None
        except OSError:
            return None

    def volume_on(self, node):
        return node.folder / "flocker" / self.entry()["dataset"]

    def fill(self, node):
        """Writes until the kernel takes no more; what the volume holds then, as du says it."""
        with (self.volume_on(node) / "filled").open("ab", buffering=0) as file, self.assertRaises(OSError) as refused:
            for _ in range(1000):
                file.write(b"x" * 65536)
        self.assertEqual(refused.exception.errno, errno.EDQUOT)
        return sum(path.lstat().st_blocks * 512 for path in self.volume_on(node).rglob("*"))

    def assert_full_at(self, size, node):
        """All but what btrfs' own records take; room that has to be measured is there in a moment."""
        wait_until(f"{size} MiB to fit in", lambda: self.fill(node) > (size - 2) * MIB, pace=0.2)
        self.assertLessEqual(self.fill(node), size * MIB)


if __name__ == "__main__":
    main()
