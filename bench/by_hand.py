# SPDX-License-Identifier: Apache-2.0
"""What people do to a database in a plain container: restart it where it is, or take it to another node by hand.

Clients reach the container through a port of alder, which passes them on in the kernel to the node that it is
told. So the clients of all ways go the same way, and where a user would have to tell them a new address, they
know it before the old place is stopped.
"""
import contextlib
import os
import signal
import subprocess
import sys

from ground import ENTRY, HOME, HOURS, Failed, Outcome, Way, fill, run, wait_until


class HandSide:
    """The database in a plain container on one of the nodes, its volume the subvolume pool/hand/live there."""

    def __init__(self, ground, database):
        self.ground, self.database, self.port = ground, database, database.port + 10000
        self.acks = None  # What was acknowledged in its last move.
        self.failures = 0
        self.common = None  # The snapshot that both nodes have.

    def begin(self, size, like=None):
        """`like`: the folder of a running database of that size in the same pool. Its files as they are at one moment are
        what a power cut would leave, so the database starts with them: it saves a second filling."""
        # Docker lets nothing through a node that is not for its containers; a client wants to be told, too, when
        # there is no way to a host.
        for passed in (["-p", "tcp", "--dport", self.port], ["-p", "tcp", "--sport", self.port],
                       ["-p", "icmp", "-m", "conntrack", "--ctstate", "RELATED"]):
            self.ground[ENTRY].run("iptables", "-I", "DOCKER-USER", *passed, "-j", "ACCEPT")
        self.lead_clients_to(HOME)
        if like:
            self.clear(HOME)
            run(["btrfs", "subvolume", "snapshot", like, self.folder(HOME) / "live"])
        else:
            self.make_empty(HOME)
        self.create(HOME)
        self.ground[HOME].docker("start", "hand")
        if not like:
            fill(self.ground, self.database, size, HOME, "hand", self.port)

    def go_home(self):
        """Nobody knows where it is."""
        return False

    def lead_clients_to(self, name):
        """From now on new connections to the port of alder go there; those that are open stay."""
        entry, node = self.ground[ENTRY], self.ground[name]
        entry.run("nft", f"""
            add table ip bench_entry
            delete table ip bench_entry
            table ip bench_entry {{
                chain to {{
                    type nat hook prerouting priority dstnat - 5
                    ip daddr {entry.address} tcp dport {self.port} dnat to {node.address}
                }}
                chain back {{
                    type nat hook postrouting priority srcnat - 5
                    ip daddr {node.address} tcp dport {self.port} masquerade
                }}
            }}""")

    def folder(self, name):
        return self.ground[name].folder / "pool" / "hand"

    def clear(self, name, but=()):
        """No container and no data of it on that node, but for these snapshots."""
        self.ground[name].docker("rm", "--force", "--volumes", "hand", check=False)
        self.folder(name).mkdir(exist_ok=True)
        self.delete(*(path for path in self.folder(name).iterdir() if path.name not in but))
        if self.common not in but:
            self.common = None

    @staticmethod
    def delete(*subvolumes):
        """With their space, which comes back some time later and would cost whoever is measured then. Only theirs: what
        others have deleted in the pool may be open for as long as they like."""
        if subvolumes:
            numbers = [run(["btrfs", "inspect-internal", "rootid", path]).stdout.strip() for path in subvolumes]
            run(["btrfs", "subvolume", "delete", "--commit-after", *subvolumes])
            run(["btrfs", "subvolume", "sync", subvolumes[0].parent, *numbers], timeout=600)

    def make_empty(self, name):
        self.clear(name)
        run(["btrfs", "subvolume", "create", self.folder(name) / "live"])
        (self.folder(name) / "live").chmod(0o777)

    def create_ahead(self, name):
        """The container, before its data is there. Some engines make a missing folder of a volume beforehand."""
        self.create(name)
        live = self.folder(name) / "live"
        if live.exists():
            live.rmdir()

    def create(self, name):
        self.ground[name].docker("create", "--name", "hand", "--restart", "always",
                                 "--publish", f"{self.port}:{self.database.port}",
                                 "--volume", f"{self.folder(name)}/live:{self.database.mountpoint}", self.database.image)


class Restart(Way):
    """`docker restart` where it is: there is no source and no target."""
    name = "restart"
    title = "`docker restart` in place, as Docker ships it"
    side = HandSide

    def move(self, source, target, client):
        self.side.ground[HOME].docker("restart", "hand")
        return Outcome()


