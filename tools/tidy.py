#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what a compiler does not: which room may include which, what the pure rooms may not touch, names and layout.

    tidy.py [FOLDER]       checks the checkout in FOLDER (default: the one that this file is in); 1 if anything is found
    tidy.py --self-test    breaks each rule once in a small checkout of its own, and looks whether it is found

Reads files only. Needs nothing but Python.
"""
import os
import re
import sys
import tempfile
from pathlib import Path

LINE_LENGTH = 130
# A struct of a few fields with its comparison; a list of them is easier to read one a line.
VALUE_ON_ONE_LINE = re.compile(r"\s*struct \w+ \{.* friend bool operator==\(const \w+&, const \w+&\) = default; \};$")
CORE = ("base", "model", "plan", "protocol")
EVERY_ADAPTER = "adapters/*"
ADAPTER = ("base", "model", "ports", "codec", "adapters/posix", "adapters/http")

# Room -> rooms whose headers it may include, beside its own. A folder that is not here may include everything.
ARROWS = {
    "src/base": (),
    "src/usage": ("base",),
    "src/model": ("base",),
    "src/manifest": ("base", "model"),
    "src/plan": ("base", "model"),
    "src/protocol": ("base", "model", "plan"),
    "src/ports": ("base", "model"),
    "src/driver": ("base", "model", "plan", "protocol", "ports"),
    "src/codec": ("base", "model"),
    "src/adapters/*": ADAPTER,
    "src/api": ("base", "model", "plan", "protocol", "ports", "driver", "codec", "adapters/http", "adapters/posix"),
    "src/setup": ("base", "usage", "model", "ports", "manifest", "codec", "api", EVERY_ADAPTER),
    "src/standby": ("base", "usage", "model", "plan", "ports", "manifest", "codec", "setup", EVERY_ADAPTER),
    "src/doctor": ("base", "model", "manifest", "codec", "setup", "standby", EVERY_ADAPTER),
    "src/cli": ("base", "usage", "model", "manifest", "codec", "api", "adapters/posix"),
    "sim": ("base", "model", "plan", "protocol", "ports", "driver"),
}
# Tests stand a machine up around their subject and may take more.
TEST_ARROWS = {"src/adapters/*": (EVERY_ADAPTER,), "src/api": (EVERY_ADAPTER,), "src/cli": (EVERY_ADAPTER,)}

# What would make a decision depend on more than its arguments.
IMPURE = [
    (r"#\s*include\s*<(thread|mutex|shared_mutex|condition_variable|atomic|future|filesystem|fstream|random)>", r"<\1>"),
    (r"#\s*include\s*<((?:sys/|netinet/|arpa/)[a-z_/]+\.h|unistd\.h|netdb\.h|poll\.h)>", r"<\1>"),
    (r"\b(\w+_clock\s*::\s*now|clock_gettime|gettimeofday|random_device|getenv|unordered_\w+)\b", r"\1"),
]
BANNED_WORDS = {"manager", "util", "utils", "helper", "helpers", "common", "misc"}

CPP = {".cpp", ".hpp", ".c", ".h"}
CODE = CPP | {".py", ".cmake", ".sh", ".pml"}


class Checkout:
    """The files under a folder, read once, without what is built and what git keeps."""

    def __init__(self, root):
        self.root = Path(root)
        self.files = {}
        for folder, names, files in os.walk(self.root):
            names[:] = sorted(n for n in names if n not in ("build", "__pycache__") and (not n.startswith(".") or n == ".ci"))
            for name in sorted(files):
                path = (Path(folder) / name).relative_to(self.root)
                if path.suffix in CODE | {".md"} or name == "CMakeLists.txt" or not path.suffix:
                    try:
                        self.files[path] = (self.root / path).read_text(encoding="utf-8")
                    except (UnicodeDecodeError, OSError):
                        pass  # A binary, or gone in this moment.

    def of(self, suffixes, *under):
        for path, text in self.files.items():
            if path.suffix in suffixes and (not under or path.parts[0] in under):
                yield path, text


def is_test(path):
    return path.stem.endswith("_test") or path.stem == "testing"


def is_code(path, text):
    return path.suffix in CODE or path.name == "CMakeLists.txt" or text.startswith("#!")


def without_comments(text):
    """The text with its comments and strings blanked, line by line as before."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"\((.*?)\)"|"(?:\\.|[^"\\\n])*"', re.S)

    def blank(match):
        start = text.rfind("\n", 0, match.start()) + 1
        if match[0].startswith('"') and re.match(r"\s*#\s*include\s*$", text[start:match.start()]):
            return match[0]
        return re.sub(r"[^\n]", " ", match[0])

    return pattern.sub(blank, text)


def lines(text):
    return enumerate(text.split("\n"), 1)


def room_of(path):
    """The key of ARROWS, and how others write the room in an include."""
    if path.parts[:2] == ("src", "adapters") and len(path.parts) > 3:
        return "src/adapters/*", "adapters/" + path.parts[2]
    if path.parts[0] == "src" and len(path.parts) > 2:
        return "src/" + path.parts[1], path.parts[1]
    return path.parts[0], path.parts[0]


def check_arrows(checkout):
    for path, text in checkout.of(CPP):
        key, own = room_of(path)
        if key not in ARROWS:
            if path.parts[0] == "src":
                yield path, 1, f"room {own} is not in the table of tools/tidy.py; say there what it may include"
            continue
        allowed = set(ARROWS[key]) | {own}
        if is_test(path):
            allowed |= set(TEST_ARROWS.get(key, ()))
        for number, line in lines(without_comments(text)):
            match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
            if not match:
                continue
            target = room_of(Path("src") / match[1])[1] if "/" in match[1] else ""
            if target in allowed or (EVERY_ADAPTER in allowed and target.startswith("adapters/")):
                continue
            yield path, number, f'{own} may not include "{match[1]}"'


def check_pure(checkout):
    for path, text in checkout.of(CPP, "src"):
        if path.parts[1] not in CORE or is_test(path):
            continue
        for number, line in lines(without_comments(text)):
            for pattern, what in IMPURE:
                match = re.search(pattern, line)
                if match:
                    yield path, number, f"{path.parts[1]} is pure and may not use {match.expand(what)}"


def check_built(checkout):
    for path, _ in checkout.of({".cpp"}, "src", "apps", "sim", "tests", "bench"):
        for folder in path.parents:
            cmake = checkout.files.get(folder / "CMakeLists.txt")
            name = re.escape(path.relative_to(folder).as_posix())
            if cmake is not None and re.search(rf"(?<![\w/.-]){name}(?![\w.-])", cmake):
                break
        else:
            yield path, 1, "no CMakeLists.txt names it, so nobody builds it"


def check_license(checkout):
    for path, text in checkout.of(CPP | {".pml"}):
        if text.split("\n", 1)[0].strip() not in ("// SPDX-License-Identifier: Apache-2.0",
                                                  "/* SPDX-License-Identifier: Apache-2.0 */"):
            yield path, 1, "the first line is not // SPDX-License-Identifier: Apache-2.0"


def check_pragma_once(checkout):
    for path, text in checkout.of({".hpp"}):
        if not re.search(r"^#pragma once$", text, re.M):
            yield path, 1, "the header has no #pragma once"


def check_names(checkout):
    declaration = re.compile(r"^\s*(?:template\s*<.*>\s*)?(?:class|struct|union|enum(?:\s+class)?|using)\s+([A-Z]\w*)")
    for path, text in checkout.files.items():
        for word in re.split(r"[^a-z]+", path.as_posix().lower()):
            if word in BANNED_WORDS:
                yield path, 1, f'"{word}" in the name of a file says nothing; name what it is'
        if path.suffix not in CPP:
            continue
        for number, line in lines(without_comments(text)):
            match = declaration.match(line)
            if not match:
                continue
            for word in re.findall(r"[A-Z][a-z0-9]*", match[1]):
                if word.lower() in BANNED_WORDS:
                    yield path, number, f'"{word}" in {match[1]} says nothing; name what it is'


def check_lines(checkout):
    for path, text in checkout.files.items():
        code = is_code(path, text)
        if not code and path.suffix != ".md":
            continue
        for number, line in lines(text):
            if code and len(line) > LINE_LENGTH and not VALUE_ON_ONE_LINE.match(line):
                yield path, number, f"{len(line)} characters; {LINE_LENGTH} are the most"
            if line != line.rstrip():
                yield path, number, "white space at the end of the line"


def check_pages(checkout):
    for path, text in checkout.of({".md"}):
        prose = re.sub(r"^(```|~~~).*?^\1", lambda match: "\n" * match[0].count("\n"), text, flags=re.S | re.M)
        titles = len(re.findall(r"^# ", prose, re.M))
        if titles != 1:
            yield path, 1, f"{titles} titles (lines that begin with one #); a page has one"
        for number, line in lines(re.sub(r"`[^`\n]*`", "", prose)):
            for target in re.findall(r"\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)", line):
                if re.match(r"[a-z][a-z0-9+.-]*:", target) or target.startswith("#"):
                    continue
                if not (checkout.root / path.parent / target.split("#", 1)[0]).exists():
                    yield path, number, f"the link {target} leads nowhere"


def check_nodiscard(checkout):
    """Free functions and static ones; members are left to the reader."""
    declaration = re.compile(r"^(?:(?P<static>\s*static\s+)|inline\s+|constexpr\s+)*"
                             r"(?:flocker::)?(?:Result<.*>|Status)\s+(?P<name>[a-z]\w*)\s*\(")
    for path, text in checkout.of({".hpp"}, "src", "sim", "apps"):
        if path.parts[:2] == ("src", "ports"):
            continue
        previous = ""
        for number, line in lines(without_comments(text)):
            match = declaration.match(line)
            if match and "[[nodiscard]]" not in previous:
                yield path, number, f"{match['name']}() returns an outcome and is not [[nodiscard]]"
            if line.strip():
                previous = line


RULES = {
    "arrows": check_arrows,
    "pure": check_pure,
    "built": check_built,
    "license": check_license,
    "pragma-once": check_pragma_once,
    "names": check_names,
    "lines": check_lines,
    "pages": check_pages,
    "nodiscard": check_nodiscard,
}


def findings(root):
    checkout = Checkout(root)
    for rule, check in RULES.items():
        for path, number, message in check(checkout):
            yield rule, f"{path}:{number}: {message} [{rule}]"


# --- self-test ----------------------------------------------------------------------------------

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
HEADER = SPDX + "#pragma once\n"
CLEAN = {
    "README.md": "# A page\n\nSee [the code](src/plan/a.hpp#x), `[no](link)` and [out](https://example.org).\n\n"
                 "```\n# no title\n```\n",
    "src/CMakeLists.txt": "room(SOURCES plan/a.cpp plan/a_test.cpp)\n",
    "src/plan/a.hpp": HEADER + '#include "base/b.hpp"\n#include "plan/a.hpp"\n[[nodiscard]] Status go(int x);\n'
                               "// std::getenv and a manager in a comment\n",
    "src/plan/a.cpp": SPDX + '#include "model/m.hpp"\n#include <map>\nconst char* text = "getenv";\n'
                      "Status go(int) { return {}; }\n",
    "src/model/m.hpp": HEADER + "struct " + "M" * LINE_LENGTH
                       + " { int a; friend bool operator==(const M&, const M&) = default; };\n",
    "src/plan/a_test.cpp": SPDX + "#include <thread>\n",
    "src/ports/p.hpp": HEADER + "virtual Status go();\n",
    "src/adapters/docker/d.hpp": HEADER + '#include "adapters/http/h.hpp"\n#include <mutex>\n',
}
# (the rule that must speak, the file, its text)
BROKEN = [
    ("arrows", "src/plan/a.hpp", HEADER + '#include "protocol/x.hpp"\n'),
    ("arrows", "src/model/m.hpp", HEADER + '#include "plan/a.hpp"\n'),
    ("arrows", "src/base/b.hpp", HEADER + '#include "model/m.hpp"\n'),
    ("arrows", "src/driver/d.hpp", HEADER + '#include "adapters/posix/x.hpp"\n'),
    ("arrows", "src/adapters/docker/d.hpp", HEADER + '#include "adapters/btrfs/x.hpp"\n'),
    ("arrows", "src/adapters/docker/d.hpp", HEADER + '#include "protocol/x.hpp"\n'),
    ("arrows", "src/cli/c.hpp", HEADER + '#include "plan/a.hpp"\n'),
    ("arrows", "src/plan/a.hpp", HEADER + '#include "beside.hpp"\n'),
    ("arrows", "src/newroom/n.hpp", HEADER),
    ("arrows", "sim/s.hpp", HEADER + '#include "adapters/posix/x.hpp"\n'),
    ("pure", "src/plan/a.hpp", HEADER + "#include <thread>\n"),
    ("pure", "src/base/b.hpp", HEADER + "#include <mutex>\n"),
    ("pure", "src/protocol/p.hpp", HEADER + "#include <filesystem>\n"),
    ("pure", "src/protocol/p.hpp", HEADER + "#include <fstream>\n"),
    ("pure", "src/protocol/p.hpp", HEADER + "#include <sys/socket.h>\n"),
    ("pure", "src/model/m.hpp", HEADER + "auto t = std::chrono::steady_clock::now();\n"),
    ("pure", "src/model/m.hpp", HEADER + "std::random_device d;\n"),
    ("pure", "src/model/m.hpp", HEADER + 'auto h = std::getenv("HOME");\n'),
    ("pure", "src/model/m.hpp", HEADER + "std::unordered_map<int, int> m;\n"),
    ("built", "src/plan/forgotten.cpp", SPDX),
    ("built", "src/plan/za.cpp", SPDX),
    ("license", "src/plan/a.hpp", "#pragma once\n"),
    ("license", "tests/model/m.pml", "byte owner;\n"),
    ("pragma-once", "src/plan/a.hpp", SPDX),
    ("names", "src/plan/string_utils.hpp", HEADER),
    ("names", "src/plan/a.hpp", HEADER + "class MoveManager {};\n"),
    ("names", "src/plan/a.hpp", HEADER + "using Misc = int;\n"),
    ("lines", "src/plan/a.hpp", HEADER + "// " + "x" * LINE_LENGTH + "\n"),
    ("lines", "src/plan/a.hpp", HEADER + "int x; \n"),
    ("lines", "tools/run", "#!/bin/sh\necho \n"),
    ("lines", "tests/model/m.pml", SPDX + "byte owner; \n"),
    ("lines", "README.md", "# A page \n"),
    ("pages", "README.md", "# One\n\n# Two\n"),
    ("pages", "README.md", "text\n"),
    ("pages", "README.md", "# A page\n\n[gone](docs/gone.md)\n"),
    ("nodiscard", "src/plan/a.hpp", HEADER + "Status go(int x);\n"),
    ("nodiscard", "src/plan/a.hpp", HEADER + "Result<std::vector<int>> go(\n    int x);\n"),
    ("nodiscard", "src/plan/a.hpp", HEADER + "struct A {\n    static Result<A> make();\n};\n"),
]


def found_in(files):
    with tempfile.TemporaryDirectory(prefix="flkt-tidy-") as folder:
        for name, text in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return list(findings(folder))


def self_test():
    wrong = [f"a clean checkout is blamed: {message}" for _, message in found_in(CLEAN)]
    for rule, name, text in BROKEN:
        rules = {found for found, _ in found_in({**CLEAN, name: text})}
        if rules != {rule}:
            wrong.append(f"{name} breaks {rule}, and found was {sorted(rules) or 'nothing'}: {text!r}")
    untested = set(RULES) - {rule for rule, _, _ in BROKEN}
    wrong += [f"nothing breaks the rule {rule}" for rule in sorted(untested)]
    return wrong


def main(arguments):
    if arguments == ["--self-test"]:
        found = self_test()
    elif len(arguments) <= 1 and not any(word.startswith("-") for word in arguments):
        found = [message for _, message in findings(arguments[0] if arguments else Path(__file__).resolve().parent.parent)]
    else:
        print(__doc__, file=sys.stderr)
        return 2
    for message in found:
        print(message)
    print(f"{len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
