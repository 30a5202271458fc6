# SPDX-License-Identifier: Apache-2.0
"""The ways to get a database to another node, or to restart it where it is, on three nodes of this machine.

alder is where clients connect, and the first node of Flocker's cluster; the database is on birch or on
cedar. Flocker has one copy of the database to itself. What is done by hand has another one, in a plain
container with a published port, and clients reach it through a port of alder as well: alder passes them on
in the kernel to the node that it is told. So the clients of all ways go the same way, and where a user
would have to tell them a new address, they know it before the old place is stopped.
"""
import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "cluster"))

import cluster  # noqa: E402
import command_line  # noqa: E402
from cluster import Failed, run, wait_until  # noqa: E402

ENTRY, HOME, AWAY = "alder", "birch", "cedar"
HOURS = 3 * 3600.0


@dataclasses.dataclass(frozen=True)
class Database:
    name: str
    image: str
    port: int
    mountpoint: str


DATABASES = {
    "redis": Database("redis", "flocker/redis:7", 6379, "/data"),
    "postgres": Database("postgres", "flocker/postgres:15", 5432, "/var/lib/postgresql/data"),
}


@dataclasses.dataclass
class Outcome:
    """What a way can tell of a move itself. `windows`: those of the client that ended in it."""
    bytes_before: int = 0
    bytes_cutover: int = 0
    downtime_said: float | None = None
    windows: list = dataclasses.field(default_factory=list)


class Ground(cluster.Cluster):
    """The three nodes, called bench-alder and so on. What a crashed run has left is removed by up()."""

    def __init__(self, database, size):
        super().__init__("move", 3, {HOME: (database.image,), AWAY: (database.image,)})
        self.prefix = "bench"
        self.folder = pathlib.Path("/var/tmp/flocker-bench")
        self.pool_gigabytes = max(20, 6 * size >> 30)

    def _nodes_up(self):
        run([cluster.TOOLS / "nodes", "up", self.prefix, self.count, "--pool-size", f"{self.pool_gigabytes}G"],
            timeout=180)
        super()._nodes_up()

    def sync(self):
        for name in (HOME, AWAY):
            run(["btrfs", "filesystem", "sync", self[name].folder / "pool"], timeout=600)


def fill(ground, database, size, node, container, port):
    """About `size` bytes that can't be compressed. PostgreSQL gets them as a table. Redis gets them as a file beside
    its own: it would read all it has in memory when it starts, which takes as long in place as anywhere and would
    hide the rest."""
    if database.name == "redis":
        ground[node].docker("exec", container, "sh", "-c", f"head -c {size} /dev/urandom >{database.mountpoint}/ballast",
                            timeout=1800)
    else:
        run([command_line.LOAD, "fill", database.name, "--host", ground[ENTRY].address, "--port", port,
             "--bytes", size], timeout=1800)
    ground.sync()


class Way:
    """`prepare` is what can be done before without touching what runs; it is not measured, nor is `tidy`."""

    def __init__(self, side):
        self.side = side

    def prepare(self, source, target):
        pass

    def tidy(self, source, target):
        pass


# --- Flocker ------------------------------------------------------------------------------------


class FlockerSide:
    """The database as a user of Flocker runs it."""

    def __init__(self, ground, database):
        self.ground, self.database, self.port = ground, database, database.port

    def begin(self, size):
        self.ground.form()
        application = {
            "image": self.database.image,
            "ports": [{"internal": self.database.port, "external": self.port}],
            "volume": {"mountpoint": self.database.mountpoint},
            "restart_policy": {"name": "always"},
        }
        self.ground.deploy({self.database.name: application}, {HOME: [self.database.name]}, timeout=300)
        fill(self.ground, self.database, size, HOME, f"flocker--{self.database.name}", self.port)


class Flocker(Way):
    name = "flocker"
    title = "**Flocker**: `flocker move`"
    side = FlockerSide

    def move(self, source, target, client):
        answer = self.side.ground.move(self.side.database.name, target, "--json", "--timeout", "3h", timeout=HOURS + 60)
        result = answer["results"][0]
        if result["outcome"] != "moved":
            raise Failed(f"flocker move ended as '{result['outcome']}': {result['reason']}")
        return Outcome(result["bytes_live"], result["bytes_cutover"], result["downtime_ms"])


# --- by hand ------------------------------------------------------------------------------------


