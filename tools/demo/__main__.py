# SPDX-License-Identifier: Apache-2.0
"""The main job on one machine: deploy from two manifests, then move a database with every row in place."""
import argparse
import difflib
import fcntl
import json
import os
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request

import clients
import report
import said
import stage

DATABASE = "postgres"
PORT = 5432
FRONT_PORT = 8080
BEFORE, AFTER = "alder", "cedar"
CLIENT_AT = "birch"
FILL = "100M"
# How many rows a client writes before and after a thing that is measured.
CALM_ROWS = 300
LOGS = stage.ROOT / "build/demo-logs"


class Demo:
    def __init__(self, say, keep):
        self.say, self.keep = say, keep
        self.nodes = []
        self.flocker = None
        self.writer = self.knocker = None
        self.commands = []
        self.figures = {}
        self.work = stage.FOLDER / "work"

    # --- the parts ------------------------------------------------------------------------------

    def run(self):
        began = time.monotonic()
        self.prepare()
        self.form()
        self.deploy()
        self.write()
        self.restart()
        self.move()
        self.verify()
        self.figures["seconds"] = round(time.monotonic() - began, 1)
        self.figures["commands"] = [text for text, _ in self.commands]
        return self.figures

    def prepare(self):
        with self.say.step("Building flocker and flockerd (release; the first time takes minutes)"):
            programs = stage.build()
        self.flocker = stage.Flocker(programs)
        with self.say.step("Making the container images, or taking them from the cache"):
            stage.run([stage.TOOLS / "images", "build"], timeout=1800)
        with self.say.step("Three nodes on this machine: each has its own network, Docker engine and btrfs pool"):
            if stage.there():
                self.say.line("   an earlier demo is still there: it is removed first")
                stage.nodes_down()
            self.nodes = stage.nodes_up(3)
            for node in self.nodes:
                self.say.line(f"   {node.name:7} {node.address}")
        with self.say.step(f"Loading the images into the engine of {self.nodes[0].name} alone; "
                           "flocker copies them to where they are needed"):
            stage.run([stage.TOOLS / "images", "load", self.nodes[0].folder / "docker.sock",
                       "flocker/postgres:15", "flocker/redis:7", "flocker/web:1"])

    def form(self):
        first, *others = self.nodes
        program = self.flocker.programs / "flocker"
        with self.say.step("Forming a cluster, with the commands that one types on three machines"):
            self.say.line(self.say.dim("   (PATHS: --config-dir, --state-dir, --volumes-dir, --engine and --pool, because "
                                       "the three share one machine)"))
            self.command("flocker init " + " ".join(first.identity()) + " PATHS", first)
            answer = json.loads(first.run(program, "init", *first.identity(), *first.paths(), "--json").stdout)
            self.flocker.context = answer["context"]
            self.start_daemon(first)
            token = answer["join_token"]
            for node in others:
                if not token:
                    self.command("flocker token create", first)
                    token = self.flocker.ask("token", "create")["token"]
                shown = " ".join([first.address, "--token", token[:12] + "...", *node.identity()])
                self.command(f"flocker join {shown} PATHS", node)
                node.run(program, "join", first.address, "--token", token, *node.identity(), *node.paths())
                self.start_daemon(node)
                token = None

    def start_daemon(self, node):
        self.command("flockerd", node)
        node.start_daemon(self.flocker.programs / "flockerd")

    def deploy(self):
        self.work.mkdir()
        for name in ("application.yml", "deployment.yml"):
            shutil.copy(stage.ROOT / "examples" / name, self.work / name)
        with self.say.step("Deploying PostgreSQL, Redis and a web front that is linked to both (examples/)"):
            self.flocker_deploy()
        with self.say.step(f"Filling the database with {FILL}iB, and the front through every node"):
            stage.run([self.flocker.programs / "load", "fill", DATABASE, "--host", self.node(CLIENT_AT).address,
                       "--port", PORT, "--bytes", FILL])
            for node in self.nodes:
                ask_front(node, "/rows", b"")
            self.say.line(f"   the front has {self.front_through_every_node()}")

    def write(self):
        address = self.node(CLIENT_AT).address
        with self.say.step(f"A client writes rows all the time, connected to {CLIENT_AT} ({address}:{PORT}); "
                           f"the database runs on {BEFORE}"):
            self.writer = clients.Writer(str(self.flocker.programs / "load"), address, PORT, self.work / "acknowledged")
            self.knocker = clients.Knocker([node.address for node in self.nodes], PORT)
            self.calm("restart")

    def restart(self):
        """The same container through the same route, so that the two pauses differ by nothing else."""
        node = self.node(BEFORE)
        container = f"flocker--{DATABASE}"
        with self.say.step("For comparison: docker restart of the database in place, as Docker ships it"):
            self.command(f"docker restart {container}", node)
            before = json.loads(node.docker("inspect", container))[0]
            node.docker("restart", container)
            self.writer.wait_rows(CALM_ROWS)
            after = json.loads(node.docker("inspect", container))[0]
            if before["Id"] != after["Id"]:
                raise stage.CommandFailed("docker restart", "another container", "the container was replaced meanwhile")
            self.flocker.wait_settled(DATABASE)
            self.figures["restart"] = self.seen("between")
            self.say.line(f"   longest pause of the client: {said.duration(self.figures['restart']['longest_pause_ms'])}")

    def move(self):
        with self.say.step(f"Moving the database from {BEFORE} to {AFTER}: editing the deployment manifest, and deploying it"):
            self.edit()
            self.calm("move")
            self.flocker_deploy()
            self.writer.wait_rows(CALM_ROWS)
            self.figures["move"] = self.seen("after")
            result = self.flocker.application(DATABASE)["last_move"]
            if result is None or not result["succeeded"] or result["target"] != AFTER:
                raise stage.CommandFailed("flocker-deploy", "without a move", json.dumps(result))
            for name in ("source", "target", "bytes_live", "bytes_cutover", "rounds"):
                self.figures["move"][name] = result[name]
            self.figures["move"]["downtime_ms"] = round(result["downtime_ns"] / 1e6, 1)
            restart = self.figures["restart"]["longest_pause_ms"]
            self.figures["ratio"] = round(self.figures["move"]["longest_pause_ms"] / restart, 3) if restart else None
            self.say.line(f"   longest pause of the client: {said.duration(self.figures['move']['longest_pause_ms'])}")

    def verify(self):
        with self.say.step("Reading back every row that was acknowledged"):
            self.knocker.stop()
            total = self.writer.finish()
            found = self.writer.verify()
            self.figures["rows"] = {"acknowledged": found["acknowledged"], "lost": found["lost"],
                                    "unacknowledged": found["unacknowledged"]}
            self.figures["messages"] = total["messages"]
            self.figures["front"] = self.front_through_every_node()

    # --- what they are made of ------------------------------------------------------------------

    def node(self, name):
        return next(node for node in self.nodes if node.name == name)

    def command(self, text, node=None):
        where = node.name if node else ""
        self.say.command(text, where)
        self.commands.append((f"{where}# {text}" if where else text, where))

    def flocker_deploy(self):
        self.command("flocker-deploy deployment.yml application.yml")
        code = self.flocker.deploy(self.work / "deployment.yml", self.work / "application.yml", self.say.output)
        if code != 0:
            raise stage.CommandFailed("flocker-deploy deployment.yml application.yml", code, "")

    def edit(self):
        path = self.work / "deployment.yml"
        old = path.read_text()
        new = (stage.ROOT / "examples/deployment-moved.yml").read_text()
        # The examples differ in their comments as well; what a person changes is where the database is.
        new = old[:old.index("nodes:")] + new[new.index("nodes:"):]
        path.write_text(new)
        changed = [line for line in difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm="")
                   if line[:3] not in ("---", "+++") and line[:2] != "@@" and "#" not in line]
        self.command("edit deployment.yml")
        for line in changed:
            self.say.line("    " + (self.say.good(line) if line.startswith("+") else self.say.bad(line)))
        self.figures["edit"] = changed

    def calm(self, name):
        """Enough rows that what follows is measured from a client at work; then window `name` begins."""
        self.writer.wait_rows(CALM_ROWS)
        self.writer.mark(name)
        self.knocker.mark()

    def seen(self, next_window):
        window = self.writer.mark(next_window)
        knocks = self.knocker.mark()
        return {"rows_acknowledged": window["acknowledged"], "longest_pause_ms": window["longest_pause_ms"],
                "connections": knocks["made"] + knocks["refused"] + knocks["failed"],
                "refused_connections": window["refused"] + knocks["refused"],
                "failed_connections": window["resets"] + knocks["failed"],
                "messages": window["messages"]}

    def front_through_every_node(self):
        """What the front shows of its two databases; the same whichever node one asks."""
        answers = [json.loads(ask_front(node, "/status")) for node in self.nodes]
        if any(answer != answers[0] for answer in answers):
            raise stage.CommandFailed("the front through three nodes", "different answers", str(answers))
        return answers[0]

    # --- the end --------------------------------------------------------------------------------

    def keep_logs(self):
        shutil.rmtree(LOGS, ignore_errors=True)
        LOGS.mkdir(parents=True)
        for node in self.nodes:
            for log in ("flockerd.log", "dockerd.log"):
                if (node.folder / log).exists():
                    shutil.copy(node.folder / log, LOGS / f"{node.name}-{log}")

    def stop_clients(self):
        if self.knocker:
            self.knocker.stop()
        if self.writer:
            self.writer.kill()

    def clean_up(self):
        self.stop_clients()
        for node in self.nodes:
            node.stop_daemon()
        stage.nodes_down()


