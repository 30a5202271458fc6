# SPDX-License-Identifier: Apache-2.0
"""Somebody who knows nothing of us acts on the nodes; it heals by itself and is told."""
import contextlib
import signal
import subprocess

from cluster import ClusterTestCase, main, wait_until
from probes import ask, ledger, runs, volume, wait_for


class Strangers(ClusterTestCase):
    """alder has the control service, birch the application, the others its replicas. Clients write all the while, one of
    them on a connection of its own for each row, one through a node that only passes on."""

    def setUp(self):
        self.cluster.deploy({"store": ledger(volume=volume(replicas=2))}, {"alder": [], "birch": ["store"], "cedar": []})
        self.birch = self.cluster["birch"]
        self.told = len(self.cluster.events())
        self.clients = [self.cluster.load("ledger", "birch", 7000, "--connect-each"), self.cluster.load("ledger", "alder", 7000)]
        for client in self.clients:
            client.wait_rows(20)

    def heals(self, text, node="birch"):
        """Until it has been told, and every client goes on; no row that was acknowledged is lost."""
        event = wait_until(lambda: f"an event that says '{text}'; there are {self.stranger_events()}",
                           lambda: next((event for event in self.stranger_events() if text in event["text"]), None))
        self.assertEqual(event["subject"], node)
        problems = [problem for node in self.cluster.status()["nodes"] for problem in node["problems"]]
        self.assertTrue(any(text in problem["error"]["message"] for problem in problems), problems)
        wait_for(self.cluster, "store", "to be settled", lambda seen: seen and seen["settled"])
        for client in self.clients:
            client.wait_rows(30)
        self.assert_runs_only_on("store", "birch")
        rows = 0
        for client in self.clients:
            self.assert_nothing_lost(client)
            rows += len(client.acknowledged())
        self.assertGreaterEqual(int(ask(self.birch.address, 7000, "count")), rows)

    def stranger_events(self):
        return [event for event in self.cluster.events()[self.told:] if event["kind"] == "stranger_found"]

    def test_all_rules_are_flushed(self):
        self.birch.run("nft", "flush", "ruleset")
        self.heals("table ip flocker was gone (nft)")

    def test_our_table_is_deleted_on_a_node_that_only_passes_on(self):
        self.cluster["alder"].run("nft", "delete", "table", "ip", "flocker")
        self.heals("table ip flocker was gone (nft)", "alder")

    def test_our_table_is_flushed(self):
        self.birch.run("nft", "flush", "table", "ip", "flocker")
        self.heals("rules of table ip flocker were not as they had been made (nft)")

    def test_a_firewall_is_loaded_that_forwards_nothing(self):
        """As ufw and firewalld do when they are reloaded."""
        self.birch.run("sh", "-c", "iptables -P FORWARD DROP && iptables -F DOCKER-USER")
        self.heals("chain DOCKER-USER did not let our connections pass (iptables)")

    def test_the_container_is_removed(self):
        self.birch.docker("rm", "--force", "flocker--store")
        self.heals("the container of store was removed by somebody else")

    def test_everything_that_docker_takes_for_unused_is_pruned(self):
        cedar = self.cluster["cedar"]
        for node in (self.birch, cedar):
            node.docker("system", "prune", "--all", "--force", "--volumes")
        wait_until("cedar to have the image again",
                   lambda: "flocker/ledger" in cedar.docker("images", "--format", "{{.Repository}}"))
        for client in self.clients:
            client.wait_rows(30)
        self.cluster.move("store", "cedar")
        for client in self.clients:
            client.wait_rows(30)
            self.assertEqual(client.mark("after")["refused"], 0)
            self.assert_nothing_lost(client)
        self.cluster.move("store", "birch")

    def test_the_engine_is_restarted(self):
        self.cluster.restart_engine("birch")
        self.heals("the container engine was away, and with it ended store")

    def test_the_engine_crashes(self):
        self.cluster.restart_engine("birch", signal.SIGKILL)
        self.heals("the container engine was away")

    def test_the_engine_is_restarted_under_an_application_that_is_never_restarted_by_itself(self):
        never = ledger(volume=volume(replicas=2), restart_policy={"name": "never"})
        self.cluster.deploy({"store": never}, {"alder": [], "birch": ["store"], "cedar": []})
        for client in self.clients:
            client.wait_rows(20)
        self.cluster.restart_engine("birch")
        self.heals("the container engine was away, and with it ended store")


class TakenPorts(ClusterTestCase):
    """A port that somebody has on any node is found before anything is touched."""

    def setUp(self):
        self.cluster.deploy({"store": ledger()}, {"alder": ["store"], "birch": [], "cedar": []})

    def tearDown(self):
        self.cluster.deploy({}, {"alder": [], "birch": [], "cedar": []})

    def test_a_process_on_a_node_that_the_application_is_not_for(self):
        with listening(self.cluster["cedar"], 7100):
            self.assert_refused(7100, "external port 7100 is taken on node cedar by python3")
        wait_until("the port to be free", lambda: self.try_to_deploy(7100).returncode == 0)

    def test_a_container_that_publishes_it(self):
        birch = self.cluster["birch"]
        birch.docker("run", "--detach", "--name", "squatter", "--publish", "7200:7000", "flocker/ledger:1")
        self.addCleanup(birch.docker, "rm", "--force", "squatter")
        self.assert_refused(7200, "external port 7200 is taken on node birch by container squatter")

    def test_a_port_of_flockers_own(self):
        self.assert_refused(4523, "external port 4523 is taken on node alder by flockerd")

    def assert_refused(self, port, reason):
        """Whole: the other application of the same deployment does not begin either."""
        before = runs(self.cluster)
        refused = wait_until("the deployment to be refused", lambda: (lambda done: done if reason in done.stderr + done.stdout
                                                                      else None)(self.try_to_deploy(port, "--dry-run")))
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("application.yml:", refused.stderr + refused.stdout)
        self.assertNotEqual(self.try_to_deploy(port).returncode, 0)
        self.assertEqual(runs(self.cluster), before)

    def try_to_deploy(self, port, *more):
        return self.cluster.deploy({"store": ledger(), "other": ledger(7300), "greedy": ledger(port)},
                                   {"alder": ["store", "greedy"], "birch": ["other"], "cedar": []}, *more, check=False)


@contextlib.contextmanager
def listening(node, port):
    program = f"import socket, time; s = socket.create_server(('0.0.0.0', {port})); print(flush=True); time.sleep(600)"
    process = subprocess.Popen(node.inside(["python3", "-c", program]), stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        yield
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


if __name__ == "__main__":
    main()
