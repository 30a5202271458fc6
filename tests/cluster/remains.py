# SPDX-License-Identifier: Apache-2.0
"""What is on a node of applications and volumes, counted from outside, and what of it nobody accounts for."""
import json
import os
import pathlib
import re

SNAPSHOT = re.compile(r"e\d+-s\d+")
# Of one volume on one node, at rest: what a replica got in the last ten seconds stays for a while.
SNAPSHOTS_KEPT = 64


def of_node(node, ports, asides=False):
    """({"containers": names, "datasets": ids, "live": ids of those with the owner's copy, "mounts": ids}, what is wrong).
    `ports`: the external ones of all applications that run somewhere. `asides`: data may have been set aside."""
    folders = datasets(node)
    there = {"containers": sorted(node.containers(everything=True)), "datasets": sorted(folders),
             "live": sorted(dataset for dataset, names in folders.items() if "live" in names), "mounts": mounts(node)}
    return there, [f"{node.name}: {text}" for text in [*strays(folders, asides), *routes(node, ports)]]


def datasets(node):
    folder = node.folder / "pool" / "flocker"
    return {each: os.listdir(folder / each) for each in os.listdir(folder)} if folder.is_dir() else {}


def mounts(node):
    """The same one twice, if it is mounted twice."""
    below = f"{node.folder}/flocker/"
    points = [line.split()[1] for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
    return sorted(point.removeprefix(below) for point in points if point.startswith(below))


def strays(folders, asides):
    for dataset, names in folders.items():
        snapshots = [name for name in names if SNAPSHOT.fullmatch(name)]
        other = [name for name in names if name not in (*snapshots, "marker.json", "live")
                 and not (asides and name.startswith("aside-"))]
        if other:
            yield f"in the folder of volume {dataset}: {', '.join(other)}"
        if len(snapshots) > SNAPSHOTS_KEPT:
            yield f"{len(snapshots)} snapshots of volume {dataset}"


def routes(node, ports):
    listed = json.loads(node.run("nft", "--json", "list", "table", "ip", "flocker").stdout)["nftables"]
    elements = {entry[kind]["name"]: entry[kind].get("elem", []) for entry in listed for kind in ("map", "set") if kind in entry}
    routed = sorted(element[0] for element in elements["routes"])
    if routed != sorted(ports):
        yield f"routes for the ports {routed}, and {sorted(ports)} are to be"
    for name in ("held", "closed"):
        if elements[name]:
            yield f"ports {elements[name]} are {name}"
