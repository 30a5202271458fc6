# SPDX-License-Identifier: Apache-2.0
"""Three nodes on one machine, and Flocker on them as a user has it on three machines."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools"
PREFIX = "demo"
FOLDER = pathlib.Path("/var/lib/flocker-nodes") / PREFIX


class CommandFailed(Exception):
    """`what` the command was, how it ended, and what it said."""

    def __init__(self, what, code, said):
        super().__init__(f"`{what}` ended with {code}")
        self.said = said


def run(command, timeout=600, check=True, **options):
    command = [str(word) for word in command]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, **options)
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(" ".join(command), f"no answer in {timeout} s", str(error.output or "")) from None
    if check and done.returncode != 0:
        raise CommandFailed(" ".join(command), done.returncode, done.stdout + done.stderr)
    return done


class Node:
    def __init__(self, name, address, folder):
        self.name, self.address, self.folder = name, address, pathlib.Path(folder)
        self.process = None

    def inside(self, command):
        return ["nsenter", f"--net=/run/netns/{PREFIX}-{self.name}", "--", *[str(word) for word in command]]

    def run(self, *command, **options):
        return run(self.inside(command), **options)

    def docker(self, *arguments):
        engine = {**os.environ, "DOCKER_HOST": f"unix://{self.folder}/docker.sock"}
        return self.run("docker", *arguments, env=engine).stdout

    def identity(self):
        return ["--name", self.name, "--address", self.address]

    def paths(self):
        return ["--config-dir", self.folder / "etc", "--state-dir", self.folder / "var",
                "--volumes-dir", self.folder / "flocker", "--engine", f"unix://{self.folder}/docker.sock",
                "--pool", self.folder / "pool", "--no-start"]

    @property
    def log(self):
        return self.folder / "flockerd.log"

    def start_daemon(self, program):
        """On the node, in the foreground, as its systemd unit does it; returns when it says that it is ready."""
        notify = self.folder / "notify"
        with contextlib.suppress(FileNotFoundError):
            notify.unlink()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, self.log.open("ab") as log:
            ready.bind(str(notify))
            ready.settimeout(0.2)
            self.process = subprocess.Popen(
                self.inside([program, "--config", self.folder / "etc/flocker.yml"]), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True, env={**os.environ, "NOTIFY_SOCKET": str(notify)})
            self._wait_ready(ready)

    def _wait_ready(self, ready, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise CommandFailed(f"flockerd on {self.name}", self.process.returncode, self.tail())
            with contextlib.suppress(TimeoutError):
                if b"READY=1" in ready.recv(4096):
                    return
        raise CommandFailed(f"flockerd on {self.name}", f"not ready in {seconds} s", self.tail())

    def stop_daemon(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)

    def tail(self, lines=20):
        with contextlib.suppress(FileNotFoundError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return "(it has written no log)"


def nodes_up(count):
    listed = run([TOOLS / "nodes", "up", PREFIX, count], timeout=300).stdout
    return [Node(*line.split("\t")[1:]) for line in listed.splitlines()]


def nodes_down():
    run([TOOLS / "nodes", "down", PREFIX], timeout=120)


def there():
    return FOLDER.exists()


def build():
    """The programs of the preset `release`, and where they are. FLOCKER_PROGRAMS: have been built, and are there."""
    given = os.environ.get("FLOCKER_PROGRAMS")
    if given:
        return pathlib.Path(given)
    run(["cmake", "--preset", "release"], cwd=ROOT)
    run(["cmake", "--build", "--preset", "release", "--target", "flocker", "flockerd", "load"], timeout=3600, cwd=ROOT)
    return ROOT / "build/release/bin"


class Flocker:
    """The command line of a user of the cluster, on this machine."""

    def __init__(self, programs):
        self.programs = programs
        self.context = None

    def environment(self):
        return {**os.environ, "FLOCKER_CONTEXT": str(self.context)}

    def ask(self, *arguments):
        return json.loads(run([self.programs / "flocker", *arguments, "--json"], env=self.environment()).stdout)

    def deploy(self, deployment, application, heard):
        """flocker-deploy, each line of what it says given to `heard` when it comes. Its exit code."""
        command = [str(self.programs / "flocker-deploy"), str(deployment), str(application)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, env=self.environment())
        for line in process.stdout:
            heard(line.rstrip("\n"))
        return process.wait()

    def application(self, name):
        return next(a for a in self.ask("status")["applications"] if a["name"] == name)

    def wait_settled(self, name, seconds=120):
        deadline = time.monotonic() + seconds
        while not (entry := self.application(name))["settled"]:
            if time.monotonic() > deadline:
                raise CommandFailed(f"flocker status: {name}", f"not settled in {seconds} s", json.dumps(entry))
            time.sleep(0.1)
        return entry
