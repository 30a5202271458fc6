# SPDX-License-Identifier: Apache-2.0
"""The pause against the size of the volume, one line for each way, as an SVG."""
import math

from figures import bytes_of, median, moves_of
from ground import DATABASES, LOADS
from ways import WAYS

# What the lines are called, and their colours, which people who see fewer of them can tell apart.
LINES = {
    "flocker": ("Flocker", "#c8102e"),
    "restart-quick": ("restart, no ARP second", "#7a7a7a"),
    "restart": ("docker restart", "#222222"),
    "snapshots": ("snapshots, no ARP second", "#0072b2"),
    "rsync": ("rsync twice", "#009e73"),
    "classic": ("stop, send all, start", "#b3700c"),
}
TITLES = {"redis": "Redis", "postgres": "PostgreSQL"}
PANEL, HEIGHT, LEFT, LABELS, TOP, BOTTOM = 210, 300, 52, 166, 46, 44
APART = 13  # Between two labels.


def drawing(document):
    load = next(load for load in ("light", *LOADS) if moves_of(document, load=load))
    databases = [name for name in DATABASES if moves_of(document, load=load, database=name)]
    points = {(database, way): medians(document, database, load, way) for database in databases for way in WAYS}
    scale = Scale([point for line in points.values() for point in line])
    width = len(databases) * (LEFT + PANEL + LABELS)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{TOP + HEIGHT + BOTTOM}" '
           f'viewBox="0 0 {width} {TOP + HEIGHT + BOTTOM}" font-family="sans-serif" font-size="11" fill="#333">',
           '<title>Longest pause of a client against the size of the volume</title>',
           '<rect width="100%" height="100%" fill="#fdfdfc"/>',
           f'<text x="{LEFT}" y="16">Longest pause that a client sees (write load: {load}), by size of the volume</text>']
    for number, database in enumerate(databases):
        out.append(f'<g transform="translate({number * (LEFT + PANEL + LABELS) + LEFT} {TOP})">')
        out += axes(scale, TITLES[database])
        out += lines(scale, {way: points[database, way] for way in WAYS if points[database, way]})
        out.append("</g>")
    return "\n".join([*out, "</svg>"]) + "\n"


def medians(document, database, load, way):
    moves = moves_of(document, database=database, load=load, way=way)
    by_size = {size: [move for move in moves if move["size"] == size] for size in {move["size"] for move in moves}}
    return sorted((bytes_of(size), median(group, "pause_ms"), size) for size, group in by_size.items())


class Scale:
    """Both axes logarithmic, the same in all panels."""

    def __init__(self, points):
        self.sizes = sorted({(x, size) for x, _, size in points})
        self.left, self.right = math.log(self.sizes[0][0]), math.log(self.sizes[-1][0])
        values = [y for _, y, _ in points]
        ticks = [digit * 10 ** power for power in range(6) for digit in (1, 2, 5)]
        low = max((tick for tick in ticks if tick <= min(values)), default=1)
        high = min((tick for tick in ticks if tick >= max(values)), default=ticks[-1])
        self.ticks = [tick for tick in ticks if low <= tick <= high]
        self.low, self.high = math.log(low), math.log(max(high, 2 * low))

    def x(self, value):
        if self.left == self.right:
            return PANEL / 2
        return 8 + (PANEL - 16) * (math.log(value) - self.left) / (self.right - self.left)

    def y(self, value):
        return HEIGHT * (1 - (math.log(value) - self.low) / (self.high - self.low))


def axes(scale, title):
    yield f'<text x="0" y="-10" font-size="13" font-weight="bold">{title}</text>'
    for tick in scale.ticks:
        y = scale.y(tick)
        text = f"{tick} ms" if tick < 1000 else f"{tick // 1000} s"
        yield f'<line x1="0" x2="{PANEL}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        yield f'<text x="-6" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
    for value, size in scale.sizes:
        x = scale.x(value)
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{HEIGHT}" stroke="#eee"/>'
        yield f'<text x="{x:.1f}" y="{HEIGHT + 16}" text-anchor="middle">{size[:-1]} {size[-1]}B</text>'


def lines(scale, points):
    heights = apart({way: scale.y(line[-1][1]) for way, line in points.items()})
    for way, line in reversed(points.items()):  # Flocker's on top.
        label, colour = LINES[way]
        thick = way == "flocker"
        at = [(scale.x(x), scale.y(y)) for x, y, _ in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{2.6 if thick else 1.4}"/>'
        for x, y in at:
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{3.2 if thick else 2.2}" fill="{colour}"/>'
        x, y = at[-1]
        yield (f'<line x1="{x + 4:.1f}" y1="{y:.1f}" x2="{PANEL + 8}" y2="{heights[way]:.1f}" stroke="{colour}" '
               'stroke-width="0.6"/>')
        yield (f'<text x="{PANEL + 11}" y="{heights[way] + 4:.1f}" fill="{colour}"'
               f'{" font-weight=" + chr(34) + "bold" + chr(34) if thick else ""}>{label}</text>')


def apart(wanted):
    """Where the labels go: as near to their lines' ends as they can be without touching each other."""
    groups = []  # Labels that touch, each group around the middle of what its members want.
    for way in sorted(wanted, key=wanted.get):
        groups.append([way])
        while len(groups) > 1 and bottom(groups[-2], wanted) + APART > top(groups[-1], wanted):
            groups[-2:] = [groups[-2] + groups[-1]]
    return {way: top(group, wanted) + APART * number for group in groups for number, way in enumerate(group)}


def top(group, wanted):
    return sum(wanted[way] for way in group) / len(group) - APART * (len(group) - 1) / 2


def bottom(group, wanted):
    return top(group, wanted) + APART * (len(group) - 1)
