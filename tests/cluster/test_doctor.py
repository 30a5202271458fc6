# SPDX-License-Identifier: Apache-2.0
"""What the doctor finds on real nodes, and what is in the archive for somebody who helps."""
import json
import os
import re
import subprocess
import tarfile

import command_line
from cluster import ClusterTestCase, main, wait_until
from probes import ledger

SECRET = "swordfish-4711-in-the-environment"


class Doctor(ClusterTestCase):
    nodes = 2

    def test_a_node_on_which_all_is_well_has_nothing_that_fails(self):
        for node in self.cluster.nodes.values():
            wait_until(lambda here=node: f"{here.name} to be well: {self.failing(here)}",
                       lambda here=node: not self.failing(here))
            found = {finding["subject"]: finding["level"] for finding in self.examine(node)}
            for subject in ("node", "programs", "kernel", "engine", "ports", "identity", "control", "peers"):
                self.assertEqual(found[subject], "ok", subject)

    def test_what_is_broken_is_found_and_the_exit_code_says_so(self):
        alder, birch = self.cluster["alder"], self.cluster["birch"]
        key = birch.folder / "etc/node.key"
        key.chmod(0o644)
        self.assertIn(str(key), self.failing(birch)["identity"])
        key.chmod(0o600)

        alder.daemon.stop()
        failing = self.failing(birch)
        self.assertIn("can't be reached", failing["control"])
        self.assertIn("alder can't be reached", failing["peers"])
        records = alder.folder / "var/control.sqlite"
        whole = records.read_bytes()
        records.write_bytes(whole[:5000])
        failing = self.failing(alder)
        self.assertIn("flockerd does not run", failing["node"])
        self.assertIn("is damaged", failing["control"])
        records.write_bytes(whole)
        alder.daemon.start()

        birch.daemon.stop()
        stranger = "import socket,time; s=socket.create_server(('', 4525)); print('here', flush=True); time.sleep(60)"
        with self.program(birch, "python3", "-c", stranger):
            self.assertIn("port 4525 (snapshots) is taken by python3", self.failing(birch)["ports"])
        birch.daemon.start()

    def test_a_machine_that_is_no_node_yet_is_looked_at_as_well(self):
        done = self.cluster["birch"].run(command_line.FLOCKER, "doctor", "--json", "--config-dir", "/nonexistent", check=False)
        found = {finding["subject"]: finding for finding in json.loads(done.stdout)["findings"]}
        self.assertIn("no node yet", found["node"]["text"])
        self.assertNotIn("identity", found)

    def test_diagnostics_hold_what_helps_and_no_secret(self):
        self.cluster.deploy({"store": ledger(environment={"DATABASE_PASSWORD": SECRET})}, {"alder": ["store"], "birch": []})
        token = self.cluster.flocker(*command_line.create_token())["token"]
        for node in self.cluster.nodes.values():
            archive = self.cluster.folder / f"{node.name}.tar.gz"
            node.run(*command_line.diagnostics(node, archive),
                     env={**os.environ, **command_line.context(self.cluster["alder"])})
            self.assertEqual(archive.stat().st_mode & 0o777, 0o600)
            with tarfile.open(archive) as packed:
                texts = {member.name.split("/")[-1]: packed.extractfile(member).read().decode(errors="replace")
                         for member in packed.getmembers() if member.isfile()}
            everything = "\n".join(texts.values())
            for secret in (SECRET, token, *self.key_lines()):
                self.assertNotIn(secret, everything)
            self.assertNotIn("PRIVATE KEY", everything)
            self.assertIn("DATABASE_PASSWORD", texts["assignment.json"] if node.name == "alder" else everything)
            self.assertEqual(json.loads(texts["status.json"])["applications"][0]["name"], "store")
            self.assertIn("table ip flocker", texts["nftables.txt"])
            self.assertIn(" - btrfs ", texts["mounts.txt"])
            self.assertIn("flocker", texts["pool.txt"])
            self.assertIn("events", texts["events.json"])
            self.assertIn("docker", texts["doctor.txt"])
            self.assertIn(node.name, texts["flocker.yml"])
        self.cluster.deploy({}, {name: [] for name in self.cluster.nodes})

    # --- steps ------------------------------------------------------------------------------------

    def examine(self, node):
        done = node.run(*command_line.doctor(node), check=False)
        findings = json.loads(done.stdout)["findings"]
        self.assertEqual(done.returncode, 1 if any(each["level"] == "fail" for each in findings) else 0)
        for each in findings:
            self.assertTrue(each["mend"] or each["level"] == "ok", each)
        return findings

    def failing(self, node):
        """Subject -> what is said of it."""
        return {each["subject"]: each["text"] for each in self.examine(node) if each["level"] == "fail"}

    def program(self, node, *command):
        return Running(node.inside(command))

    def key_lines(self):
        """The lines of all keys."""
        for node in self.cluster.nodes.values():
            for key in [*node.folder.glob("etc/*.key"), *node.folder.glob("var/*.key")]:
                yield from re.findall(r"^[A-Za-z0-9+/=]{40,}$", key.read_text(), re.M)


class Running:
    """A program that has said something, and ends with the block."""

    def __init__(self, command):
        self.command = command

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(10)
        self.process.stdout.close()


if __name__ == "__main__":
    main()
