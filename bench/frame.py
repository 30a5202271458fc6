# SPDX-License-Identifier: Apache-2.0
"""What surrounds the measuring of a bench: one at a time, raw figures on the disk as they come, nothing left behind."""
import argparse
import datetime
import fcntl
import json
import os
import pathlib
import shlex
import signal
import statistics
import sys

import ground

NODES = pathlib.Path("/var/lib/flocker-nodes")


def say(text):
    print(f"{datetime.datetime.now():%H:%M:%S}  {text}", file=sys.stderr, flush=True)


def at_least_one(text):
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no number from 1 on")
    return int(text)


def some_of(known):
    """Some of `known`, with commas between."""
    def read(text):
        words = text.split(",")
        for word in words:
            if word not in known:
                raise argparse.ArgumentTypeError(f"'{word}' is none of {', '.join(known)}")
        return words
    return read


def parser_of(name, text):
    parser = argparse.ArgumentParser(prog=f"bench/{name}", description=text,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all raw figures there, as they come")
    parser.add_argument("--table", metavar="FILE", help="the tables of what an earlier --json wrote; measures nothing")
    return parser


class Document(dict):
    """All raw figures, and where they come from."""

    def __init__(self, name, path, **lists):
        docker = ground.run(["dockerd", "--version"]).stdout.split()[2].rstrip(",")
        described = ground.run(["git", "-C", ground.command_line.ROOT, "describe", "--always", "--dirty"], check=False)
        super().__init__(
            command=shlex.join([f"bench/{name}", *sys.argv[1:]]),
            started=f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC",
            revision=described.stdout.strip() or "unknown",
            machine={"processors": os.cpu_count(), "memory_gib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30,
                     "kernel": os.uname().release, "docker": docker},
            load_average_before=os.getloadavg()[0], **lists)
        self.path = path

    def save(self):
        if self.path:
            unfinished = self.path.with_name(self.path.name + ".new")
            unfinished.write_text(json.dumps(self, indent=1) + "\n")
            unfinished.rename(self.path)


def heading(document):
    machine = document["machine"]
    return (f"`{document['command']}`, {document['started']}, revision {document['revision']}: {machine['processors']} "
            f"processors, {machine['memory_gib']} GiB, Linux {machine['kernel']}, Docker {machine['docker']}, three nodes on "
            f"one machine, no limit between them. Load average before {document['load_average_before']:.1f}.")


def markdown(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| --- " + "| ---: " * (len(head) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def middle_and_most(values, form="{:.1f}"):
    values = [value for value in values if value is not None]
    return f"{form.format(statistics.median(values))} / {form.format(max(values))}" if values else "-"


def measure_on(nodes, work):
    """Brings the nodes up, does the work, and leaves nothing of them."""
    try:
        nodes.up()
        work()
    except BaseException as error:
        say(f"ended by {error!r}")  # Before anything else: what comes to an end badly may also fail to be removed.
        if isinstance(error, ground.Failed):
            print(nodes.what_daemons_said(), file=sys.stderr)
        raise
    finally:
        # Whoever presses Ctrl-C twice wants nothing to be left either.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        nodes.down()
        signal.signal(signal.SIGINT, signal.default_int_handler)


def main(name, options, measure, report):
    """`measure(options)` returns the document, `report(document)` the text. The exit status."""
    if options.table:
        print(report(json.loads(pathlib.Path(options.table).read_text(encoding="utf-8"))))
        return 0
    if os.geteuid() != 0:
        sys.exit(f"bench/{name}: run it as root")
    programs = (ground.command_line.LOAD, ground.command_line.FLOCKER, ground.command_line.FLOCKERD)
    missing = [str(program) for program in programs if not program.exists()]
    if missing:
        sys.exit(f"bench/{name}: not there: {', '.join(missing)}; build with "
                 "`cmake --preset release && ninja -C build/release flocker flockerd load`, packages with tools/install-packages")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # A shell in the background has it ignored.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    NODES.mkdir(exist_ok=True)
    with open(NODES / f".bench-{name}.lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"bench/{name}: another bench/{name} runs")
        try:
            document = measure(options)
        except KeyboardInterrupt:
            sys.exit(130)
        except (ground.Failed, OSError) as error:
            sys.exit(f"bench/{name}: {error}")
    print(report(document))
    return 0
