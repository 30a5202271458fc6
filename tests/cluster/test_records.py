# SPDX-License-Identifier: Apache-2.0
"""The control service's records are backed up, damaged and restored, under a database that is written."""
import os

import command_line
from cluster import ClusterTestCase, main, wait_until
from probes import ledger, runs, volume, wait_for


class Records(ClusterTestCase):

    def test_yesterdays_copy_overwrites_nothing(self):
        client = self.deploy_and_load()
        self.back_up(self.cluster["cedar"])
        self.cluster.move("store", "cedar")
        client.wait_rows(50)
        refused = self.restore()
        self.assertEqual(refused.returncode, 2)
        self.assertIn("flockerd runs on this node", refused.stderr)

        self.control.daemon.stop()
        before = runs(self.cluster)
        client.mark("restored")
        restored = self.restore()
        self.assertEqual(restored.returncode, 0, restored.stderr)
        self.assertIn("newer than the backup", restored.stdout)
        self.assertTrue(list(self.control.folder.glob("var/control-before-restore-*.sqlite")))
        self.control.daemon.start()
        wait_for(self.cluster, "store", "to be on cedar, as its pool knows",
                 lambda seen: seen and seen["owner_node"] == "cedar" and seen["settled"])
        client.wait_rows(100)
        self.assert_nobody_refused(client.mark("after"))
        self.assert_runs_only_on("store", "cedar")
        self.assertEqual(runs(self.cluster), before, "nothing was started anew")
        kinds = [event["kind"] for event in self.cluster.flocker("events", "--json")["events"]]
        self.assertIn("records_restored", kinds)
        self.assertIn("pool_knew_better", kinds)
        self.assert_nothing_lost(client)

        # What it says from now on is heard: the next move goes as ever.
        self.cluster.move("store", "birch")
        self.assert_runs_only_on("store", "birch")
        self.assert_nothing_lost(client)

    def test_damaged_records_are_named_with_what_to_do_and_a_restore_mends_them(self):
        client = self.deploy_and_load()
        self.back_up(self.control)
        self.control.daemon.stop()
        records = self.control.folder / "var/control.sqlite"
        os.truncate(records, records.stat().st_size // 2)
        self.control.daemon.start(wait=False)
        wait_until("flockerd to end", lambda: not self.control.daemon.running())
        self.assertEqual(self.control.daemon.process.returncode, 1)
        said = self.control.daemon.tail(3)
        self.assertIn(f"{records} is damaged", said)
        self.assertIn("flocker restore FILE", said)
        self.assertIn("flocker control takeover", said)
        client.wait_rows(50)

        restored = self.restore()
        self.assertEqual(restored.returncode, 0, restored.stderr)
        self.control.daemon.start()
        wait_for(self.cluster, "store", "to be known again",
                 lambda seen: seen and seen["owner_node"] == "birch" and seen["settled"])
        client.wait_rows(50)
        self.assert_runs_only_on("store", "birch")
        self.assert_nothing_lost(client)

    # --- steps ------------------------------------------------------------------------------------

    @property
    def control(self):
        return self.cluster["alder"]

    @property
    def file(self):
        return self.cluster.folder / "backup.json"

    def deploy_and_load(self):
        self.cluster.deploy({"store": ledger(volume=volume(replicas=1))}, {"alder": [], "birch": ["store"], "cedar": []})
        client = self.cluster.load("ledger", "cedar", 7000)
        client.wait_rows(50)
        return client

    def back_up(self, node):
        node.run(*command_line.backup(node, self.file))
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)

    def restore(self):
        return self.control.run(*command_line.restore(self.control, self.file), "--yes", check=False)

    def tearDown(self):
        self.control.daemon.start()
        self.cluster.deploy({}, {name: [] for name in self.cluster.nodes})
        for each in self.cluster.flocker("volume", "ls", "--json")["volumes"]:
            wait_until("the volume to go", lambda name=each["dataset"]: self.cluster.flocker(
                "volume", "rm", name, "--yes", check=False).returncode == 0, pace=0.5)


if __name__ == "__main__":
    main()
