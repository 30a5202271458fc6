# SPDX-License-Identifier: Apache-2.0
"""What the other cluster tests stand on: the nodes, their links, their engines, and the client's figures.
No flockerd takes part: whatever fails here is not its fault."""
from cluster import ClusterTestCase, main


class Ground(ClusterTestCase):
    nodes = 2
    formed = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        alder = cls.cluster["alder"]
        alder.docker("run", "--detach", "--restart", "always", "--name", "ledger", "--publish", "7000:7000",
                     "--volume", f"{alder.folder}/pool:/data", "flocker/ledger:1")

    def test_a_client_counts_the_pause_and_the_refusals_of_a_restart_and_loses_nothing(self):
        client = self.cluster.load("ledger", "alder", 7000)
        client.wait_rows(100)
        calm = client.mark("restart")
        self.assertEqual((calm["refused"], calm["errors"]), (0, 0))
        self.cluster["alder"].docker("restart", "ledger")
        client.wait_rows(100)
        restart = client.mark("after")
        self.assertGreater(restart["refused"], 0)
        self.assertGreater(restart.pause, 20.0)
        self.assertGreater(restart["errors"], 0)
        self.assert_nothing_lost(client)

    def test_a_lost_row_is_noticed(self):
        client = self.cluster.load("ledger", "alder", 7000)
        client.wait_rows(10)
        client.finish()
        ledger = self.cluster["alder"].folder / "pool/ledger"
        lines = ledger.read_bytes().splitlines(keepends=True)
        ledger.write_bytes(b"".join(lines[:-5]))
        self.cluster["alder"].docker("restart", "ledger")
        found = client.verify()
        self.assertEqual(found["lost"], 5, found)

    def test_an_unplugged_node_is_silent_until_it_is_plugged_in_again(self):
        alder, birch = self.cluster["alder"], self.cluster["birch"]
        self.assertTrue(self.reaches(birch, alder))
        alder.unplug()
        try:
            self.assertFalse(self.reaches(birch, alder))
        finally:
            alder.plug()
        self.assertTrue(self.reaches(birch, alder))

    def test_two_nodes_can_be_cut_from_each_other_alone(self):
        alder, birch = self.cluster["alder"], self.cluster["birch"]
        alder.cut_from(birch)
        try:
            self.assertFalse(self.reaches(birch, alder))
            client = self.cluster.load("ledger", "alder", 7000)
            client.finish()
        finally:
            alder.mend()
        self.assertTrue(self.reaches(birch, alder))

    def test_a_node_that_was_switched_off_comes_back_with_its_containers_and_their_data(self):
        client = self.cluster.load("ledger", "alder", 7000)
        client.wait_rows(50)
        self.cluster["alder"].power_off()
        self.assertEqual(self.cluster["alder"].run("true", check=False).returncode, 1)
        self.cluster.power_on(daemons=False)
        client.wait_rows(50)
        self.assert_nothing_lost(client)

    @staticmethod
    def reaches(source, target):
        probe = f"exec 3<>/dev/tcp/{target.address}/7000"
        return source.run("timeout", "0.5", "bash", "-c", probe, check=False).returncode == 0


if __name__ == "__main__":
    main()
