# SPDX-License-Identifier: Apache-2.0
"""What becomes of data whose application leaves the manifests."""
from cluster import ClusterTestCase, main, wait_until
from probes import ask, ledger, volumes


class Volumes(ClusterTestCase):
    nodes = 2

    def test_a_removed_application_keeps_its_data_until_it_is_destroyed_by_name(self):
        store, journal = ledger(7000), ledger(7001)
        alder, birch = self.cluster["alder"], self.cluster["birch"]
        self.cluster.deploy({"store": store, "journal": journal}, {"alder": ["store"], "birch": ["journal"]})
        for line in ("one", "two", "three"):
            ask(birch.address, 7000, f"add {line}")
        dataset = self.volume_of("store")

        with self.subTest("one that runs can't be destroyed"):
            done = self.cluster.flocker("volume", "rm", dataset, "--yes", check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertEqual(ask(birch.address, 7000, "count"), "3")

        with self.subTest("[] empties a node, and the rest goes on"):
            journal_runs = birch.containers()
            self.cluster.deploy({"journal": journal}, {"alder": [], "birch": ["journal"]})
            self.assertEqual(alder.containers(everything=True), {})
            self.assertEqual(birch.containers(), journal_runs)
            with self.assertRaises(OSError):
                ask(birch.address, 7000, "count", seconds=2)

        with self.subTest("its volume is kept, detached"):
            self.assertNotIn("application", self.entry(dataset))
            self.assertIn("detached", self.cluster.flocker("volume", "ls"))

        with self.subTest("deployed again it has its data"):
            self.cluster.deploy({"store": store, "journal": journal}, {"alder": ["store"], "birch": ["journal"]})
            self.assertEqual(self.volume_of("store"), dataset)
            self.assertEqual(ask(birch.address, 7000, "count"), "3")

        with self.subTest("only `volume rm` destroys it, and never unasked"):
            self.cluster.deploy({"journal": journal}, {"alder": [], "birch": ["journal"]})
            done = self.cluster.flocker("volume", "rm", dataset, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertFalse(self.entry(dataset)["destroying"])
            self.cluster.flocker("volume", "rm", dataset, "--yes")
            wait_until("the volume to be destroyed", lambda: self.entry(dataset) is None, 60)
            self.assertNotIn(dataset, "\n".join(str(path) for path in (alder.folder / "pool").rglob("*")))

        with self.subTest("after that it begins anew"):
            self.cluster.deploy({"store": store, "journal": journal}, {"alder": ["store"], "birch": ["journal"]})
            self.assertEqual(ask(birch.address, 7000, "count"), "0")

    def test_what_runs_on_a_node_that_is_not_named_is_left_alone(self):
        kept = ledger(7005)
        self.cluster.deploy({"kept": kept}, {"alder": [], "birch": ["kept"]})
        running = self.cluster["birch"].containers()
        said = self.cluster.deploy({}, {"alder": []})
        self.assertIn("kept", said)
        self.assertEqual(self.cluster["birch"].containers(), running)

    def volume_of(self, application):
        return next(volume["dataset"] for volume in volumes(self.cluster) if volume.get("application") == application)

    def entry(self, dataset):
        return next((volume for volume in volumes(self.cluster) if volume["dataset"] == dataset), None)


if __name__ == "__main__":
    main()