def ask_front(node, path, body=None):
    try:
        with urllib.request.urlopen(f"http://{node.address}:{FRONT_PORT}{path}", data=body, timeout=60) as answer:
            return answer.read().decode()
    except urllib.error.URLError as error:
        said_by = error.read().decode() if isinstance(error, urllib.error.HTTPError) else ""
        raise stage.CommandFailed(f"the front through {node.name}", error, said_by) from None


# --- the command line ---------------------------------------------------------------------------


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="demo", description="Three nodes on this machine, three containers deployed from the manifests in examples/, and "
                                 "PostgreSQL moved to another node while clients write to it. Run it as root.")
    parser.add_argument("verb", nargs="?", choices=["down"], help="remove everything that a demo has left, also after a crash")
    parser.add_argument("--json", action="store_true", help="end with one JSON object on standard output")
    parser.add_argument("--keep", action="store_true", help="leave the cluster up, and say how to talk to it")
    return parser.parse_args()


def hold_lock():
    """One demo at a time. The lock goes with this process, however it ends."""
    lock = open("/run/flocker-demo.lock", "w", encoding="utf-8")  # pylint: disable=consider-using-with
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("demo: another ./demo is running")
    return lock


def interrupt(*_):
    raise KeyboardInterrupt


def ignore_signals():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def perform(demo, arguments, say):
    """The exit code. Whatever happens, nothing is left behind unless that was asked for."""
    kept = False
    try:
        figures = demo.run()
        kept = arguments.keep
        code = 0 if figures["rows"]["lost"] == 0 else 1
        if arguments.json:
            print(json.dumps(figures), flush=True)
        else:
            report.show(say, figures)
        return code
    except KeyboardInterrupt:
        said.error_line("interrupted; removing everything")
        return 130
    except (stage.CommandFailed, clients.ClientFailed, OSError, KeyError, ValueError) as error:
        said.error_line(str(error) if isinstance(error, (stage.CommandFailed, clients.ClientFailed)) else repr(error))
        if getattr(error, "said", ""):
            print(error.said[-4000:], file=sys.stderr)
        demo.keep_logs()
        said.error_line(f"what the daemons said is in {LOGS}")
        return 1
    finally:
        ignore_signals()
        if kept:
            demo.stop_clients()
            report.how_to_talk(say, demo.nodes, demo.flocker)
        else:
            remove_all(demo)


def remove_all(demo):
    try:
        demo.clean_up()
    except stage.CommandFailed as error:
        said.error_line(f"{error}\n{error.said}try ./demo down")


def main():
    arguments = parse_arguments()
    if os.geteuid() != 0:
        sys.exit("demo: run it as root: it makes network namespaces, mounts and containers")
    lock = hold_lock()
    say = said.Say(sys.stderr if arguments.json else sys.stdout)
    if arguments.verb == "down":
        stage.nodes_down()
        say.line("Everything that ./demo has made is gone; the images stay in /var/cache/flocker-demo.")
        return 0
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    code = perform(Demo(say, arguments.keep), arguments, say)
    lock.close()
    return code


if __name__ == "__main__":
    sys.exit(main())
