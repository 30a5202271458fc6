# SPDX-License-Identifier: Apache-2.0
"""The end of the demo: what was done and what it cost, for a person."""
from said import duration, number, size

BAR = 40


def show(say, figures):
    move, restart, rows = figures["move"], figures["restart"], figures["rows"]
    say.line()
    say.line(say.bold(f"PostgreSQL has moved from {move['source']} to {move['target']} while a client wrote to it"))
    say.line()
    say.line("  Commands")
    for command in figures["commands"]:
        say.line("    " + command)
    say.line()
    lost = say.good("0") if rows["lost"] == 0 else say.bad(number(rows["lost"]))
    refused = move["refused_connections"] + move["failed_connections"]
    none = say.good("0") if refused == 0 else say.bad(number(refused))
    for label, value in (
            ("copied while it ran", f"{size(move['bytes_live'])} in {move['rounds']} round{'s' * (move['rounds'] != 1)}"),
            ("copied in the cutover", size(move["bytes_cutover"])),
            ("rows acknowledged", f"{number(rows['acknowledged'])}, {number(move['rows_acknowledged'])} of them during the move"),
            ("rows lost", lost),
            ("refused connections", f"{none} of {number(move['connections'])} in the move, through all three nodes "
                                    f"({number(restart['refused_connections'] + restart['failed_connections'])} of "
                                    f"{number(restart['connections'])} in the restart)")):
        say.line(f"  {label:24}{value}")
    say.line()
    pauses(say, (("the move", move["longest_pause_ms"]), ("docker restart in place", restart["longest_pause_ms"])))
    if figures["ratio"] is not None:
        say.line(f"    the move cost its clients {say.bold(format(figures['ratio'], '.2f'))} of what the restart cost")
    say.line()
    say.line(say.dim("  Both pauses: the same client, the same database, through Flocker's own route, because no port of it is"))
    say.line(say.dim("  published by Docker. In the restart Flocker's agent sees the exit, holds new connections until the"))
    say.line(say.dim("  database is ready again, and lets the container through its gate (bench/move has a plain container)."))
    say.line(say.dim(f"  The whole demo took {figures['seconds']:.0f} s."))


def pauses(say, measured):
    say.line("  The longest pause that the client saw")
    longest = max(pause for _, pause in measured) or 1
    for label, pause in measured:
        bar = "#" * max(1, round(BAR * pause / longest))
        say.line(f"    {label:24}{duration(pause):>9}  {say.paint('36', bar)}")


def how_to_talk(say, nodes, flocker):
    first = nodes[0]
    say.line()
    say.line("The cluster stays up. To talk to it:")
    for command in (f"export PATH={flocker.programs}:$PATH FLOCKER_CONTEXT={flocker.context}",
                    "flocker status",
                    "flocker move postgres birch",
                    "flocker why postgres; flocker events; flocker logs postgres",
                    f"psql -h {first.address} -U postgres        # any node will do",
                    f"redis-cli -h {first.address}",
                    f"curl http://{first.address}:8080/status",
                    f"tools/nodes exec demo {first.name} docker ps",
                    "./demo down                             # removes everything"):
        say.line("    " + command)
