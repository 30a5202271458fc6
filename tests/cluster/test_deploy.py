# SPDX-License-Identifier: Apache-2.0
"""Two manifests in, a running cluster out."""
import copy

from cluster import ClusterTestCase, main
from probes import application, ask, ask_link, ask_on, inspect, ledger, link, runs

APPLICATIONS = {
    "store": ledger(7000),
    "journal": ledger(7001),
    # No volume of its own; what it is linked to runs on other nodes.
    "front": ledger(7002, volume=None, links=[link("store", 7000), link("journal", 7001)]),
}
PLACES = {"alder": ["store"], "birch": ["journal"], "cedar": ["front"]}


class Deploys(ClusterTestCase):
    def setUp(self):
        self.applications = copy.deepcopy(APPLICATIONS)
        self.cluster.deploy(self.applications, PLACES)

    def test_every_node_answers_for_every_application(self):
        ask(self.cluster["alder"].address, 7000, "add one")
        for node in self.cluster.nodes.values():
            self.assertEqual(ask(node.address, 7000, "count"), ask(self.cluster["alder"].address, 7000, "count"))
            for port in (7000, 7001, 7002):
                ask(node.address, port, "count")

    def test_a_node_reaches_every_application_through_itself(self):
        for node in self.cluster.nodes.values():
            for port in (7000, 7001, 7002):
                self.assertGreaterEqual(ask_on(node, node.address, port), 0)

    def test_links_lead_to_the_linked_applications(self):
        ask(self.cluster["cedar"].address, 7001, "add one")
        journal = int(ask(self.cluster["birch"].address, 7001, "count"))
        front = self.cluster["cedar"]
        self.assertEqual(ask_link(front, "front", "journal", 7001), journal)
        self.assertEqual(ask_link(front, "front", "store", 7000), int(ask(front.address, 7000, "count")))

    def test_deploying_the_same_again_changes_nothing(self):
        containers, routes = runs(self.cluster), self.routes()
        client = self.cluster.load("ledger", "cedar", 7000)
        client.mark("again")
        report = self.cluster.deploy(self.applications, PLACES, "--json")
        self.assertEqual([row["outcome"] for row in report["results"]], ["unchanged"] * 3, report)
        client.wait_rows(50)
        window = client.mark("after")
        client.finish()
        self.assertEqual((window["refused"], window["resets"], window["errors"]), (0, 0, 0))
        self.assertEqual(runs(self.cluster), containers)
        self.assertEqual(self.routes(), routes)

    def test_a_changed_variable_restarts_that_one_container_which_keeps_its_data(self):
        self.restarts_store_alone({"environment": {"COLOUR": "red"}})
        self.assertIn("COLOUR=red", inspect(self.cluster["alder"], "store")["Config"]["Env"])

    def test_a_changed_limit_restarts_that_one_container_which_keeps_its_data(self):
        self.restarts_store_alone({"mem_limit": 64 * 2**20})
        self.assertEqual(inspect(self.cluster["alder"], "store")["HostConfig"]["Memory"], 64 * 2**20)

    def test_a_changed_port_moves_the_route_and_keeps_the_data(self):
        count = self.restarts_store_alone({"ports": [{"internal": 7000, "external": 7010}]}, port=7010)
        self.assertEqual(int(ask(self.cluster["cedar"].address, 7010, "count")), count)
        with self.assertRaises(OSError):
            ask(self.cluster["cedar"].address, 7000, "count", seconds=2)

    def test_an_unreadable_manifest_is_refused_and_nothing_is_touched(self):
        self.applications["store"]["imagine"] = "flocker/ledger:1"
        self.refused("application.yml:", "imagine")

    def test_an_unknown_node_is_refused_and_nothing_is_touched(self):
        self.refused("deployment.yml:", "dogwood", places={**PLACES, "dogwood": []})

    def test_an_image_that_nobody_has_is_refused_and_nothing_is_touched(self):
        self.applications["store"]["image"] = "flocker/nothing:1"
        self.refused("application.yml:", "flocker/nothing:1")

    def test_one_port_twice_is_refused_and_nothing_is_touched(self):
        self.applications["store"]["ports"][0]["external"] = 7001
        self.refused("application.yml:", "7001")

    def test_a_dry_run_changes_nothing(self):
        before = runs(self.cluster)
        self.applications["store"]["environment"] = {"COLOUR": "blue"}
        report = self.cluster.deploy(self.applications, PLACES, "--dry-run", "--json")
        self.assertEqual({step["application"]: step["kind"] for step in report["steps"]}["store"], "restart")
        self.assertEqual(runs(self.cluster), before)

    # --- what they share ------------------------------------------------------------------------

    def restarts_store_alone(self, changes, port=7000):
        """The count of the store, which has one line more than before."""
        before = runs(self.cluster)
        ask(self.cluster["birch"].address, 7000, "add kept")
        count = int(ask(self.cluster["birch"].address, 7000, "count"))
        self.applications["store"].update(changes)
        report = self.cluster.deploy(self.applications, PLACES, "--json")
        self.assertEqual({row["application"]: row["outcome"] for row in report["results"]},
                         {"store": "restarted", "journal": "unchanged", "front": "unchanged"})
        after = runs(self.cluster)
        store = ("alder", "flocker--store")
        self.assertNotEqual(after.pop(store), before.pop(store))
        self.assertEqual(after, before)
        self.assertEqual(int(ask(self.cluster["birch"].address, port, "count")), count)
        return count

    def refused(self, *words, places=None):
        before = runs(self.cluster)
        revision = self.cluster.status()["revision"]
        done = self.cluster.deploy(self.applications, places or PLACES, check=False)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertEqual(self.cluster.status()["revision"], revision)
        self.assertEqual(runs(self.cluster), before)
        self.assertTrue(application(self.cluster, "store")["settled"])

    def routes(self):
        """With the handles, which a rule that is written anew does not keep."""
        return {node.name: node.run("nft", "--handle", "--stateless", "list", "ruleset").stdout
                for node in self.cluster.nodes.values()}


if __name__ == "__main__":
    main()
