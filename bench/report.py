# SPDX-License-Identifier: Apache-2.0
"""From the raw figures of bench/move to tables for people."""
import statistics

import bars
from figures import bytes_of, cell, cells, measured, median, moves_of, parts, said, size_text, within
from ground import LOADS
from ways import WAYS

__all__ = ["bytes_of", "cell", "size_text", "report", "table"]

HEAD = ("what is done", "moves", "longest pause, ms: median (min to max)", "to `docker restart`", "to it without the ARP second",
        "copied before the cutover", "in the cutover", "rows acknowledged", "lost", "refused or reset")


def markdown(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| --- " + "| ---: " * (len(head) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


# --- each database, size and load -----------------------------------------------------------------


def pauses(moves):
    values = [move["pause_ms"] for move in moves]
    return f"{statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})"


def ratio(moves, reference):
    return f"{median(moves, 'pause_ms') / median(reference, 'pause_ms'):.2f}" if reference else "-"


def copied_before(moves):
    """The first move copies everything, and so do all of some ways; others find the old copy where it is."""
    if len(moves) == 1:
        return size_text(moves[0]["bytes_before"])
    first, later = moves[0]["bytes_before"], median(moves[1:], "bytes_before")
    return size_text(later) if first <= 2 * later else f"{size_text(first)}, then {size_text(later)}"


def row(way, moves, by_way):
    copies = not way.startswith("restart")
    return (WAYS[way].title, len(moves), pauses(moves), ratio(moves, by_way["restart"]),
            ratio(moves, by_way["restart-quick"]),
            copied_before(moves) if copies else "-",
            size_text(median(moves, "bytes_cutover")) if copies else "-",
            *(sum(move[what] for move in moves) for what in ("acknowledged", "lost")),
            sum(move["refused"] + move["resets"] for move in moves))


def blocks(document):
    for where in cells(document):
        by_way = {way: moves_of(document, **where, way=way) for way in WAYS}
        yield f"**{cell(where)}**\n\n" + markdown(HEAD, [row(way, moves, by_way) for way, moves in by_way.items() if moves])


# --- the parts of a move, and what was predicted ----------------------------------------------------


def parts_table(document):
    """Nothing, if the Flocker that was measured kept no record of its moves."""
    steps = parts(document)
    if not steps:
        return []
    rows = []
    for where in cells(document):
        moves = moves_of(document, **where, way="flocker")
        if not moves:
            continue
        medians = [[move["parts_ms"][step] for move in moves if step in move.get("parts_ms", {})] for step in steps]
        near, of = within(moves, said)
        rows.append((cell(where), *(f"{statistics.median(values):.0f}" if values else "-" for values in medians),
                     f"{statistics.median(map(said, moves)):.0f}", f"{median(moves, 'pause_ms'):.0f}",
                     f"{near} of {of}" if of else "-"))
    head = ("median, ms", *steps, "downtime, by Flocker", "pause, by the client", "predicted within 30 %")
    return ["**What Flocker's moves consist of**", markdown(head, rows),
            "The hook runs before anything stops; some of the others run side by side."]


def bars_table(document):
    loads = [load for load in LOADS if moves_of(document, load=load, way="flocker")]
    if not loads:
        return []
    rows = [(title, bar, *(figure_text(figure(document, load)) for load in loads)) for title, bar, figure in bars.BARS]
    return ["**What is to be reached**, the worst of all sizes",
            markdown(("what", "bar", *(f"write load: {load}" for load in loads)), rows)]


def figure_text(figure):
    if figure is None:
        return "not measured"
    return f"{figure.text}: {'met' if figure.met else '**missed**'}"


def table(document):
    return "\n\n".join([*blocks(document), *parts_table(document), *bars_table(document)])


# --- all of it --------------------------------------------------------------------------------------


def failures(document):
    lines = [f"- {cell(failure)}, {failure['way']} FAILED: {failure['reason'].splitlines()[0]}"
             for failure in document["failures"]]
    return lines + [f"- {cell(check)}, {check['side']}: LOST {check['lost']} of {check['acknowledged']} acknowledged rows"
                    for check in document["all_rows"] if check["lost"]]


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
        "The longest pause is between two acknowledged writes of a client that connects through a node that is neither source "
        "nor target. Flocker serves it there. By hand nobody does: it is as if the client knew the new address already before "
        "the old place stops, the best that can happen.",
        "",
        "Write load: " + "; ".join(f"{load}: {LOADS[load].title}" for load in LOADS
                                   if any(measured(move)["load"] == load for move in document["moves"])) + ".",
        "",
        "Each acknowledged row was read back after its move, and again after the next move of the same copy: "
        f"{sum(move['acknowledged'] for move in document['moves'])} rows.",
    ]
    return "\n".join([*lines, *([""] + failures(document) if failures(document) else [])])
