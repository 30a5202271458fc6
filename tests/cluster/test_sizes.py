# SPDX-License-Identifier: Apache-2.0
"""The maximum size of a volume, as whoever writes it meets it."""
import errno

from cluster import ClusterTestCase, main, wait_until
from probes import ask, ledger, runs, volume, volumes

MIB = 1 << 20


class Sizes(ClusterTestCase):
    nodes = 2

    def test_a_volume_holds_its_maximum_size_and_no_more(self):
        alder = self.cluster["alder"]
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

        self.assert_nothing_lost(neighbour)

    def deploy(self, size, node, **options):
        nodes = {name: [] for name in self.cluster.nodes}
        nodes["alder"].append("journal")
        nodes[node].append("store")
        store = ledger(7000, volume=volume(maximum_size=size))
        return self.cluster.deploy({"store": store, "journal": ledger(7001)}, nodes, **options)

    def entry(self):
        return next(entry for entry in volumes(self.cluster) if entry.get("application") == "store")

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
