# SPDX-License-Identifier: Apache-2.0
"""What goes wrong on real machines while a database moves: links, pools, engines, images. Nobody helps; nothing acknowledged
is lost; what goes on says so, and what is given up leaves the application where it was."""
import contextlib
import os
import signal

from cluster import ClusterTestCase, main, run, wait_until
from instants import BACK, MOVE, HarmTestCase, cases, other, point_called
from probes import application, fill, ledger, volume, volumes, wait_for

ALONE = ledger(volume=volume(replicas=0))
MEBIBYTE = 2**20


class FaultTestCase(HarmTestCase):
    """The store is on birch or cedar, without a replica, and clients are at alder."""

    def setUp(self):
        self.deploy()
        self.client = self.cluster.load("ledger", "alder", 7000)
        self.client.wait_rows(20)

    def deploy(self):
        self.deploy_at_owner(ALONE)
        wait_for(self.cluster, "store", "to be settled", lambda seen: seen and seen["settled"])

    def roles(self):
        return {"control": "alder", "source": self.owner, "target": other(self.owner)}

    def begin_move(self):
        self.cluster.move("store", other(self.owner), "--detach", check=False)

    def await_given_up(self):
        return wait_for(self.cluster, "store", "to be given up", lambda seen: seen and seen["state"] == "waiting", BACK)

    def note_end(self, what, point, party, moved):
        self.note(what, point.name, party, "moved" if moved else "at the source",
                  f"{self.client.totals.pause / 1000:.1f} s pause")

    def await_end(self):
        """True: it has moved."""
        owner = self.await_rest()
        moved = owner != self.owner
        type(self).owner = owner
        self.client.wait_rows(20, BACK)
        self.assert_nothing_lost(self.client)
        return moved


class CutLinks(FaultTestCase):
    """No packet passes between source and target; both reach the control service."""

    @contextlib.contextmanager
    def cut_at(self, point):
        source, target = self.cluster[self.owner], self.cluster[other(self.owner)]
        try:
            with self.trapped(point, self.roles(), lambda: source.cut_from(target)):
                yield
        finally:
            source.mend()

    def test_a_link_that_is_cut_for_ten_seconds_delays_a_move_or_ends_it_where_it_began(self):
        for point, _ in cases(MOVE, ["link"]):
            with self.subTest(point.name):
                self.setUp()
                with self.cut_at(point):
                    self.begin_move()
                    self.pass_time(10)
                moved = self.await_end()
                pause = self.client.totals.pause
                self.assertLess(pause, 30_000, "clients waited for a link that they did not use")
                self.note_end("link cut for 10 s", point, "link", moved)

    def test_a_link_that_stays_cut_ends_a_cutover_where_it_began_and_says_why(self):
        point = point_called("sealing")
        with self.cut_at(point):
            self.begin_move()
            entry = self.await_given_up()
            self.assertEqual(entry["owner_node"], self.owner)
            self.assertIn(other(self.owner), entry["last_move"]["reason"])
            self.client.wait_rows(20, BACK)
        self.assertFalse(self.await_end())
        self.note_end("link cut for good", point, "link", False)

    def test_a_copy_waits_for_a_link_that_stays_cut_and_says_so_while_the_application_serves(self):
        point = point_called("first copy")
        with self.cut_at(point):
            self.begin_move()
            wait_until("the reason to be told", lambda: other(self.owner) in self.cluster.flocker("why", "store"), BACK)
            self.client.wait_rows(200)
        self.assertTrue(self.await_end(), "it goes on when the link is there again")
        self.assertLess(self.client.totals.pause, 10_000)


class SlowLinks(FaultTestCase):
    """Ten million bits a second, and one packet in fifty is lost."""

    SHAPE = "root tbf rate 10mbit burst 32kb latency 400ms"
    LOSS = ("add table ip flkt_loss\n"
            "add chain ip flkt_loss out { type filter hook output priority 300; policy accept; }\n"
            "add rule ip flkt_loss out oifname eth0 numgen random mod 50 == 0 drop\n")

    def test_slow_is_not_taken_for_dead(self):
        fill(self.cluster, "alder", 7000, "12M")
        for name in ("birch", "cedar"):
            self.cluster[name].run("tc", "qdisc", "add", "dev", "eth0", *self.SHAPE.split())
            self.cluster[name].nft(self.LOSS)
        try:
            self.begin_move()
            self.assertTrue(self.await_end())
        finally:
            for name in ("birch", "cedar"):
                self.cluster[name].run("tc", "qdisc", "del", "dev", "eth0", "root", check=False)
                self.cluster[name].nft("add table ip flkt_loss\ndelete table ip flkt_loss\n")
        self.assertGreater(application(self.cluster, "store")["last_move"]["bytes_live"], 12 * MEBIBYTE)
        lost = [event for event in self.cluster.flocker("events", "--json")["events"] if event["kind"] == "node_lost"]
        self.assertEqual(lost, [])


