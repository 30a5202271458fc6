# SPDX-License-Identifier: Apache-2.0
"""What is to be reached, and what was: one figure each for the write load that is asked for."""
import dataclasses
import math
import statistics

from figures import bytes_of, cells, median, moves_of, said, seen, within


@dataclasses.dataclass
class Figure:
    text: str
    met: bool


def flocker(document, load):
    return moves_of(document, load=load, way="flocker")


def sizes(document, **what):
    return sorted({move["size"] for move in moves_of(document, way="flocker", **what)}, key=bytes_of)


def to_restart(database, way, bar):
    """The medians' ratio, of the size where it is worst."""
    def figure(document, load):
        ratios = []
        for size in sizes(document, database=database, load=load):
            where = {"database": database, "size": size, "load": load}
            reference = moves_of(document, **where, way=way)
            if reference:
                ratios.append((median(moves_of(document, **where, way="flocker"), "pause_ms") /
                               median(reference, "pause_ms"), size))
        if not ratios:
            return None
        worst, size = max(ratios)
        return Figure(f"{worst:.2f} ({size})", worst <= bar)
    return figure


def growth(database, bar):
    def figure(document, load):
        there = sizes(document, database=database, load=load)
        if len(there) < 2:
            return None
        least, most = (median(moves_of(document, database=database, size=size, load=load, way="flocker"), "pause_ms")
                       for size in (there[0], there[-1]))
        return Figure(f"{most / least:.2f} ({there[-1]} to {there[0]})", most / least <= bar)
    return figure


def refused(document, load):
    moves = flocker(document, load)
    count = sum(move["refused"] + move["resets"] for move in moves)
    return Figure(f"{count} in {len(moves)} moves", count == 0) if moves else None


def lost(document, load):
    moves = flocker(document, load)
    count = sum(move["lost"] for move in moves)
    return Figure(f"{count} of {sum(move['acknowledged'] for move in moves)}", count == 0) if moves else None


def predicted(measure):
    def figure(document, load):
        near, of = within(flocker(document, load), measure)
        return Figure(f"{near} of {of}", near >= 0.9 * of) if of else None
    return figure


def tail(document, load):
    """A pause counts as a share of its own cell's median: so the moves of all databases and sizes go together."""
    shares = []
    for where in cells(document):
        moves = moves_of(document, **where, way="flocker") if where["load"] == load else []
        shares += [move["pause_ms"] / statistics.median(map(seen, moves)) for move in moves]
    if not shares:
        return None
    p99 = sorted(shares)[math.ceil(0.99 * len(shares)) - 1]
    return Figure(f"{p99:.2f} ({len(shares)} moves)", p99 <= 2)


# What, the bar, and a function of the document and the load; None: that was not measured.
BARS = (
    ("pause to `docker restart` without the ARP second: Redis", "0.3", to_restart("redis", "restart-quick", 0.3)),
    ("the same: PostgreSQL", "0.6", to_restart("postgres", "restart-quick", 0.6)),
    ("pause to `docker restart` as Docker ships it: Redis", "0.15", to_restart("redis", "restart", 0.15)),
    ("the same: PostgreSQL", "0.35", to_restart("postgres", "restart", 0.35)),
    ("pause at the largest size to that at the smallest: Redis", "1.15", growth("redis", 1.15)),
    ("the same: PostgreSQL", "1.15", growth("postgres", 1.15)),
    ("connections refused, or reset while being opened", "0", refused),
    ("acknowledged writes lost", "0", lost),
    ("downtime predicted within 30 % of what Flocker measured", "9 of 10", predicted(said)),
    ("the same, of what the client saw", "9 of 10", predicted(seen)),
    ("p99 of the pause to its median", "2", tail),
)
