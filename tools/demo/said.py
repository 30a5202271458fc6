# SPDX-License-Identifier: Apache-2.0
"""What a person reads while the demo works: steps with their time, commands, and what those said."""
import os
import sys
import time


class Say:
    """Lines for people on `out`; coloured on a terminal."""

    def __init__(self, out):
        self.out = out
        self.terminal = out.isatty()
        self.colour = self.terminal and "NO_COLOR" not in os.environ

    def paint(self, code, text):
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def bold(self, text):
        return self.paint("1", text)

    def dim(self, text):
        return self.paint("2", text)

    def good(self, text):
        return self.paint("32", text)

    def bad(self, text):
        return self.paint("31;1", text)

    def line(self, text=""):
        print(text, file=self.out, flush=True)

    def command(self, text, where=""):
        self.line(f"    {self.dim(where + '#' if where else '$')} {self.bold(text)}")

    def output(self, text):
        for line in text.splitlines():
            self.line(self.dim("    | ") + line)

    def step(self, what):
        return Step(self, what)


class Step:
    """`with say.step("Doing it"):` says what is done, and afterwards how long it took."""

    def __init__(self, say, what):
        self.say, self.what, self.began = say, what, 0.0

    def __enter__(self):
        self.began = time.monotonic()
        self.say.line(f"{self.say.paint('36', '==')} {self.what}")
        return self

    def __exit__(self, kind, *_):
        took = time.monotonic() - self.began
        if kind is None:
            self.say.line(self.say.dim(f"   {took:.1f} s"))
        else:
            self.say.line(self.say.bad(f"   stopped after {took:.1f} s"))


def number(count):
    return f"{count:,}"


def size(count):
    amount = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def duration(milliseconds):
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.2f} s"


def error_line(text):
    print(f"demo: {text}", file=sys.stderr, flush=True)