@contextlib.contextmanager
def no_arp_second(node):
    """Without the second that a client's connection may lose while a container starts, for one of three reasons. Docker
    first leads the port to the container and then lets its packets pass: one in between is dropped. Then the node
    asks by ARP for the container, which does not listen yet. And it tells only a few of several clients at once that
    the container is not there. The client, or the node, tries again a second later."""
    quick = {"net.ipv4.neigh.docker0.retrans_time_ms": "20", "net.ipv4.icmp_ratelimit": "0"}
    before = {setting: node.run("sysctl", "--values", setting).stdout.strip() for setting in quick}

    def write(settings):
        node.run("sysctl", "--quiet", "--write", *(f"{setting}={value}" for setting, value in settings.items()))

    write(quick)
    node.run("iptables", "--policy", "FORWARD", "ACCEPT")
    try:
        yield
    finally:
        node.run("iptables", "--policy", "FORWARD", "DROP")
        write(before)


class RestartQuick(Restart):
    name = "restart-quick"
    title = "`docker restart` in place, the ARP second taken out"

    def move(self, source, target, client):
        with no_arp_second(self.side.ground[HOME]):
            return super().move(source, target, client)


# Both ends of one TCP connection that is made before it is needed. Each is the process on its node.
RECEIVE = """
import socket, subprocess, sys
with socket.create_server((sys.argv[1], int(sys.argv[2]))) as server:
    print("ready", flush=True)
    connection, _ = server.accept()
sys.exit(subprocess.run(["btrfs", "receive", "--quiet", sys.argv[3]], stdin=connection).returncode)
"""
SEND = """
import socket, struct, subprocess, sys
connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
if not sys.stdin.readline():
    sys.exit(1)
done = subprocess.run(["btrfs", "send", "--quiet", *sys.argv[3:]], stdin=subprocess.DEVNULL, stdout=connection)
connection.shutdown(socket.SHUT_WR)
connection.recv(1)
bytes_acked = struct.unpack_from("Q", connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192), 120)[0]
print(bytes_acked)
sys.exit(done.returncode)
"""
STREAM_PORT, RSYNC_PORT = 18900, 18730


