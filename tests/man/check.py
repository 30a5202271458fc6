# SPDX-License-Identifier: Apache-2.0
"""The man pages have what --help has, and a formatter finds nothing wrong with them.

    check.py PROGRAMS

Formatters that are not installed are left out.
"""
import json
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FORMATTERS = {"mandoc": ["mandoc", "-T", "lint", "-W", "warning"],
              "groff": ["groff", "-man", "-ww", "-z", "-T", "utf8"],
              "man": ["man", "--warnings=w", "--local-file", "--troff-device=utf8"]}


def said_by(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def commands_in(shape, path=()):
    for sub in shape["subcommands"]:
        yield (*path, sub["name"]), sub
        yield from commands_in(sub, (*path, sub["name"]))


class ManPages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="flkt-man-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        said_by(ROOT / "tools/manpages", PROGRAMS, ROOT / "docs/manifests.md", cls.folder)
        cls.shape = json.loads(said_by(PROGRAMS / "flocker", "__shape"))

    def shown(self, page):
        """As a reader sees it, without markup and hyphenation."""
        text = (self.folder / page).read_text(encoding="utf-8")
        return re.sub(r"\\f[BIR]|\\&", "", text).replace(r"\-", "-").replace(r"\e", "\\")

    def test_every_command_and_option_is_in_it(self):
        page = self.shown("flocker.1")
        count = 0
        for path, command in commands_in(self.shape):
            for option in command["options"]:
                for name in filter(None, option["names"].split(", ")):
                    self.assertTrue(name in page or name in ("-h", "--help"), f"{name} of {path}")
                self.assertTrue(not option["place"] or option["place"] in page, f"{option['place']} of {path}")
            if not command["subcommands"]:
                self.assertIn(" ".join(("flocker", *path)), page)
                count += 1
        self.assertGreater(count, 30)

    def test_the_others_say_what_they_are_made_of(self):
        self.assertIn("--dry-run", self.shown("flocker-deploy.1"))
        daemon = self.shown("flockerd.8")
        for word in re.findall(r"--[a-z-]+", said_by(PROGRAMS / "flockerd", "--help")):
            self.assertIn(word, daemon)
        manifests = self.shown("flocker-manifests.5")
        for key in re.findall(r"^\| `([^`]+)`", (ROOT / "docs/manifests.md").read_text(), re.M):
            self.assertIn(key, manifests)
        self.assertNotIn("](", manifests)

    def test_formatters_find_nothing_wrong(self):
        for name, command in FORMATTERS.items():
            if not shutil.which(name):
                continue
            for page in sorted(self.folder.iterdir()):
                with self.subTest(formatter=name, page=page.name):
                    done = subprocess.run([*command, str(page)], capture_output=True, text=True, check=False)
                    self.assertEqual((done.stderr, done.stdout if name == "mandoc" else ""), ("", ""))


if __name__ == "__main__":
    PROGRAMS = Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
