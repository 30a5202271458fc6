# SPDX-License-Identifier: Apache-2.0
"""Certificates that are not the right ones, and values that nobody may see."""
import contextlib
import json
import socket
import subprocess
import time

from cluster import ClusterTestCase, main, run, wait_until
from probes import ask, ledger, wait_for

API, AGENTS, DATA = 4523, 4524, 4525
SECRET = "hunter2-planted-in-the-environment"


class Identity(ClusterTestCase):
    nodes = 3

    def test_each_certificate_opens_its_own_door_only(self):
        alder, birch, cedar = self.cluster.nodes.values()
        own = f"/v1/nodes/{self.id_of(birch)}/assignment"
        with self.subTest("its own"):
            self.assertEqual(self.https(birch, "node", alder, AGENTS, own)[0], "200")
        for who, file, path, status, reason in (
                (cedar, "node", own, "403", f"only node {self.id_of(birch)} itself may do this"),
                (alder, "user", own, "403", "itself may do this"),
                (alder, "control", own, "403", "itself may do this"),
                (cedar, "node", own.replace("assignment", "certificate"), "403", "itself may do this")):
            with self.subTest(f"{file} of {who.name} at the agents' door"):
                answer = self.https(who, file, alder, AGENTS, path)
                self.assertEqual(answer[0], status)
                self.assertIn(reason, answer[1])
        with self.subTest("a node's at the users' door"):
            answer = self.https(birch, "node", alder, API, "/v1/status")
            self.assertEqual(answer[0], "403")
            self.assertIn("it takes a user's certificate", answer[1])
        with self.subTest("a user's and none at the data's door"):
            self.assertIn("certificate", self.refused_at(birch, DATA, None))

    def test_a_foreign_and_an_expired_certificate_are_refused_with_the_reason(self):
        alder, birch, _ = self.cluster.nodes.values()
        folder = self.cluster.folder / "forged"
        folder.mkdir()
        ca, key = alder.folder / "etc/ca.crt", alder.folder / "etc/ca.key"
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
             "/CN=flocker cluster other", "-keyout", folder / "other.key", "-out", folder / "other.crt", "-days", "9"])
        for name, by, by_key, days in (("foreign", folder / "other.crt", folder / "other.key", 9),
                                       ("expired", ca, key, -1), ("good", ca, key, 9)):
            run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                 f"/CN=node:{self.id_of(birch)}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr"])
            run(["openssl", "x509", "-req", "-in", folder / f"{name}.csr", "-CA", by, "-CAkey", by_key, "-CAcreateserial",
                 "-days", str(days), "-out", folder / f"{name}.crt"])
        path = f"/v1/nodes/{self.id_of(birch)}/assignment"
        self.assertEqual(self.curl(ca, folder / "good.crt", folder / "good.key", alder, AGENTS, path)[0], "200")
        for name in ("foreign", "expired"):
            with self.subTest(name):
                answer = self.curl(ca, folder / f"{name}.crt", folder / f"{name}.key", alder, AGENTS, path)
                self.assertEqual(answer[0], "000", "no answer at all")

    def test_whoever_speaks_no_tls_is_hung_up_on_and_harms_nobody(self):
        alder = self.cluster["alder"]
        for port in (API, AGENTS, DATA):
            with self.subTest(port=port), socket.create_connection((alder.address, port), timeout=20) as plain:
                plain.sendall(b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
                with contextlib.suppress(ConnectionResetError):
                    self.assertNotIn(b"HTTP", plain.recv(4096))
        self.assertIn("alder", [node["name"] for node in self.cluster.status()["nodes"]])

    def test_a_removed_node_is_refused_at_once_everywhere(self):
        alder, birch, cedar = self.cluster.nodes.values()
        self.cluster.deploy({"store": ledger(7000)}, {"alder": ["store"], "birch": [], "cedar": []})
        path = f"/v1/nodes/{self.id_of(cedar)}/assignment"
        self.assertEqual(self.https(cedar, "node", alder, AGENTS, path)[0], "200")
        self.cluster.flocker("node", "rm", "cedar", "--yes")
        answer = self.https(cedar, "node", alder, AGENTS, path)
        self.assertEqual(answer[0], "403")
        self.assertIn("was removed", answer[1])
        wait_until("its own agent to say so", lambda: "was removed" in cedar.daemon.log.read_text())
        self.assertEqual(ask(birch.address, 7000, "count"), "0", "the others go on")

    def test_a_certificate_is_renewed_in_the_last_third_of_its_life(self):
        alder, birch, _ = self.cluster.nodes.values()
        certificate = birch.folder / "etc/node.crt"
        self.assertEqual(birch.daemon.stop(), 0)
        self.sign_as_of(alder, birch, hours_before=3, hours_left=1)
        old = certificate.read_text()
        birch.daemon.start()
        wait_until("the certificate to be renewed", lambda: certificate.read_text() != old)
        left = run(["openssl", "x509", "-in", certificate, "-noout", "-checkend", str(300 * 24 * 3600)], check=False)
        self.assertEqual(left.returncode, 0, "it lives for about a year")
        self.assertEqual(birch.folder.joinpath("etc/node.key").stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.https(birch, "node", alder, AGENTS, f"/v1/nodes/{self.id_of(birch)}/assignment")[0], "200")
        self.assertIn("was renewed", birch.daemon.log.read_text())

    def sign_as_of(self, alder, node, hours_before, hours_left):
        """A certificate of the node as the CA would have signed it some hours ago."""
        folder = self.cluster.folder / "ca"
        folder.mkdir()
        (folder / "index").touch()
        (folder / "serial").write_text("41\n")
        (folder / "config").write_text(f"[ca]\ndefault_ca = it\n[it]\nnew_certs_dir = {folder}\ndatabase = {folder}/index\n"
                                       f"serial = {folder}/serial\ndefault_md = sha256\npolicy = any\n[any]\n"
                                       "commonName = supplied\n")
        run(["openssl", "req", "-new", "-key", node.folder / "etc/node.key", "-subj", f"/CN=node:{self.id_of(node)}",
             "-out", folder / "request"])
        begin, end = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + hours * 3600))
                      for hours in (-hours_before, hours_left))
        run(["openssl", "ca", "-batch", "-notext", "-config", folder / "config", "-cert", alder.folder / "etc/ca.crt", "-keyfile",
             alder.folder / "etc/ca.key", "-in", folder / "request", "-out", node.folder / "etc/node.crt",
             "-startdate", begin, "-enddate", end])

    def test_no_value_of_an_environment_is_told_to_anybody(self):
        alder, birch, _ = self.cluster.nodes.values()
        application = ledger(7003, environment={"PASSWORD": SECRET})
        self.cluster.deploy({"secretive": application}, {"birch": ["secretive"]})
        wait_for(self.cluster, "secretive", "to run", lambda entry: entry and entry["settled"])
        changed = ledger(7003, environment={"PASSWORD": SECRET + "-2"})
        said = [self.cluster.deploy({"secretive": changed}, {"birch": ["secretive"]})]
        wrong = ledger(7003, environment={"PASSWORD": SECRET}, image="flocker/none:1")
        done = self.cluster.deploy({"secretive": wrong}, {"birch": ["secretive"]}, check=False)
        said += [done.stdout, done.stderr]
        odd = self.cluster.deploy({"secretive": {**changed, "environment": {"PASSWORD": [SECRET]}}}, {"birch": ["secretive"]},
                                  check=False)
        said += [odd.stdout, odd.stderr]
        for words in (["status"], ["status", "--json"], ["events"], ["why", "secretive"], ["volume", "ls", "--json"],
                      ["node", "ls", "--json"], ["move", "ls", "--json"]):
            done = self.cluster.flocker(*words, check=False)
            said += [done.stdout, done.stderr]
        said += [node.daemon.log.read_text(errors="replace") for node in self.cluster.nodes.values()]
        for text in said:
            self.assertNotIn(SECRET, text)
        for node in (alder, birch):
            for key in (node.folder / "etc").glob("*.key"):
                inside = key.read_text().splitlines()[1]
                self.assertFalse([text for text in said if inside in text], f"{key} was told")

    def id_of(self, node):
        return json.loads((node.folder / "var/node.json").read_text())["id"]

    def https(self, who, file, node, port, path):
        folder = who.folder / "etc"
        return self.curl(folder / "ca.crt", folder / f"{file}.crt", folder / f"{file}.key", node, port, path)

    def curl(self, ca, certificate, key, node, port, path):
        """(status, body); 000: there was no answer."""
        post = ["-X", "POST", "-d", "x"] if path.endswith("certificate") else []
        done = subprocess.run(["curl", "-s", "-m", "20", "--cacert", ca, "--cert", certificate, "--key", key, *post,
                               "-w", "\n%{http_code}",
                               f"https://{node.address}:{port}{path}"], capture_output=True, text=True, check=False)
        body, _, status = done.stdout.rpartition("\n")
        return status, body

    def refused_at(self, node, port, file):
        words = ["openssl", "s_client", "-connect", f"{node.address}:{port}", "-CAfile", node.folder / "etc/ca.crt"]
        done = subprocess.run(words, input="M" * 100, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout + done.stderr


if __name__ == "__main__":
    main()