class Stream:
    """One `btrfs send` over TCP, ready to go; `what` are its arguments."""

    def __init__(self, source, what, target, folder):
        self.processes = []
        self._start(target, RECEIVE, target.address, STREAM_PORT, folder)
        self._start(source, SEND, target.address, STREAM_PORT, *what)

    def _start(self, node, program, *arguments):
        process = subprocess.Popen(node.inside([sys.executable, "-c", program, *arguments]), stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.processes.append(process)
        if process.stdout.readline() != "ready\n":
            raise Failed(f"no stream from or to {node.name}: {process.stderr.read()}")

    def go(self):
        """When all of it has been received: the bytes that went over the wire."""
        receiver, sender = self.processes
        sent, complaint = sender.communicate("go\n", timeout=HOURS)
        _, other = receiver.communicate(timeout=HOURS)
        if sender.returncode != 0 or receiver.returncode != 0:
            raise Failed(f"the copy failed: {complaint}{other}")
        return int(sent)

    def end(self):
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # btrfs too, which would hold the pipes open.
            process.communicate()


class Classic(Way):
    """Stop, copy all, start. The stream's connection and the target's container are made before."""
    name = "classic"
    title = "stop, full `btrfs send` over TCP, start"
    side = HandSide
    slow = True

    def prepare(self, source, target):
        self.side.clear(target)
        self.side.create_ahead(target)

    def move(self, source, target, client):
        ground, here, there = self.side.ground, self.side.folder(source), self.side.folder(target)
        stream = Stream(ground[source], [here / "sent"], ground[target], there)
        try:
            self.side.lead_clients_to(target)
            ground[source].docker("stop", "hand")
            run(["btrfs", "subvolume", "snapshot", "-r", here / "live", here / "sent"])
            sent = stream.go()
            run(["btrfs", "subvolume", "snapshot", there / "sent", there / "live"])
            ground[target].docker("start", "hand")
        finally:
            stream.end()
        return Outcome(0, sent)

    def tidy(self, source, target):
        self.side.delete(self.side.folder(target) / "sent")


class Snapshots(Way):
    """What somebody writes who knows btrfs: increments while it runs, stop, the last one, start. The last snapshot stays
    on both nodes, so the way back needs no full copy. Who knows that may know of the ARP second, too."""
    name = "snapshots"
    title = "snapshots sent while it runs, stop, the last one, start; the ARP second taken out"
    side = HandSide

    LIVE = 4  # The first one may be everything; the last one writes little, and is quickly on the disk.

    def prepare(self, source, target):
        self.side.clear(target, {self.side.common})
        self.side.create_ahead(target)

    def move(self, source, target, client):
        ground, here, there = self.side.ground, self.side.folder(source), self.side.folder(target)
        before = sum(self._send(*self._ready(source, target)) for _ in range(self.LIVE))
        stream, snapshot = self._ready(source, target)
        with no_arp_second(ground[target]):
            copying = client.mark("cutover")
            self.side.lead_clients_to(target)
            ground[source].docker("stop", "hand")
            cutover = self._send(stream, snapshot)
            run(["btrfs", "subvolume", "snapshot", there / self.side.common, there / "live"])
            ground[target].docker("start", "hand")
        self.kept = {here / self.side.common, there / self.side.common, there / "live"}
        return Outcome(before, cutover, None, [copying])

    def _ready(self, source, target):
        """A stream for the next snapshot, and where that one will be."""
        ground, here, common = self.side.ground, self.side.folder(source), self.side.common
        snapshot = here / f"sent-{int(common.removeprefix('sent-')) + 1 if common else 1}"
        parent = ["-p", here / common] if common else []
        return Stream(ground[source], [*parent, snapshot], ground[target], self.side.folder(target)), snapshot

    def _send(self, stream, snapshot):
        try:
            run(["btrfs", "subvolume", "snapshot", "-r", snapshot.parent / "live", snapshot])
            sent = stream.go()
        finally:
            stream.end()
        self.side.common = snapshot.name
        return sent

    def tidy(self, source, target):
        for folder in (self.side.folder(source), self.side.folder(target)):
            self.side.delete(*(path for path in folder.iterdir() if path not in self.kept))


class RsyncTwice(Way):
    """rsync while it runs, stop, rsync again, start. rsync's own protocol: no ssh, which would cost more."""
    name = "rsync"
    title = "rsync twice (running, stopped), start"
    side = HandSide
    slow = True

    def prepare(self, source, target):
        self.side.make_empty(target)
        self.side.create(target)

    def move(self, source, target, client):
        ground = self.side.ground
        server = self._serve(ground[target], self.side.folder(target) / "live")
        try:
            before = self._copy(source, target)
            copying = client.mark("cutover")
            self.side.lead_clients_to(target)
            ground[source].docker("stop", "hand")
            cutover = self._copy(source, target)
            ground[target].docker("start", "hand")
        finally:
            server.kill()
            server.wait()
        return Outcome(before, cutover, None, [copying])

    def _serve(self, node, folder):
        configuration = self.side.ground.folder / "rsyncd.conf"
        configuration.write_text(f"uid = root\ngid = root\nuse chroot = no\n[hand]\npath = {folder}\nread only = no\n")
        server = subprocess.Popen(
            node.inside(["rsync", "--daemon", "--no-detach", f"--config={configuration}", f"--address={node.address}",
                         f"--port={RSYNC_PORT}", "--log-file=/dev/null"]),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        listing = ["rsync", f"rsync://{node.address}:{RSYNC_PORT}/"]
        wait_until("the rsync server", lambda: run(listing, check=False).returncode == 0, 10)
        return server

    def _copy(self, source, target):
        """The bytes that it sent. Files that vanish while it looks (24) are none of its business. By default it takes a file
        of the same size and the same second for the same, and PostgreSQL's log then lacks its end."""
        address = self.side.ground[target].address
        done = self.side.ground[source].run(
            "rsync", "--archive", "--numeric-ids", "--delete", "--modify-window=-1", "--stats",
            "--no-human-readable",
            f"{self.side.folder(source)}/live/", f"rsync://{address}:{RSYNC_PORT}/hand/", check=False, timeout=HOURS)
        if done.returncode not in (0, 24):
            raise Failed(f"rsync ended with {done.returncode}: {done.stderr}")
        for line in done.stdout.splitlines():
            if line.startswith("Total bytes sent:"):
                return int(line.split(":")[1].replace(",", ""))
        raise Failed(f"rsync does not say what it sent: {done.stdout}")
