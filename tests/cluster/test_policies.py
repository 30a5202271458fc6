# SPDX-License-Identifier: Apache-2.0
"""Restart policies do what they say."""
import os
import signal

from cluster import ClusterTestCase, main, wait_until
from probes import ask, inspect, ledger, wait_for


class RestartPolicies(ClusterTestCase):
    nodes = 1

    def test_always_starts_it_again_however_it_ended_and_the_data_is_there(self):
        self.deploy("always")
        ask(self.node.address, 7000, "add one")
        for number in (signal.SIGKILL, signal.SIGTERM):
            with self.subTest(number=number):
                before = self.end(number)
                self.wait_other_run(before)
                self.assertEqual(ask(self.node.address, 7000, "count"), "1")

    def test_never_leaves_it_ended(self):
        self.deploy("never")
        before = self.end(signal.SIGKILL)
        wait_for(self.cluster, "app", "to be exited", lambda seen: seen["state"] == "exited")
        self.assertNotIn("flocker--app", self.node.containers())
        self.assertEqual(inspect(self.node, "app")["State"]["StartedAt"], before)

    def test_on_failure_starts_it_again_after_a_failure_and_not_after_success(self):
        self.deploy("on-failure")
        before = self.end(signal.SIGKILL)
        before = self.wait_other_run(before)
        self.assertEqual(self.end(signal.SIGTERM), before)
        wait_for(self.cluster, "app", "to be finished", lambda seen: seen["state"] == "finished")
        self.assertEqual(inspect(self.node, "app")["State"]["StartedAt"], before)

    def test_on_failure_gives_up_after_so_many_starts(self):
        restarts = 2
        done = self.deploy("on-failure", {"maximum_retry_count": restarts}, {"LEDGER_DIR": "/nowhere/at/all"}, check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        entry = wait_for(self.cluster, "app", "to be given up", lambda seen: seen["state"] == "exited")
        self.assertEqual(entry["container"]["exit_code"], 1)
        self.assertEqual(self.starts(), 1 + restarts)

    def test_a_deployment_starts_what_has_ended(self):
        self.deploy("never")
        before = self.end(signal.SIGKILL)
        wait_for(self.cluster, "app", "to be exited", lambda seen: seen["state"] == "exited")
        self.deploy("never")
        self.assertNotEqual(inspect(self.node, "app")["State"]["StartedAt"], before)
        ask(self.node.address, 7000, "count")

    # --- what they share ------------------------------------------------------------------------

    def setUp(self):
        self.node = next(iter(self.cluster.nodes.values()))
        self.addCleanup(self.cluster.deploy, {}, {self.node.name: []})

    def deploy(self, policy, more=None, environment=None, **options):
        return self.cluster.deploy({"app": ledger(restart_policy={"name": policy, **(more or {})}, environment=environment)},
                                   {self.node.name: ["app"]}, **options)

    def end(self, number):
        """Ends the application's process. When that run of it had begun."""
        state = inspect(self.node, "app")["State"]
        os.kill(state["Pid"], number)
        return state["StartedAt"]

    def wait_other_run(self, before):
        def now():
            state = inspect(self.node, "app")["State"]
            return state["Running"] and state["StartedAt"] != before and state["StartedAt"]
        started = wait_until("the application to be started again", now, 60)
        wait_for(self.cluster, "app", "to be ready", lambda seen: seen["container"] and seen["container"]["ready"])
        return started

    def starts(self):
        """Each run of this ledger has complained once, on standard error."""
        engine = {**os.environ, "DOCKER_HOST": f"unix://{self.node.folder}/docker.sock"}
        return self.node.run("docker", "logs", "flocker--app", env=engine).stderr.count("ledger: ")


if __name__ == "__main__":
    main()
