# SPDX-License-Identifier: Apache-2.0
"""How a test looks at a ledger and at the containers of a node."""
import json
import socket
import time

import command_line
from cluster import LEDGER, Failed, run


def ledger(port=7000, **more):
    """The ledger behind `port`, with a volume; `more` keys of its description, None leaves one out."""
    description = {**LEDGER, "ports": [{"internal": 7000, "external": port}], **more}
    return {key: value for key, value in description.items() if value is not None}


def volume(**more):
    """The ledger's, with more keys of its description."""
    return {**LEDGER["volume"], **more}


def link(alias, port):
    return {"alias": alias, "local_port": port, "remote_port": port}


def ask(address, port, line, seconds=30.0):
    """One line to a ledger, its first line back. A refused connection is an error at once."""
    with socket.create_connection((address, port), timeout=seconds) as connection:
        connection.sendall(line.encode() + b"\n")
        with connection.makefile("r") as answer:
            return answer.readline().strip()


ASK = "exec 3<>/dev/tcp/$0/$1 && echo count >&3 && read -r -t 30 -u 3 answer && echo $answer"


def ask_on(node, address, port):
    """The count of the ledger there, asked by a program of that node."""
    return int(node.run("timeout", "30", "bash", "-c", ASK, address, port).stdout)


def inspect(node, application):
    """What the engine says of an application's container."""
    return json.loads(node.docker("inspect", f"flocker--{application}"))[0]


def ask_link(node, application, alias, port):
    """The count of the ledger that a link leads to, asked in the network of the linked container at the
    address that its variables give."""
    seen = inspect(node, application)
    variables = dict(entry.split("=", 1) for entry in seen["Config"]["Env"])
    prefix = f"{alias.upper()}_PORT_{port}_TCP"
    network = f"--net=/proc/{seen['State']['Pid']}/ns/net"
    probe = ["nsenter", network, "--", "timeout", "30", "bash", "-c", ASK,
             variables[prefix + "_ADDR"], variables[prefix + "_PORT"]]
    return int(run(probe).stdout)


def runs(cluster):
    """(node, application) -> the container's id and when that run of it began."""
    return {(node.name, name): (seen["Id"], seen["State"]["StartedAt"])
            for node in cluster.nodes.values() for name in node.containers()
            for seen in json.loads(node.docker("inspect", name))}


def fill(cluster, node, port, amount, kind="ledger"):
    run([command_line.LOAD, "fill", kind, "--host", cluster[node].address, "--port", port, "--bytes", amount],
        timeout=300)


def application(cluster, name):
    """The entry of `flocker status`, or None."""
    return next((entry for entry in cluster.status()["applications"] if entry["name"] == name), None)


def volumes(cluster):
    return cluster.flocker("volume", "ls", "--json")["volumes"]


def result_of(report, name):
    """An application's row in what `deploy --json` or `move --json` answers."""
    return next(row for row in report["results"] if row["application"] == name)


def wait_for(cluster, name, what, predicate, seconds=120.0):
    """Polls `flocker status` until predicate(entry of the application, or None); the control service may be
    away meanwhile."""
    deadline = time.monotonic() + seconds
    last = None
    while time.monotonic() < deadline:
        done = cluster.flocker("status", "--json", check=False)
        if done.returncode == 0:
            last = next((entry for entry in json.loads(done.stdout)["applications"] if entry["name"] == name), None)
            if predicate(last):
                return last
        time.sleep(0.05)
    raise Failed(f"waited {seconds:g} s in vain for {name} {what}: {json.dumps(last)}")
