# SPDX-License-Identifier: Apache-2.0
"""A cluster on this machine for tests, and clients of it.

    class Moves(ClusterTestCase):
        def test_nothing_acknowledged_is_lost(self):
            self.cluster.deploy({"ledger": LEDGER}, {"alder": ["ledger"]})
            client = self.cluster.load("ledger", "birch", 7000)
            client.mark("move")
            self.cluster.move("ledger", "cedar")
            self.assert_nobody_refused(client.mark("after"))
            self.assert_nothing_lost(client)

Every class has a cluster of its own, called flkt-NAME on the machine. What a crashed run of it has left
is removed first. Nothing here waits without a deadline. When a test fails, what the daemons said is shown.
"""
import contextlib
import json
import os
import pathlib
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import command_line

TOOLS = command_line.ROOT / "tools"

LEDGER = {
    "image": "flocker/ledger:1",
    "ports": [{"internal": 7000, "external": 7000}],
    "volume": {"mountpoint": "/data"},
    "restart_policy": {"name": "always"},
}


class Failed(Exception):
    """A command that had to succeed did not, or something awaited did not come."""


def wait_until(what, predicate, seconds=30.0, pace=0.02):
    """Polls until `predicate()` is true and returns that; at the deadline raises with `what`, a text or a
    function that makes one."""
    deadline = time.monotonic() + seconds
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise Failed(f"waited {seconds:g} s in vain: {what() if callable(what) else what}")
        time.sleep(pace)


def run(command, check=True, timeout=120.0, **options):
    """The finished command, its output as text. `check`: it has to succeed."""
    command = [str(word) for word in command]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, **options)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{' '.join(command)} has not ended in {timeout:g} s\n{error.stdout}\n{error.stderr}") from None
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


