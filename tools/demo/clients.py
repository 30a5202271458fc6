# SPDX-License-Identifier: Apache-2.0
"""Clients of the database. They know an address and a port, and nothing of Flocker."""
import json
import queue
import socket
import subprocess
import threading
import time


class ClientFailed(Exception):
    pass


class Writer:
    """Writes one row after another, all the time, over one connection that it makes again when it breaks."""

    def __init__(self, program, address, port, acks):
        self.program = program
        self.acks = acks
        self.where = ["postgres", "--host", address, "--port", str(port), "--acks", str(acks)]
        # What the database's library prints when a connection breaks is in the windows' messages as well.
        self.process = subprocess.Popen([program, "write", *self.where], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, start_new_session=True)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self._next("writing", 60)

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put({"event": "gone"})

    def _next(self, event, seconds):
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self.lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise ClientFailed(f"the client did not say '{event}' in {seconds} s") from None
            if line["event"] == event:
                return line
            if line["event"] == "gone":
                raise ClientFailed("the client has ended")

    def _say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def mark(self, name):
        """What it saw since the last mark."""
        self._say(f"mark {name}")
        return self._next("window", 30)

    def wait_rows(self, count, seconds=120):
        goal = self._count() + count
        deadline = time.monotonic() + seconds
        while self._count() < goal:
            if time.monotonic() > deadline:
                raise ClientFailed(f"the client got no {count} rows through in {seconds} s")
            time.sleep(0.02)

    def _count(self):
        return self.acks.read_bytes().count(b"\n")

    def finish(self):
        self._say("quit")
        total = self._next("total", 30)
        self.process.wait(30)
        return total

    def verify(self):
        """Reads back all that was acknowledged: {"acknowledged", "found", "lost", ...}."""
        done = subprocess.run([self.program, "verify", *self.where], capture_output=True, text=True, timeout=300)
        if done.returncode not in (0, 1):
            raise ClientFailed(f"the rows can't be read back: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Knocker:
    """Makes a new connection through each node ten times a second and counts those that are refused."""

    PACE = 0.1
    PATIENCE = 60.0

    def __init__(self, addresses, port):
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.made = self.refused = self.other = 0
        self.threads = [threading.Thread(target=self._knock, args=(address, port), daemon=True) for address in addresses]
        for thread in self.threads:
            thread.start()

    def _knock(self, address, port):
        while not self.ended.wait(self.PACE):
            outcome = self._connect(address, port)
            with self.lock:
                setattr(self, outcome, getattr(self, outcome) + 1)

    def _connect(self, address, port):
        try:
            socket.create_connection((address, port), timeout=self.PATIENCE).close()
        except ConnectionRefusedError:
            return "refused"
        except OSError:
            return "other"
        return "made"

    def mark(self):
        """What it saw since the last mark: made, refused, and failed otherwise (no answer, no way)."""
        with self.lock:
            seen = {"made": self.made, "refused": self.refused, "failed": self.other}
            self.made = self.refused = self.other = 0
        return seen

    def stop(self):
        self.ended.set()
