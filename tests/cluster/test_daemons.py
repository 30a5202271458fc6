# SPDX-License-Identifier: Apache-2.0
"""flockerd goes and comes; applications and their clients do not notice."""
from cluster import ClusterTestCase, main
from probes import fill, ledger, runs, volume, wait_for


class Daemons(ClusterTestCase):
    def test_no_client_notices_that_a_daemon_ends_in_any_way_and_comes_back(self):
        self.cluster.deploy({"store": ledger(7000), "journal": ledger(7001)},
                            {"alder": ["store"], "birch": ["journal"], "cedar": []})
        clients = [self.cluster.load("ledger", "birch", 7000), self.cluster.load("ledger", "cedar", 7001),
                   self.cluster.load("ledger", "cedar", 7000, "--connect-each")]
        containers = runs(self.cluster)
        for node in self.cluster.nodes.values():
            for end in (self.stop, self.kill):
                with self.subTest(node=node.name, end=end.__name__):
                    for client in clients:
                        client.mark("away")
                    end(node)
                    self.assert_served(clients)
                    node.daemon.start()
                    self.assert_served(clients)
                    self.assertEqual(runs(self.cluster), containers)
        with self.subTest("all at once"):
            for node in self.cluster.nodes.values():
                self.kill(node)
            self.assert_served(clients)
            for node in self.cluster.nodes.values():
                node.daemon.start()
            self.assert_served(clients)
            self.assertEqual(runs(self.cluster), containers)
        for name in ("store", "journal"):
            wait_for(self.cluster, name, "to be settled", lambda seen: seen and seen["settled"])
        self.assertEqual(runs(self.cluster), containers)
        for client in clients:
            self.assert_nothing_lost(client)

    def stop(self, node):
        self.assertEqual(node.daemon.stop(), 0)

    @staticmethod
    def kill(node):
        node.daemon.kill()

    def assert_served(self, clients):
        for client in clients:
            client.wait_rows(30)
            window = client.mark("next")
            self.assertEqual((window["refused"], window["resets"], window["errors"]), (0, 0, 0), dict(window))


class MovesThroughCrashes(ClusterTestCase):
    def test_a_move_goes_through_when_the_targets_daemon_is_killed_while_it_receives(self):
        self.move_with_a_crash("cedar")

    def test_a_move_goes_through_when_the_sources_daemon_is_killed_while_it_sends(self):
        self.move_with_a_crash("birch")

    def test_a_move_goes_through_when_the_control_service_is_killed_meanwhile(self):
        self.move_with_a_crash("alder")

    def move_with_a_crash(self, victim):
        name = f"store-{victim}"
        port = 7000 + sorted(self.cluster.nodes).index(victim)
        # Without a replica the move has to carry everything.
        self.cluster.deploy({name: ledger(port, volume=volume(replicas=0))}, {"birch": [name]})
        fill(self.cluster, "birch", port, "150M")
        client = self.cluster.load("ledger", "alder", port)
        client.wait_rows(50)
        client.mark("move")
        self.cluster.move(name, "cedar", "--detach")
        wait_for(self.cluster, name, "to be copied", lambda seen: seen["move"] and seen["move"]["round_sent"] > 0)
        self.cluster[victim].daemon.kill()
        client.wait_rows(20)
        self.cluster[victim].daemon.start()
        wait_for(self.cluster, name, "to be on cedar", lambda seen: seen and seen["owner_node"] == "cedar" and seen["settled"])
        client.wait_rows(50)
        self.assert_nobody_refused(client.mark("after"))
        self.assert_runs_only_on(name, "cedar")
        self.assert_nothing_lost(client)
        self.cluster.deploy({}, {"birch": [], "cedar": []})


if __name__ == "__main__":
    main()
