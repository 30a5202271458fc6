# SPDX-License-Identifier: Apache-2.0
"""Who may become a node, and who may ask the control service."""
import json
import shutil
import ssl
import urllib.error
import urllib.request

import command_line
from cluster import ClusterTestCase, main

API = 4523


class Joining(ClusterTestCase):
    """Alder is a cluster; birch and cedar are machines that want to join it."""

    formed = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.alder, cls.birch, cls.cedar = cls.cluster.nodes.values()
        answer = json.loads(cls.alder.run(*command_line.init(cls.alder)).stdout)
        cls.first_token = command_line.token_in(answer)
        cls.alder.daemon.start()
        cls.join(cls.birch, cls.first_token)

    @classmethod
    def join(cls, node, token, **options):
        return node.run(*command_line.join(node, cls.alder.address, token), **options)

    def test_a_token_that_was_used_is_refused(self):
        self.refused(self.first_token)

    def test_a_token_that_was_revoked_is_refused(self):
        before = self.tokens()
        token = command_line.token_in(self.cluster.flocker(*command_line.create_token()))
        (added,) = set(self.tokens()) - set(before)
        self.cluster.flocker("token", "revoke", added)
        self.refused(token)

    def test_a_token_of_another_cluster_is_refused(self):
        self.refused(self.token_of_another_cluster())

    def test_what_is_no_token_is_refused(self):
        token = command_line.token_in(self.cluster.flocker(*command_line.create_token()))
        self.refused(token[:-4])
        self.refused("FLKT-1-")

    def test_the_printed_command_lets_a_machine_join_and_its_certificate_lets_it_work(self):
        command = self.cluster.flocker(*command_line.create_token())["command"].split()
        self.assertEqual(command[:2], ["flocker", "join"])
        self.cedar.run(command_line.FLOCKER, *command[1:], *command_line.place(self.cedar))
        self.addCleanup(self.leave, self.cedar)
        self.cedar.daemon.start()
        names = [node["name"] for node in self.cluster.flocker(*command_line.NODES)["nodes"]]
        self.assertEqual(names, ["alder", "birch", "cedar"])

    def test_joining_twice_is_refused(self):
        token = command_line.token_in(self.cluster.flocker(*command_line.create_token()))
        done = self.join(self.birch, token, check=False)
        self.assertNotEqual(done.returncode, 0, done.stdout)

    def test_only_certificates_of_this_cluster_are_heard(self):
        with self.subTest("its own user"):
            self.assertEqual(self.status_with(self.alder, "user"), 200)
        with self.subTest("nobody: one may come to join, and no further"):
            self.assertIn(self.status_with(None, None), (401, 403))
        with self.subTest("a user of another cluster"), self.assertRaises((ssl.SSLError, OSError)):
            self.token_of_another_cluster(keep=True)
            self.addCleanup(self.forget, self.cedar)
            self.status_with(self.cedar, "user")
        with self.subTest("a node is no user"):
            self.assertEqual(self.status_with(self.birch, "node"), 403)

    def test_keys_are_readable_by_root_alone(self):
        for node in (self.alder, self.birch):
            for key in (node.folder / "etc").glob("*.key"):
                self.assertEqual(key.stat().st_mode & 0o077, 0, key)

    # --- what they share ------------------------------------------------------------------------

    def refused(self, token):
        done = self.join(self.cedar, token, check=False)
        self.addCleanup(self.forget, self.cedar)
        self.assertIn(done.returncode, (1, 2), done.stdout)
        self.assertIn("flocker join:", done.stderr)
        self.assertNotIn("cedar", [node["name"] for node in self.cluster.flocker(*command_line.NODES)["nodes"]])

    def tokens(self):
        return [token["id"] for token in self.cluster.flocker("token", "ls", "--json")["tokens"]]

    def token_of_another_cluster(self, keep=False):
        answer = json.loads(self.cedar.run(*command_line.init(self.cedar, "--cluster", "foreign")).stdout)
        if not keep:
            self.forget(self.cedar)
        return command_line.token_in(answer)

    def status_with(self, node, identity):
        """The HTTP status of GET /v1/status with a certificate that lies in the node's folder."""
        context = ssl.create_default_context(cafile=str(self.alder.folder / "etc/ca.crt"))
        context.check_hostname = False
        if node:
            context.load_cert_chain(node.folder / f"etc/{identity}.crt", node.folder / f"etc/{identity}.key")
        try:
            with urllib.request.urlopen(f"https://{self.alder.address}:{API}/v1/status", timeout=20, context=context) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def leave(self, node):
        self.forget(node)
        self.cluster.flocker("node", "rm", node.name, "--yes")

    @staticmethod
    def forget(node):
        node.daemon.kill()
        for folder in ("etc", "var"):
            shutil.rmtree(node.folder / folder, ignore_errors=True)


if __name__ == "__main__":
    main()
