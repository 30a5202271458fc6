# SPDX-License-Identifier: Apache-2.0
"""A node that was switched off and on again: nothing runs there without its own data, whoever starts it."""
from cluster import main, run, wait_until
from instants import BACK, HarmTestCase
from probes import application, ledger, volume, volumes, wait_for

NO_REPLICA = volume(replicas=0)


class Rebooted(HarmTestCase):
    def test_an_application_starts_again_only_on_its_own_volume(self):
        for gate in (True, False):
            with self.subTest(gate=gate):
                self.deploy_at_owner(ledger(volume=NO_REPLICA, gate=gate))
                wait_for(self.cluster, "store", "to be settled", lambda seen: seen and seen["settled"])
                client = self.cluster.load("ledger", "alder", 7000)
                client.wait_rows(50)
                self.reboot()
                self.assert_only_its_own_volume(gate)
                self.cluster["birch"].daemon.start()
                wait_for(self.cluster, "store", "to be settled", lambda seen: seen and seen["settled"], BACK)
                client.wait_rows(50, BACK)
                self.assert_nothing_lost(client)

    def test_a_pool_that_is_not_there_after_a_reboot_is_waited_for_and_nothing_starts(self):
        self.deploy_at_owner(ledger(volume=NO_REPLICA))
        wait_for(self.cluster, "store", "to be settled", lambda seen: seen and seen["settled"])
        client = self.cluster.load("ledger", "alder", 7000)
        client.wait_rows(50)
        self.reboot()
        birch = self.cluster["birch"]
        pool = birch.folder / "pool"
        run(["mount", "-t", "tmpfs", "flkt-no-pool", pool])
        try:
            birch.daemon.start(wait=False)
            wait_until("the reason to be told", lambda: "pool" in self.cluster.flocker("why", "store").lower(), BACK)
            self.assertEqual(birch.containers(), {})
            self.assertEqual(application(self.cluster, "store")["owner_node"], "birch")
        finally:
            run(["umount", pool])
        wait_for(self.cluster, "store", "to be settled", lambda seen: seen and seen["settled"], BACK)
        client.wait_rows(50, BACK)
        self.assert_nothing_lost(client)

    def reboot(self):
        """Everything of birch but its flockerd is up again."""
        self.cluster["birch"].power_off()
        self.cluster.power_on(daemons=False)

    def assert_only_its_own_volume(self, gate):
        birch = self.cluster["birch"]
        self.assertEqual(birch.containers(), {}, "the engine starts nothing by itself")
        place = birch.folder / "flocker" / volumes(self.cluster)[0]["dataset"]
        self.assertEqual(list(place.iterdir()), [], "nothing is mounted")
        with self.assertRaises(PermissionError):
            (place / "stray").write_text("nobody would ever see it again")
        # Somebody starts it by hand. Behind the gate it waits; without one it meets a folder that takes nothing.
        birch.docker("start", "flocker--store", check=False)
        if gate:
            self.assertTrue(birch.has_process("flocker--store"))
        else:
            wait_until("the application to give up", lambda: not birch.has_process("flocker--store"))
        self.assertEqual(list(place.iterdir()), [])


if __name__ == "__main__":
    main()
