# SPDX-License-Identifier: Apache-2.0
"""Three nodes of this machine, the databases that are moved between them, and what every way to move one is.

alder is where clients connect, and the first node of Flocker's cluster; the database is on birch or on cedar.
What is taken from the cluster tests, others take from here: only here is said where that is.
"""
import dataclasses
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "cluster"))

import cluster  # noqa: E402
import command_line  # noqa: E402
from cluster import Failed, run, wait_until  # noqa: E402,F401

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


@dataclasses.dataclass(frozen=True)
class Writing:
    """What the clients do. `options`: of load. `rows`: how many the measured one writes in some tenths of a second."""
    name: str
    title: str
    options: tuple
    rows: int


LOADS = {load.name: load for load in (
    Writing("idle", "a row each 50 ms, only to measure", ("--interval", "50"), 20),
    Writing("light", "a row each millisecond", (), 200),
    Writing("heavy", "a row each millisecond, and four others that overwrite 1000 rows of 3.8 KiB a second",
            ("--others", "4"), 200),
)}


class Ground(cluster.Cluster):
    """The three nodes, called PREFIX-alder and so on. What a crashed run has left is removed by up()."""

    def __init__(self, prefix, database, size):
        super().__init__("move", 3, {HOME: (database.image,), AWAY: (database.image,)})
        self.prefix = prefix
        self.folder = pathlib.Path(f"/var/tmp/flocker-{prefix}")
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

    slow = False  # It copies everything each time, and gets fewer rounds.

    def __init__(self, side):
        self.side = side

    def prepare(self, source, target):
        pass

    def tidy(self, source, target):
        pass

    def parts(self, source, target):
        """What it tells of the move that has just been made, if it keeps records."""
        return {}
