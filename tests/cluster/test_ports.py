# SPDX-License-Identifier: Apache-2.0
"""External ports as clients see them: UDP beside TCP, and whose address an application sees."""
import ipaddress
import pathlib
import socket
import threading
import time

from cluster import ClusterTestCase, main, wait_until
from probes import ask, inspect, ledger, result_of

PORT = 5353
# Keeps each line that it is sent, and then says so. The first process of a container is ended by no signal that it
# has not asked for.
KEEPER = f"""
import os, signal, socket
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
rows = os.open("/data/rows", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", {PORT}))
while True:
    row, client = server.recvfrom(2000)
    os.write(rows, row + b"\\n")
    os.fsync(rows)
    server.sendto(b"kept " + row, client)
"""
KEEPING = {"image": "flocker/web:1", "command": ["python3", "-c", KEEPER], "ports": [f"{PORT}:{PORT}/udp"],
           "volume": {"mountpoint": "/data"}, "restart_policy": {"name": "always"}}


class Sender:
    """One socket that sends a row, waits a moment for its receipt, and sends the next."""

    def __init__(self, name, address):
        self.name = name
        self.kept = []
        self.refused = 0
        self.longest_gap = 0.0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect((address, PORT))
        self._socket.settimeout(0.3)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        last = time.monotonic()
        number = 0
        while not self._stop.is_set():
            number += 1
            try:
                self._socket.send(f"{self.name}-{number}".encode())
                answer = self._socket.recv(2000).decode()
            except TimeoutError:
                continue
            except ConnectionRefusedError:
                self.refused += 1
                time.sleep(0.05)
                continue
            # A receipt that came late is one as well.
            self.kept.append(answer.removeprefix("kept "))
            self.longest_gap = max(self.longest_gap, time.monotonic() - last)
            last = time.monotonic()
            time.sleep(0.005)

    def wait_rows(self, count):
        goal = len(self.kept) + count
        wait_until(f"{self.name} to have {count} more rows kept", lambda: len(self.kept) >= goal)

    def stop(self):
        self._stop.set()
        self._thread.join(5)
        self._socket.close()


class UdpPorts(ClusterTestCase):
    images = ("flocker/ledger:1", "flocker/web:1")

    def test_steady_flows_of_datagrams_follow_a_move_and_lose_no_row_that_was_kept(self):
        applications = {"keeper": KEEPING, "store": ledger(PORT)}
        self.cluster.deploy(applications, {"alder": ["keeper"], "birch": [], "cedar": ["store"]})
        entry = next(each for each in self.cluster.status()["applications"] if each["name"] == "keeper")
        self.assertEqual(entry["ports"], [{"internal": PORT, "external": PORT, "protocol": "udp"}])
        senders = [Sender(node.name, node.address) for node in self.cluster.nodes.values()]
        for sender in senders:
            self.addCleanup(sender.stop)
            sender.wait_rows(50)
            sender.longest_gap = 0.0
        for target in ("birch", "cedar", "alder"):
            with self.subTest(target=target):
                moved = result_of(self.cluster.move("keeper", target, "--json"), "keeper")
                for sender in senders:
                    sender.wait_rows(50)
                    self.assertEqual(sender.refused, 0, sender.name)
                self.assert_runs_only_on("keeper", target)
                self.assertLess(max(sender.longest_gap for sender in senders), 5.0, moved)
        print("longest gaps", {sender.name: round(sender.longest_gap, 3) for sender in senders}, flush=True)
        self.assertRegex(ask(self.cluster["birch"].address, PORT, "add a row"), "ok [0-9]+", "TCP has the number, too")
        for sender in senders:
            sender.stop()
        rows = set(self.cluster["alder"].docker("exec", "flocker--keeper", "cat", "/data/rows").split())
        for sender in senders:
            self.assertEqual([row for row in sender.kept if row not in rows], [], f"acknowledged to {sender.name} and lost")

    def test_a_number_of_udp_is_one_applications(self):
        done = self.cluster.deploy({"keeper": KEEPING, "other": KEEPING}, {"alder": ["keeper", "other"]}, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"external port {PORT}/udp is taken by application 'keeper'", done.stdout + done.stderr)


class ClientAddresses(ClusterTestCase):
    """The application on alder sees who connects to alder; who comes through another node is that node to it."""

    nodes = 2

    def test_the_clients_address_is_kept_where_the_application_runs(self):
        alder, birch = self.cluster["alder"], self.cluster["birch"]
        self.cluster.deploy({"store": ledger()}, {"alder": ["store"], "birch": []})
        with socket.create_connection((alder.address, 7000), 10) as client:
            own = client.getsockname()[0]
            self.assertEqual(self.peers(alder), {own})
        with socket.create_connection((birch.address, 7000), 10):
            self.assertEqual(self.peers(alder), {birch.address})
        self.cluster.move("store", "birch")
        with socket.create_connection((birch.address, 7000), 10):
            self.assertEqual(self.peers(birch), {own})

    def test_every_node_answers_by_ipv6_as_well(self):
        alder, birch = self.cluster["alder"], self.cluster["birch"]
        for node, address in ((alder, "fd77:1::b"), (birch, "fd77:1::c")):
            node.run("ip", "-6", "address", "replace", f"{address}/64", "dev", "eth0", "nodad")
        self.cluster.deploy({"store": ledger()}, {"alder": ["store"], "birch": []})
        for seen_from, address in ((alder, "::1"), (alder, "fd77:1::c"), (birch, "fd77:1::b"), (birch, "::1")):
            program = (f"import socket; s = socket.create_connection(('{address}', 7000), 10); s.sendall(b'add by six\\n'); "
                       "print(s.makefile().readline())")
            answered = seen_from.run("python3", "-c", program).stdout
            self.assertTrue(answered.startswith("ok "), (seen_from.name, address, answered))

    def peers(self, node):
        """Who is connected to the ledger there, as the kernel tells its container."""
        process = inspect(node, "store")["State"]["Pid"]
        established = "01"

        def seen():
            lines = [line.split() for line in pathlib.Path(f"/proc/{process}/net/tcp").read_text().splitlines()[1:]]
            return {str(ipaddress.ip_address(int.from_bytes(bytes.fromhex(line[2].split(":")[0]), "little")))
                    for line in lines if line[3] == established and int(line[1].split(":")[1], 16) == 7000}
        return wait_until("a connection to the ledger", seen)


if __name__ == "__main__":
    main()