class FullPools(FaultTestCase):
    """Pools so small that a test can fill them."""

    pool_size = "1G"

    @contextlib.contextmanager
    def filled(self, name):
        """`fill_up()` fills the node's pool to the last block, until the end of the block of code."""
        pool = self.cluster[name].folder / "pool"
        try:
            yield lambda: self.fill_up(pool)
        finally:
            (pool / "ballast").unlink(missing_ok=True)
            run(["btrfs", "filesystem", "sync", pool])

    @staticmethod
    def fill_up(pool):
        with (pool / "ballast").open("ab") as file:
            piece = bytes(MEBIBYTE)
            try:
                while True:
                    file.write(piece)
                    file.flush()
            except OSError:
                pass
        run(["btrfs", "filesystem", "sync", pool], check=False)

    def test_a_target_that_was_full_before_is_refused_and_nothing_is_touched(self):
        fill(self.cluster, "alder", 7000, "60M")
        target = other(self.owner)
        with self.filled(target) as fill_up:
            fill_up()
            wait_until("the control service to hear of it", lambda: self.free(target) < 64 * MEBIBYTE)
            done = self.cluster.move("store", target, check=False)
            self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
            self.assertIn(target, done.stderr + done.stdout)
            self.assertRegex(done.stderr + done.stdout, "room|free|space")
        self.assertFalse(self.await_end())

    def test_a_target_that_fills_up_during_the_copy_or_just_at_the_last_increment_loses_nothing(self):
        for point, _ in cases([point_called("first copy"), point_called("last increment")], ["pool"]):
            with self.subTest(point.name):
                self.setUp()
                fill(self.cluster, "alder", 7000, "30M")
                with self.filled(other(self.owner)) as fill_up:
                    with self.trapped(point, self.roles(), fill_up):
                        self.begin_move()
                    entry = wait_for(self.cluster, "store", "to be given up, or to have got through",
                                     lambda seen: seen and (seen["state"] == "waiting" or seen["settled"]), BACK)
                    if entry["owner_node"] == self.owner:
                        self.client.wait_rows(20, BACK)
                moved = self.await_end()
                self.note_end("target pool full", point, "target", moved)

    def free(self, name):
        return next(node["pool_free"] for node in self.cluster.status()["nodes"] if node["name"] == name)


class SickParts(FaultTestCase):
    def test_a_target_whose_pool_is_read_only_is_waited_for_and_named(self):
        target = other(self.owner)
        pool = self.cluster[target].folder / "pool"
        run(["mount", "-o", "remount,ro", pool])
        try:
            self.begin_move()
            wait_until("the reason to be told", lambda: "read-only" in self.cluster.flocker("why", "store").lower(), BACK)
            self.client.wait_rows(200)
        finally:
            run(["mount", "-o", "remount,rw", pool])
        self.assertTrue(self.await_end(), "it goes on when the pool is whole again")
        self.assertLess(self.client.totals.pause, 5000)

    def test_an_engine_that_hangs_on_the_target_during_the_cutover_ends_the_move_where_it_began(self):
        target = self.cluster[other(self.owner)]
        engine = int((target.folder / "run" / "dockerd.started").read_text())
        point = point_called("last increment")
        try:
            with self.trapped(point, self.roles(), lambda: os.kill(engine, signal.SIGSTOP)):
                self.begin_move()
            self.client.wait_rows(20, BACK)
        finally:
            os.kill(engine, signal.SIGCONT)
        self.await_end()
        self.assertLess(self.client.totals.pause, 60_000)

    def test_an_image_that_goes_from_the_target_before_the_start_does_not_matter(self):
        target = self.cluster[other(self.owner)]
        point = point_called("sealing")
        with self.trapped(point, self.roles(), lambda: target.docker("rmi", "--force", "flocker/ledger:1", check=False)):
            self.begin_move()
        moved = self.await_end()
        target.load_images("flocker/ledger:1")
        self.note_end("image removed", point, "target", moved)


class CalledOff(FaultTestCase):
    """`flocker move --cancel`, at each step of a move."""

    def test_a_move_that_is_called_off_leaves_the_application_where_it_is_until_it_is_committed(self):
        for point, _ in cases(MOVE, ["user"]):
            with self.subTest(point.name):
                self.setUp()
                done = []

                def cancel():
                    done.append(self.cluster.flocker("move", "store", "--cancel", check=False))
                with self.trapped(point, self.roles(), cancel):
                    self.begin_move()
                moved = self.await_end()
                self.assertEqual(done[0].returncode == 0, not moved, done[0].stdout + done[0].stderr)
                self.assertEqual(application(self.cluster, "store")["state"], "running", "it waits for nothing")
                self.note_end("called off", point, "user", moved)


