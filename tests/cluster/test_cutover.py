# SPDX-License-Identifier: Apache-2.0
"""The parts of a cutover, on real engines: the gate, the hook, the ways to stop, what was predicted and measured."""
import time

from cluster import ClusterTestCase, main, wait_until
from probes import application, ask, inspect, ledger, wait_for

STORE = "flocker--store"
HOOKED = {"before_move": ["flocker-hook"]}


class Gates(ClusterTestCase):
    """Nothing but the agent lets an application begin."""

    def setUp(self):
        self.cluster.deploy({"store": ledger()}, {"alder": ["store"], "birch": [], "cedar": []})

    def test_a_container_started_by_hand_waits_until_the_agent_is_there(self):
        alder = self.cluster["alder"]
        count = int(ask(alder.address, 7000, "add by hand").split()[1])
        alder.daemon.kill()
        alder.docker("restart", STORE)
        self.assertTrue(waits_at_its_gate(alder))
        time_to_begin = time.monotonic() + 1.5
        wait_until("a second and a half", lambda: time.monotonic() > time_to_begin)
        self.assertTrue(waits_at_its_gate(alder), "it began without anybody's leave")
        alder.daemon.start()
        wait_until("the ledger to answer", lambda: count_at(alder) == count)
        self.assertFalse(waits_at_its_gate(alder))

    def test_a_move_without_a_gate_works_too(self):
        self.cluster.deploy({"store": ledger(gate=False)}, {"alder": ["store"], "birch": [], "cedar": []})
        self.assertEqual(inspect(self.cluster["alder"], "store")["Path"], "/ledger")
        self.move_losing_nothing(ledger(gate=False))

    def test_a_cutover_by_freezing_loses_nothing(self):
        frozen = ledger(cutover="freeze")
        self.cluster.deploy({"store": frozen}, {"alder": ["store"], "birch": [], "cedar": []})
        self.move_losing_nothing(frozen)

    def move_losing_nothing(self, description):
        client = self.cluster.load("ledger", "birch", 7000)
        client.wait_rows(50)
        client.mark("move")
        self.cluster.deploy({"store": description}, {"alder": [], "birch": [], "cedar": ["store"]})
        client.wait_rows(50)
        self.assert_nobody_refused(client.mark("after"))
        self.assert_runs_only_on("store", "cedar")
        self.assert_nothing_lost(client)

    def tearDown(self):
        for node in self.cluster.nodes.values():
            node.daemon.start()
        wait_until("all nodes to answer", lambda: all(node["alive"] for node in self.cluster.status()["nodes"]))
        self.cluster.deploy({"store": ledger()}, {"alder": ["store"], "birch": [], "cedar": []})


class MovesTold(ClusterTestCase):
    """What is said of a move before and after it."""

    nodes = 2

    def setUp(self):
        self.cluster.deploy({"store": ledger()}, {"alder": ["store"], "birch": []})

    def test_a_plan_says_the_pause_and_changes_nothing(self):
        before = self.moves()
        plan = self.cluster.flocker("move", "store", "birch", "--plan", "--json")
        predicted = plan["steps"][0]["predicted"]
        parts = sum(predicted[part] for part in ("stop_ns", "increment_ns", "start_ns", "ready_ns", "rest_ns"))
        self.assertEqual(predicted["total_ns"], parts)
        self.assertGreater(predicted["total_ns"], 0)
        self.assert_runs_only_on("store", "alder")
        self.assertEqual(self.moves(), before)

    def test_moves_are_listed_with_their_parts_and_teach_the_next_prediction(self):
        before = len(self.moves())
        self.cluster.move("store", "birch")
        self.cluster.move("store", "alder")
        self.assertEqual(len(self.moves()), before + 2)
        last, first = self.moves()[:2]
        self.assertEqual([first["source"], first["target"], last["target"]], ["alder", "birch", "alder"])
        for move in (first, last):
            self.assertTrue(move["succeeded"], move)
            self.assertLessEqual({"hold", "stop", "seal", "increment", "copy", "start", "ready", "open"},
                                 set(move["steps_ns"]), move)
            self.assertGreater(move["predicted_ns"], 0)
        plan = self.cluster.flocker("move", "store", "birch", "--plan", "--json")
        self.assertGreaterEqual(plan["steps"][0]["predicted"]["moves"], 2)

    def test_a_limit_that_can_not_be_kept_is_refused_before_anything_stops(self):
        before = self.cluster["alder"].containers()
        done = self.cluster.flocker("move", "store", "birch", "--max-downtime", "1ms", check=False)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn("1 ms", done.stdout + done.stderr)
        self.assertEqual(self.cluster["alder"].containers(), before)

    def test_a_limit_that_is_kept_delays_nothing(self):
        self.cluster.flocker("move", "store", "birch", "--max-downtime", "20s")
        self.assert_runs_only_on("store", "birch")

    def test_a_hook_that_fails_ends_the_move_with_nothing_stopped(self):
        hooked = ledger(hooks=HOOKED)
        self.cluster.deploy({"store": hooked}, {"alder": ["store"], "birch": []})
        before = self.cluster["alder"].containers()
        done = self.cluster.deploy({"store": hooked}, {"alder": [], "birch": ["store"]}, check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("flocker-hook", done.stdout + done.stderr)
        self.assertEqual(self.cluster["alder"].containers(), before)
        self.assertFalse(application(self.cluster, "store")["last_move"]["succeeded"])

    def moves(self):
        return self.cluster.flocker("move", "ls", "--json")["moves"]

    def tearDown(self):
        self.cluster.deploy({"store": ledger()}, {"alder": ["store"], "birch": []})
        wait_for(self.cluster, "store", "to be settled", lambda seen: seen["settled"])


def waits_at_its_gate(node):
    seen = inspect(node, "store")
    program = node.run("readlink", f"/proc/{seen['State']['Pid']}/exe").stdout.strip()
    return seen["State"]["Running"] and program == "/.flocker/gate"


def count_at(node):
    try:
        return int(ask(node.address, 7000, "count", seconds=2.0))
    except (OSError, ValueError):
        return None


if __name__ == "__main__":
    main()
