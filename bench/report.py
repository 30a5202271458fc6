# SPDX-License-Identifier: Apache-2.0
"""From the raw figures of bench/move to a table for people."""
import statistics

from ways import WAYS

HEAD = ("what is done", "moves", "longest pause, ms: median (min to max)", "to `docker restart`", "to it without the ARP second",
        "copied before the cutover", "in the cutover", "rows acknowledged", "lost", "refused or reset")


def size_text(number):
    for unit, shift in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if number >= 1 << shift:
            return f"{number / (1 << shift):.1f} {unit}"
    return f"{number:.0f} B"


def median(moves, what):
    return statistics.median(move[what] for move in moves)


def pauses(moves):
    values = [move["pause_ms"] for move in moves]
    return f"{statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})"


def ratio(moves, reference):
    return f"{median(moves, 'pause_ms') / median(reference, 'pause_ms'):.2f}" if reference else "-"


def copied_before(way, moves):
    """Flocker's first move copies all, the later ones what has changed: the old copy stays where it is."""
    if way != "flocker" or len(moves) == 1:
        return size_text(median(moves, "bytes_before"))
    return f"{size_text(moves[0]['bytes_before'])}, then {size_text(median(moves[1:], 'bytes_before'))}"


def row(way, moves, by_way):
    copies = not way.startswith("restart")
    return (WAYS[way].title, len(moves), pauses(moves), ratio(moves, by_way.get("restart")),
            ratio(moves, by_way.get("restart-quick")),
            copied_before(way, moves) if copies else "-",
            size_text(median(moves, "bytes_cutover")) if copies else "-",
            *(sum(move[what] for move in moves) for what in ("acknowledged", "lost")),
            sum(move["refused"] + move["resets"] for move in moves))


def table(document):
    blocks = []
    for database, size in dict.fromkeys((move["database"], move["size"]) for move in document["moves"]):
        here = [move for move in document["moves"] if (move["database"], move["size"]) == (database, size)]
        by_way = {way: [move for move in here if move["way"] == way] for way in WAYS}
        lines = [f"**{database}, {size}**", "", "| " + " | ".join(HEAD) + " |", "| --- " + "| ---: " * (len(HEAD) - 1) + "|"]
        lines += ["| " + " | ".join(map(str, row(way, moves, by_way))) + " |" for way, moves in by_way.items() if moves]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def failures(document):
    lines = [f"- {failure['database']}, {failure['size']}, {failure['way']} FAILED: {failure['reason'].splitlines()[0]}"
             for failure in document["failures"]]
    lines += [f"- {check['database']}, {check['size']}, {check['side']}: LOST {check['lost']} of all "
              f"{check['acknowledged']} acknowledged rows" for check in document["all_rows"] if check["lost"]]
    return lines


def report(document):
    machine, loads = document["machine"], [move["load_average"] for move in document["moves"]] or [0.0]
    lines = [
        f"`{document['command']}`, {document['started']}, revision {document['revision']}: {machine['processors']} processors, "
        f"{machine['memory_gib']} GiB, "
        f"Linux {machine['kernel']}, Docker {machine['docker']}, three nodes on one machine, no limit between them. "
        f"Load average before {document['load_average_before']:.1f}, during {min(loads):.1f} to {max(loads):.1f} "
        "(the bench itself included).",
        "",
        table(document),
        "",
        "The longest pause between two acknowledged writes of a client that writes a row each millisecond and connects "
        "through a node that is neither source nor target. Flocker serves it there. By hand nobody does: it is as if the "
        "client knew the new address already before the old place stops, the best that can happen.",
    ]
    checked = sum(check["acknowledged"] for check in document["all_rows"])
    lines += ["", f"Read back at the end once more, {checked} acknowledged rows: "
              f"{sum(check['lost'] for check in document['all_rows'])} lost."]
    said = [(move["pause_ms"], move["downtime_said_ms"]) for move in document["moves"] if move["downtime_said_ms"]]
    if said:
        lines += ["", "Flocker's own figure for the downtime of its moves: "
                  f"median {statistics.median(b for _, b in said):.0f} ms, "
                  f"{statistics.median(b / a for a, b in said):.2f} of what the client saw."]
    return "\n".join([*lines, *([""] + failures(document) if failures(document) else [])])