class Daemon:
    """One flockerd in the foreground, on its node."""

    def __init__(self, node):
        self.node = node
        self.log = node.folder / "flockerd.log"
        self.process = None

    def start(self, wait=True):
        if self.running():
            return
        notify = self.node.folder / "notify"
        with contextlib.suppress(FileNotFoundError):
            notify.unlink()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, self.log.open("ab") as log:
            ready.bind(str(notify))
            ready.setblocking(False)
            self.process = subprocess.Popen(
                self.node.inside(command_line.daemon(self.node)), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, env={**os.environ, "NOTIFY_SOCKET": str(notify)})
            if wait:
                wait_until(lambda: f"flockerd of {self.node.name} to be ready\n{self.tail()}",
                           lambda: self._ready(ready))

    def _ready(self, ready):
        if self.process.poll() is not None:
            raise Failed(f"flockerd of {self.node.name} ended with {self.process.returncode}\n{self.tail()}")
        with contextlib.suppress(BlockingIOError):
            return b"READY=1" in ready.recv(4096)
        return False

    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        """SIGSTOP, SIGCONT: frozen, and back."""
        self.process.send_signal(number)

    def kill(self):
        """As the kernel or an operator kills it: at once, nothing is tidied up."""
        if self.running():
            self.process.kill()
            self.process.wait(10)

    def stop(self, seconds=15.0):
        """As systemd stops it. Its exit status."""
        if not self.running():
            return None
        self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed(f"flockerd of {self.node.name} has not ended {seconds:g} s after SIGTERM\n{self.tail()}") from None

    def tail(self, lines=40):
        with contextlib.suppress(FileNotFoundError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return "(no log)"


class Node:
    def __init__(self, prefix, name, address, folder):
        self.prefix, self.name, self.address = prefix, name, address
        self.folder = pathlib.Path(folder)
        self.daemon = Daemon(self)

    def inside(self, command):
        """The command as it has to be called from out here."""
        return ["nsenter", f"--net=/run/netns/{self.prefix}-{self.name}", "--", *[str(word) for word in command]]

    def run(self, *command, **options):
        return run(self.inside(command), **options)

    def docker(self, *arguments, **options):
        engine = {**os.environ, "DOCKER_HOST": f"unix://{self.folder}/docker.sock"}
        return self.run("docker", *arguments, env=engine, **options).stdout

    def containers(self, everything=False):
        """Name -> id of the running containers, or of all."""
        listed = self.docker("ps", "--no-trunc", "--format", "{{.Names}} {{.ID}}", *(["--all"] if everything else []))
        return dict(line.split() for line in listed.splitlines())

    def has_process(self, container):
        """The engine lists a container that has been stopped for a while longer, until it has cleaned up behind it."""
        found = self.docker("ps", "--no-trunc", "--quiet", "--filter", f"name=^/{container}$").split()
        seen = self.docker("inspect", "--format", "{{.State.Pid}}", *found, check=False).split() if found else []
        with contextlib.suppress(OSError):
            stat = pathlib.Path(f"/proc/{seen[0]}/stat").read_text() if seen and seen[0] != "0" else ""
            return bool(stat) and stat.rpartition(")")[2].split()[0] not in "ZX"
        return False

    def load_images(self, *images):
        run([TOOLS / "images", "load", self.folder / "docker.sock", *images], timeout=600)

    def stop_engine(self, number=signal.SIGTERM):
        """As systemd stops it, and every container with it; SIGKILL: as it crashes."""
        process = pathlib.Path(f"{self.folder}/run/dockerd.pid").read_text().strip()
        os.kill(int(process), number)
        wait_until(f"the engine of {self.name} to end", lambda: not pathlib.Path(f"/proc/{process}").exists())

    def unplug(self):
        """No packet gets to it or from it any more; nobody is told."""
        run([TOOLS / "nodes", "unplug", self.prefix, self.name])

    def plug(self):
        run([TOOLS / "nodes", "plug", self.prefix, self.name])

    def cut_from(self, other):
        """No packet passes between the two; others reach both. Until mend()."""
        rules = "add table ip flkt_cut\n" + "".join(
            f"add chain ip flkt_cut {hook} {{ type filter hook {hook} priority -300; policy accept; }}\n"
            for hook in ("prerouting", "postrouting"))
        rules += (f"add rule ip flkt_cut prerouting ip saddr {other.address} drop\n"
                  f"add rule ip flkt_cut postrouting ip daddr {other.address} drop\n")
        self.nft(rules)

    def mend(self):
        self.nft("add table ip flkt_cut\ndelete table ip flkt_cut\n")

    def nft(self, rules):
        with tempfile.NamedTemporaryFile("w", suffix=".nft") as file:
            file.write(rules)
            file.flush()
            self.run("nft", "-f", file.name)

    def power_off(self):
        """As if its power were cut: every process and mount of it is gone, the files stay. (Not quite: what
        was written and not synced is there as well.)"""
        run([TOOLS / "nodes", "kill", self.prefix, self.name])
        if self.daemon.process:
            self.daemon.process.wait(10)


class Window(dict):
    """What a client saw between two marks; see bench/load."""

    @property
    def pause(self):
        return self["longest_pause_ms"]


class Load:
    """A client that writes all the time. The numbers that were acknowledged to it are in `acks`."""

    def __init__(self, kind, address, port, acks, *options):
        self.acks = pathlib.Path(acks)
        self.where = [kind, "--host", address, "--port", str(port), "--acks", str(acks)]
        self.process = subprocess.Popen([str(command_line.LOAD), "write", *self.where, *options],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self._lines = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.totals = None

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(json.loads(line))

    def _next(self, event, seconds):
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise Failed(f"the client of {' '.join(self.where)} did not say '{event}' in {seconds:g} s") from None
            if line["event"] == event:
                return Window(line)

    def wait_writing(self, seconds=30.0):
        self._next("writing", seconds)
        return self

    def _say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def mark(self, name):
        """Ends the present window and returns it; the next one is called `name`."""
        self._say(f"mark {name}")
        return self._next("window", 10)

    def wait_rows(self, count, seconds=30.0):
        """Until `count` more rows are acknowledged."""
        goal = self._count() + count
        wait_until(f"{count} more acknowledged rows", lambda: self._count() >= goal, seconds)

    def wait_acknowledged_after(self, moment, seconds=60.0):
        """The time of the first row that was acknowledged after that time; seconds since 1970."""
        return wait_until("a row to be acknowledged", lambda: next((at for _, at in self.acknowledged() if at > moment), None),
                          seconds)

    def acknowledged(self):
        """[(row, when)], in order."""
        whole = self.acks.read_text().rpartition("\n")[0]
        return [(int(row), float(at)) for row, at in map(str.split, whole.splitlines())]

    def _count(self):
        return self.acks.read_bytes().count(b"\n")

    def finish(self):
        """Stops writing; the window of all of it."""
        if self.totals is None:
            self._say("quit")
            self.totals = self._next("total", 10)
            self.process.wait(10)
        return self.totals

    def verify(self, address=None):
        """Reads back: {"acknowledged", "found", "lost", "first_lost", "unacknowledged"}."""
        self.finish()
        where = [*self.where, *(["--host", address] if address else [])]
        done = run([command_line.LOAD, "verify", *where], check=False)
        if done.returncode not in (0, 1):
            raise Failed(f"the rows can't be read back: {done.stderr}")
        return json.loads(done.stdout)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)


class Cluster:
    """Nodes, and on request flockerd on each of them, joined to one cluster.

    `images`: what every engine is given beforehand; a dictionary says it for each node by name.
    """

    def __init__(self, name, nodes=3, images=("flocker/ledger:1",), pool_size="20G"):
        self.prefix = f"flkt-{name}"
        self.count = nodes
        self.images = images
        self.pool_size = pool_size
        self.nodes = {}
        self.loads = []
        self.folder = pathlib.Path(tempfile.gettempdir()) / self.prefix

    def __getitem__(self, name):
        return self.nodes[name]

    # --- life ---------------------------------------------------------------------------------

    def up(self):
        """The nodes and their engines; no flockerd yet."""
        self.remove()
        self.folder.mkdir()
        self._nodes_up()
        threads = [threading.Thread(target=node.load_images, args=self._images_of(node)) for node in self.nodes.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _nodes_up(self):
        listed = run([TOOLS / "nodes", "up", self.prefix, self.count, "--pool-size", self.pool_size], timeout=180).stdout
        for line in listed.splitlines():
            _, name, address, folder = line.split("\t")
            if name not in self.nodes:
                self.nodes[name] = Node(self.prefix, name, address, folder)

    def _images_of(self, node):
        return self.images.get(node.name, ()) if isinstance(self.images, dict) else self.images

    def form(self, **flags):
        """Makes one cluster of the nodes, with the commands that a user runs on as many machines.
        `flags`: more arguments for a node's init or join, by the node's name."""
        first, *others = self.nodes.values()
        token = command_line.token_in(json.loads(
            first.run(*command_line.init(first, *flags.get(first.name, ()))).stdout))
        first.daemon.start()
        for node in others:
            token = token or command_line.token_in(self.flocker(*command_line.create_token()))
            node.run(*command_line.join(node, first.address, token, *flags.get(node.name, ())))
            node.daemon.start()
            token = None

    def restart_engine(self, name, number=signal.SIGTERM):
        self.nodes[name].stop_engine(number)
        self._nodes_up()

    def events(self):
        return self.flocker("events", "--tail", "1000", "--json")["events"]

    def power_on(self, daemons=True):
        """Switches on what power_off() has switched off."""
        self._nodes_up()
        for node in self.nodes.values():
            if daemons:
                node.daemon.start()

    def down(self):
        for load in self.loads:
            load.kill()
        for node in self.nodes.values():
            node.daemon.kill()
        self.remove()

    def remove(self):
        run([TOOLS / "nodes", "down", self.prefix])
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- what a user does -----------------------------------------------------------------------

    def flocker(self, *arguments, check=True, timeout=120.0, program=command_line.FLOCKER):
        """Calls the command line as a user of the cluster. With --json its answer as a value, otherwise its
        output; with check=False the finished command."""
        first = next(iter(self.nodes.values()))
        done = run([program, *arguments], check=check, timeout=timeout,
                   env={**os.environ, **command_line.context(first)})
        if not check:
            return done
        return json.loads(done.stdout) if "--json" in arguments else done.stdout

    def begin(self, *arguments):
        """The command line, begun and not waited for; what it says goes nowhere."""
        first = next(iter(self.nodes.values()))
        return subprocess.Popen([str(word) for word in (command_line.FLOCKER, *arguments)], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                env={**os.environ, **command_line.context(first)})

    def write_manifests(self, applications, nodes, replicas=None):
        """JSON is YAML: (deployment file, application file)."""
        deployment, application = self.folder / "deployment.yml", self.folder / "application.yml"
        named = {} if replicas is None else {"replicas": replicas}
        deployment.write_text(json.dumps({"version": 1, "nodes": nodes, **named}, indent=2))
        application.write_text(json.dumps({"version": 1, "applications": applications}, indent=2))
        return deployment, application

    def deploy(self, applications, nodes, *more, replicas=None, **options):
        return self.flocker(*command_line.deploy(*self.write_manifests(applications, nodes, replicas)), *more, **options)

    def move(self, application, node, *more, **options):
        return self.flocker(*command_line.move(application, node), *more, **options)

    def status(self):
        return self.flocker(*command_line.STATUS)

    # --- what a client does ---------------------------------------------------------------------

    def load(self, kind, node, port, *options):
        """A client that writes to `port` of that node, all the time, and has begun."""
        acks = self.folder / f"acks-{len(self.loads)}"
        load = Load(kind, self.nodes[node].address, port, acks, *options)
        self.loads.append(load)
        return load.wait_writing()

    def what_daemons_said(self):
        return "\n".join(f"--- flockerd of {node.name}\n{node.daemon.tail()}" for node in self.nodes.values())


class ClusterTestCase(unittest.TestCase):
    """One cluster for all tests of the class; `formed = False` leaves out flockerd. `flags`: more arguments for a
    node's init or join, by its name."""

    nodes = 3
    images = ("flocker/ledger:1",)
    pool_size = "20G"
    formed = True
    flags = {}
    cluster = None

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("cluster tests need root")
        cls.cluster = Cluster(cls.__name__.lower()[:7], cls.nodes, cls.images, cls.pool_size)
        cls.addClassCleanup(cls.cluster.down)
        cls.cluster.up()
        try:
            if cls.formed:
                cls.cluster.form(**cls.flags)
        except Failed:
            print(cls.cluster.what_daemons_said(), file=sys.stderr)
            raise

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result else 0
        outcome = super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            print(self.cluster.what_daemons_said(), file=sys.stderr)
        return outcome

    # --- claims ---------------------------------------------------------------------------------

    def assert_nothing_lost(self, load, address=None):
        """P2: what was acknowledged is there."""
        found = load.verify(address)
        self.assertGreater(found["acknowledged"], 0, "the client wrote nothing")
        self.assertEqual(found["lost"], 0, f"acknowledged and lost: {found}")

    def assert_nobody_refused(self, window):
        """P8: connections are held and then served."""
        self.assertEqual((window["refused"], window["resets"]), (0, 0), f"{dict(window)}")

    def assert_runs_only_on(self, application, node):
        """P1, as far as containers go."""
        self.assertEqual([n.name for n in self.cluster.nodes.values() if n.has_process(f"flocker--{application}")], [node])


def main():
    """`test_x.py [Class[.test]]`: also what a signal interrupts is taken down."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    unittest.main(verbosity=2)
