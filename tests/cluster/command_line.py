# SPDX-License-Identifier: Apache-2.0
"""How the programs are called and what their answers are named: the one place to change when they do."""
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("FLOCKER_PROGRAMS", ROOT / "build/release/bin"))
FLOCKER = PROGRAMS / "flocker"
FLOCKER_DEPLOY = PROGRAMS / "flocker-deploy"
FLOCKERD = PROGRAMS / "flockerd"
LOAD = PROGRAMS / "load"


def place(node):
    """Where a node keeps everything: so that several fit on one machine."""
    return ["--name", node.name, "--address", node.address,
            "--config-dir", f"{node.folder}/etc", "--state-dir", f"{node.folder}/var",
            "--volumes-dir", f"{node.folder}/flocker", "--engine", f"unix://{node.folder}/docker.sock",
            "--pool", f"{node.folder}/pool", "--no-start"]


def init(node, *more):
    return [FLOCKER, "init", *place(node), "--json", *more]


def join(node, control_address, token, *more):
    return [FLOCKER, "join", control_address, "--token", token, *place(node), *more]


def control(node, what):
    return [FLOCKER, "control", what, "--config-dir", f"{node.folder}/etc"]


def backup(node, file):
    return [FLOCKER, "backup", str(file), "--config-dir", f"{node.folder}/etc"]


def restore(node, file):
    return [FLOCKER, "restore", str(file), "--config-dir", f"{node.folder}/etc"]


def doctor(node):
    return [FLOCKER, "doctor", "--json", "--config-dir", f"{node.folder}/etc"]


def diagnostics(node, file):
    return [FLOCKER, "diagnostics", str(file), "--config-dir", f"{node.folder}/etc"]


def create_token():
    return ["token", "create", "--json"]


def token_in(answer):
    """From the answer of `init --json` or `token create --json`."""
    return answer.get("join_token") or answer["token"]


def daemon(node):
    """In the foreground; it says READY=1 to NOTIFY_SOCKET."""
    return [FLOCKERD, "--config", f"{node.folder}/etc/flocker.yml"]


def context(first_node):
    """The user's context, which `init` has written on the first node."""
    return {"FLOCKER_CONTEXT": f"{first_node.folder}/etc/context.json"}


def deploy(deployment, application):
    return ["deploy", str(deployment), str(application), "--yes"]


def move(application, node):
    return ["move", application, node]


STATUS = ["status", "--json"]
NODES = ["node", "ls", "--json"]
VOLUMES = ["volume", "ls", "--json"]