class Deployments(FaultTestCase):
    """Two users at the same time."""

    def test_two_deployments_at_once_follow_one_another_and_are_never_mixed(self):
        for turn in range(5):
            with self.subTest(turn):
                self.deploy_both_at_once()

    def deploy_both_at_once(self):
        both = {f"second-{number}": ledger(7001 + number, volume=None) for number in range(2)}
        everything = {"store": ALONE, **both}
        places = ({"alder": ["second-0"], "birch": ["store"], "cedar": ["second-1"]},
                  {"alder": ["second-1"], "birch": ["second-0"], "cedar": ["store"]})
        programs = []
        for number, nodes in enumerate(places):
            folder = self.cluster.folder / f"user-{number}"
            folder.mkdir(exist_ok=True)
            files = self.cluster.write_manifests(everything, nodes)
            own = [folder / file.name for file in files]
            for file, copy in zip(files, own):
                copy.write_bytes(file.read_bytes())
            programs.append(self.cluster.begin("deploy", *own, "--yes", "--detach"))
        codes = [program.wait(60) for program in programs]
        self.assertIn(0, codes)

        def placed():
            seen = {entry["name"]: entry for entry in self.cluster.status()["applications"]}
            if not all(entry["settled"] for entry in seen.values()):
                return None
            return {name: entry["owner_node"] for name, entry in seen.items()}
        end = wait_until("all to be settled", placed, BACK)
        wanted = [{name: node for node, names in nodes.items() for name in names} for nodes in places]
        self.assertIn(end, wanted)
        type(self).owner = end["store"]

    def tearDown(self):
        self.deploy()


class SickNeighbours(ClusterTestCase):
    """What is wrong with one volume or one node is no other's trouble."""

    def test_neither_a_sick_volume_nor_a_sick_node_delays_another_move(self):
        applications = {"sick": ledger(7001, volume=volume(replicas=1)), "sound": ledger(volume=volume(replicas=1))}
        self.cluster.deploy(applications, {"alder": [], "birch": ["sick", "sound"], "cedar": []})
        client = self.cluster.load("ledger", "alder", 7000)
        client.wait_rows(20)
        with self.subTest("a volume that somebody writes"):
            sick = next(entry for entry in volumes(self.cluster) if entry["application"] == "sick")
            with (self.cluster["birch"].folder / "flocker" / sick["dataset"] / "stray").open("w"):
                self.place(applications, {"alder": [], "birch": [], "cedar": ["sick", "sound"]})
                self.assert_sound_is_at("cedar", client)
            self.await_all({"sick": {"birch", "cedar"}, "sound": {"cedar"}})
        with self.subTest("a node that does not answer"):
            engine = int((self.cluster["birch"].folder / "run" / "dockerd.started").read_text())
            os.kill(engine, signal.SIGSTOP)
            try:
                self.place(applications, {"alder": ["sound"], "birch": ["sick"], "cedar": []})
                self.assert_sound_is_at("alder", client)
            finally:
                os.kill(engine, signal.SIGCONT)
            self.await_all({"sick": {"birch", "cedar"}, "sound": {"alder"}})
        self.assert_nothing_lost(client)

    def place(self, applications, nodes):
        self.cluster.deploy(applications, nodes, "--detach")

    def assert_sound_is_at(self, node, client):
        wait_for(self.cluster, "sound", f"to be at {node}",
                 lambda seen: seen and seen["settled"] and seen["owner_node"] == node, 20)
        client.wait_rows(20)
        self.assertLess(client.mark("moved").pause, 3000)

    def await_all(self, places):
        def placed():
            seen = {entry["name"]: entry for entry in self.cluster.status()["applications"]}
            # A move that failed is not tried again by itself.
            rests = all(entry["settled"] or entry["state"] == "waiting" for entry in seen.values())
            return rests and all(seen[name]["owner_node"] in nodes for name, nodes in places.items())
        wait_until("all to be at rest", placed, BACK)


class ControlAway(ClusterTestCase):
    def test_applications_run_and_are_restarted_and_routed_and_nothing_moves_when_it_is_back(self):
        self.cluster.deploy({"store": ledger(volume=volume(replicas=1))}, {"alder": [], "birch": ["store"], "cedar": []})
        wait_for(self.cluster, "store", "to be settled", lambda seen: seen and seen["settled"])
        client = self.cluster.load("ledger", "cedar", 7000)
        client.wait_rows(50)
        birch = self.cluster["birch"]
        self.cluster["alder"].daemon.kill()
        birch.docker("kill", "flocker--store")
        client.wait_rows(50, BACK)
        HarmTestCase.pass_time(60)
        client.wait_rows(50)
        before = birch.docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", "flocker--store")
        self.cluster["alder"].daemon.start()
        wait_for(self.cluster, "store", "to be settled", lambda seen: seen and seen["settled"])
        self.assertEqual(birch.docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", "flocker--store"), before)
        self.assertEqual(self.cluster.flocker("move", "ls", "--json")["moves"], [])
        self.assertEqual(volumes(self.cluster)[0]["owner_node"], "birch")
        self.assert_nothing_lost(client)


if __name__ == "__main__":
    main()
