# SPDX-License-Identifier: Apache-2.0
"""What a person does with snapshots on real nodes: proves them equal, looks into them, lets go what was set aside."""
import json
import os
import time

import command_line
from cluster import ClusterTestCase, main, run, wait_until
from probes import ask, fill, ledger, volume, volumes


class Snapshots(ClusterTestCase):
    """The application is on birch, its replicas on alder and cedar."""

    def setUp(self):
        self.cluster.deploy({"store": ledger(volume=volume(replicas=2))}, {"alder": [], "birch": ["store"], "cedar": []})
        for i in range(10):
            self.add("birch", f"row {i}")
        self.await_replicas()

    def tearDown(self):
        self.cluster["birch"].plug()
        wait_until("all nodes to answer", lambda: all(node["alive"] for node in self.cluster.status()["nodes"]))
        self.cluster.deploy({}, {"alder": [], "birch": [], "cedar": []})
        self.cluster.flocker("volume", "rm", self.entry()["dataset"], "--yes")
        wait_until("the volume to be destroyed", lambda: not volumes(self.cluster))

    def test_replicas_are_proved_equal_while_the_application_writes_and_a_flipped_byte_is_found(self):
        fill(self.cluster, "alder", 7000, "64M")
        self.await_replicas()
        load = self.cluster.load("ledger", "alder", 7000)
        self.addCleanup(load.kill)
        verdicts = self.verify()
        self.assertEqual({each["replica"]: each["equal"] for each in verdicts}, {"alder": True, "cedar": True})
        self.assertEqual(len({each["digest"] for each in verdicts}), 1)
        self.assertGreater(verdicts[0]["bytes"], 64 << 20)
        self.assert_nobody_refused(load.finish())

        self.await_replicas()
        path = self.flip_a_byte_on("cedar")
        done = self.cluster.flocker("volume", "verify", "store", check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stderr,
                         f"the replica of store on cedar differs from its owner birch at e1-s[0-9]+, first at {path}\n")
        found = {each["replica"]: each for each in self.verify(code=1)}
        self.assertTrue(found["alder"]["equal"])
        self.assertEqual(found["cedar"]["first_difference"], path)
        self.assertTrue(self.verify("--replica", "alder")[0]["equal"])
        events = self.cluster.flocker("events", "--json")["events"]
        self.assertIn("replica_differs", [event["kind"] for event in events])
        self.assertNotIn(".reading-", "\n".join(os.listdir(self.folder("cedar")) + os.listdir(self.folder("birch"))))

    def test_what_was_set_aside_can_be_looked_into_and_is_removed_by_name(self):
        birch = self.cluster["birch"]
        birch.unplug()
        wait_until("birch to be taken for lost", lambda: not self.alive("birch"))
        script = f"exec 3<>/dev/tcp/{birch.address}/7000 && echo 'add diverged' >&3 && read -r -t 10 -u 3 answer && echo $answer"
        birch.run("bash", "-c", script)
        self.cluster.flocker("failover", "store", "--yes")
        birch.plug()
        aside = wait_until("the diverged data to be listed", lambda: next(
            (each["snapshot"] for each in self.snapshots() if each["kind"] == "set aside"), None), 60)

        with self.subTest("it is mounted on its node, and nowhere else"):
            view = birch.folder / "view"
            view.mkdir()
            elsewhere = self.local("cedar", "volume", "mount", "store", aside, self.cluster["cedar"].folder / "var")
            self.assertEqual(elsewhere.returncode, 1)
            self.assertIn("it is on birch", elsewhere.stderr)
            mounted = self.local("birch", "volume", "mount", "store", aside, view)
            self.assertEqual(mounted.returncode, 0, mounted.stderr)
            self.assertIn(b"diverged", b"".join(each.read_bytes() for each in view.rglob("*") if each.is_file()))
            with self.assertRaises(OSError):
                (view / "mine").write_text("x")
            again = self.local("birch", "volume", "mount", "store", aside, view)
            self.assertIn("mounted", again.stderr)
            gone = self.local("birch", "volume", "umount", view, program_only=True)
            self.assertEqual(gone.returncode, 0, gone.stderr)
            self.assertEqual(list(view.iterdir()), [])

        with self.subTest("only it is removed, by name"):
            kept = next(each["snapshot"] for each in self.snapshots() if each["kind"] == "snapshot")
            refused = self.cluster.flocker("volume", "snapshots", "rm", "store", kept, "--yes", check=False)
            self.assertEqual(refused.returncode, 1, refused.stderr)
            unasked = self.cluster.flocker("volume", "snapshots", "rm", "store", aside, check=False)
            self.assertEqual(unasked.returncode, 2)
            self.cluster.flocker("volume", "snapshots", "rm", "store", aside, "--yes")
            wait_until("it to be gone", lambda: all(each["kind"] != "set aside" for each in self.snapshots()))
            self.assertNotIn(f"aside-{aside}", os.listdir(self.folder("birch")))

    # --- how -----------------------------------------------------------------------------------------

    def verify(self, *more, code=0):
        done = self.cluster.flocker("volume", "verify", "store", "--json", *more, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)["replicas"]

    def flip_a_byte_on(self, node):
        """In the newest snapshot there, everything else as it was. The file's path below the volume."""
        entry = next(each for each in self.entry()["copies"] if each["node"] == node)
        snapshot = self.folder(node) / entry["snapshots"][-1]["id"]
        run(["btrfs", "property", "set", "-f", snapshot, "ro", "false"])
        largest = max((path for path in snapshot.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
        seen = largest.stat()
        with largest.open("r+b") as file:
            file.seek(seen.st_size // 2)
            byte = file.read(1)[0]
            file.seek(seen.st_size // 2)
            file.write(bytes([byte ^ 1]))
        os.utime(largest, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        run(["btrfs", "property", "set", "-f", snapshot, "ro", "true"])
        return str(largest.relative_to(snapshot))

    def local(self, node, *arguments, program_only=False):
        """As root on that node."""
        at = self.cluster[node]
        config = [] if program_only else ["--config-dir", at.folder / "etc"]
        return at.run(command_line.FLOCKER, *arguments, *config, check=False,
                      env={**os.environ, **command_line.context(self.cluster["alder"])})

    def folder(self, node):
        return self.cluster[node].folder / "pool" / "flocker" / self.entry()["dataset"]

    def entry(self):
        return volumes(self.cluster)[0]

    def snapshots(self):
        return self.cluster.flocker("volume", "snapshots", "store", "--json")["snapshots"]

    def alive(self, node):
        return next(each["alive"] for each in self.cluster.status()["nodes"] if each["name"] == node)

    def add(self, node, row):
        return ask(self.cluster[node].address, 7000, f"add {row}")

    def await_replicas(self):
        """Both hold the owner's newest snapshot, and have for so long that no report of it is old."""
        since = {}

        def settled():
            entry = self.entry()
            newest = [copy["snapshots"][-1]["id"] for copy in entry["copies"] if copy["snapshots"]]
            if len(newest) < 3 or len(set(newest)) > 1 or entry["copies"][0]["changed"]:
                return False
            return time.monotonic() - since.setdefault(newest[0], time.monotonic()) > 3
        wait_until("both replicas to hold the newest snapshot", settled, 60)


if __name__ == "__main__":
    main()
