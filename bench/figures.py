# SPDX-License-Identifier: Apache-2.0
"""What tables, bars and the plot take from the raw figures of bench/move."""
import statistics

# In the order in which they happen; what else a later Flocker may tell of comes after.
STEPS = ("hook", "hold", "stop", "seal", "increment", "copy", "start", "ready", "open")


def bytes_of(size):
    """Of "100M" or "8G"."""
    return int(size[:-1]) << {"M": 20, "G": 30}[size[-1]]


def size_text(number):
    for unit, shift in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if number >= 1 << shift:
            return f"{number / (1 << shift):.1f} {unit}"
    return f"{number:.0f} B"


def measured(thing):
    """Where a move, or whatever else is in the document, belongs to. There was only one load once."""
    return {"database": thing["database"], "size": thing["size"], "load": thing.get("load", "light")}


def cell(thing):
    return "{database}, {size}, {load}".format(**measured(thing))


def cells(document):
    """All there are, in the order in which they were measured."""
    return [dict(where) for where in dict.fromkeys(tuple(measured(move).items()) for move in document["moves"])]


def moves_of(document, **what):
    """Those with these properties, in their order."""
    return [move for move in document["moves"] if what.items() <= {**measured(move), "way": move["way"]}.items()]


def median(moves, what):
    return statistics.median(move[what] for move in moves)


def parts(document):
    """The names of all steps that moves have told of."""
    told = dict.fromkeys(step for move in document["moves"] for step in move.get("parts_ms", {}))
    return [step for step in STEPS if step in told] + [step for step in told if step not in STEPS]


def said(move):
    """The downtime as Flocker measured it."""
    return move["downtime_said_ms"]


def seen(move):
    return move["pause_ms"]


def within(moves, measure, share=0.3):
    """(how many downtimes were predicted that well, how many were predicted)"""
    predicted = [move for move in moves if move.get("predicted_ms") is not None]
    return sum(abs(move["predicted_ms"] - measure(move)) <= share * measure(move) for move in predicted), len(predicted)