class HandSide:
    """The database in a plain container on one of the nodes, its volume the subvolume pool/hand/live there."""

    def __init__(self, ground, database):
        self.ground, self.database, self.port = ground, database, database.port + 10000

    def begin(self, size):
        # Docker lets nothing through a node that is not for its containers; a client wants to be told, too, when
        # there is no way to a host.
        for passed in (["-p", "tcp", "--dport", self.port], ["-p", "tcp", "--sport", self.port],
                       ["-p", "icmp", "-m", "conntrack", "--ctstate", "RELATED"]):
            self.ground[ENTRY].run("iptables", "-I", "DOCKER-USER", *passed, "-j", "ACCEPT")
        self.lead_clients_to(HOME)
        self.make_empty(HOME)
        self.create(HOME)
        self.ground[HOME].docker("start", "hand")
        fill(self.ground, self.database, size, HOME, "hand", self.port)

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

    def clear(self, name):
        """No container and no data of it on that node."""
        self.ground[name].docker("rm", "--force", "--volumes", "hand", check=False)
        self.folder(name).mkdir(exist_ok=True)
        self.delete(*self.folder(name).iterdir())

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


class RestartQuick(Restart):
    """Without the second that a client's connection may lose while the container starts, for one of two reasons. Docker
    first leads the port to the container and then lets its packets pass: one in between is dropped. Then the node
    asks by ARP for the container, which does not listen yet. The client, or the node, tries again a second later."""
    name = "restart-quick"
    title = "`docker restart` in place, the ARP second taken out"

    def move(self, source, target, client):
        node = self.side.ground[HOME]
        setting = "net.ipv4.neigh.docker0.retrans_time_ms"
        before = node.run("sysctl", "--values", setting).stdout.strip()
        node.run("sysctl", "--quiet", "--write", f"{setting}=20")
        node.run("iptables", "--policy", "FORWARD", "ACCEPT")
        try:
            return super().move(source, target, client)
        finally:
            node.run("iptables", "--policy", "FORWARD", "DROP")
            node.run("sysctl", "--quiet", "--write", f"{setting}={before}")


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
done = subprocess.run(["btrfs", "send", "--quiet", sys.argv[3]], stdin=subprocess.DEVNULL, stdout=connection)
connection.shutdown(socket.SHUT_WR)
connection.recv(1)
bytes_acked = struct.unpack_from("Q", connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192), 120)[0]
print(bytes_acked)
sys.exit(done.returncode)
"""
STREAM_PORT, RSYNC_PORT = 18900, 18730


class Stream:
    """One `btrfs send` over TCP, ready to go."""

    def __init__(self, source, snapshot, target, folder):
        self.processes = []
        self._start(target, RECEIVE, target.address, STREAM_PORT, folder)
        self._start(source, SEND, target.address, STREAM_PORT, snapshot)

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

    def prepare(self, source, target):
        self.side.clear(target)
        self.side.create(target)
        live = self.side.folder(target) / "live"
        if live.exists():  # Some engines make a missing folder of a volume beforehand.
            live.rmdir()

    def move(self, source, target, client):
        ground, here, there = self.side.ground, self.side.folder(source), self.side.folder(target)
        stream = Stream(ground[source], here / "sent", ground[target], there)
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


class RsyncTwice(Way):
    """rsync while it runs, stop, rsync again, start. rsync's own protocol: no ssh, which would cost more."""
    name = "rsync"
    title = "rsync twice (running, stopped), start"
    side = HandSide

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


WAYS = {way.name: way for way in (Flocker, Restart, RestartQuick, Classic, RsyncTwice)}


# --- one move, measured ---------------------------------------------------------------------------

CALM_SECONDS = 1.5


def measure(way, source, target):
    """Moves under write load. All that the client saw, and whether what it was told is there."""
    side = way.side
    way.prepare(source, target)
    client = side.ground.load(side.database.name, ENTRY, side.port)
    try:
        time.sleep(CALM_SECONDS)
        calm = client.mark("move")
        begun = time.monotonic()
        outcome = way.move(source, target, client)
        took = time.monotonic() - begun
        client.wait_rows(200, 300)
        windows = [*outcome.windows, client.mark("after")]
        rows = client.verify()
        way.tidy(source, target)
    finally:
        client.kill()
    return {
        "pause_ms": max(window.pause for window in windows),
        "bytes_before": outcome.bytes_before, "bytes_cutover": outcome.bytes_cutover,
        "downtime_said_ms": outcome.downtime_said, "seconds": round(took, 3),
        **{what: sum(window[what] for window in windows) for what in ("refused", "resets", "errors")},
        "acknowledged": rows["acknowledged"], "lost": rows["lost"], "first_lost": rows["first_lost"],
        "calm": dict(calm), "windows": [dict(window) for window in windows], "acks": str(client.acks),
    }


def verify_all(side, acks):
    """All rows that were ever acknowledged on that side, read back from where it is now."""
    together = side.ground.folder / "acks-together"
    with together.open("wb") as out:
        for path in acks:
            out.write(pathlib.Path(path).read_bytes())
    done = run([command_line.LOAD, "verify", side.database.name, "--host", side.ground[ENTRY].address,
                "--port", side.port, "--acks", together], check=False, timeout=600)
    if done.returncode not in (0, 1):
        raise Failed(f"the rows can't be read back: {done.stderr}")
    return json.loads(done.stdout)
