"""Texts on which a reader with a careless expression or loop takes more than linear time.

As a program, it reads the texts that begin with one of ``HEADS``: ``python adversarial.py INDEX``.
It limits the processor time of each text, so the load of the machine has no influence.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

UNITS = (
    "a",
    "1",
    " ",
    "\t",
    "\n",
    "\r",
    "#",
    "- ",
    "-",
    "[",
    "{",
    "]",
    "(",
    '"',
    "'",
    "\\",
    "\\\n",
    ":",
    ": ",
    "a: ",
    "a:\n",
    "a: {}\n",
    "&a ",
    "*a ",
    "!",
    "/",
    "a/",
    "a.",
    "a@",
    "a-",
    "@",
    "=",
    "==",
    ",",
    ", ",
    ";",
    "; ",
    "|",
    ">",
    "<",
    "?",
    "%",
    "_",
    "::",
    "a==1 \\\n",
    "a==1\n",
    "a\n",
    "a\n\n",
    "# via a\n",
    "    # via a\n",
    "a==1 ; ",
    "a[",
    "a @ ",
    "-e a",
    " --hash",
    " --hash=sha256:0",
    "--a ",
    "via ",
    "[metadata]\n",
    "[metadata]\na\n",
    "[[package]]\n",
    '[[package]]\nname = "a"\nversion = "1"\n',
    '[[packages]]\nname = "a"\n',
    "[a.",
    "a.b = 1\n",
    "[tool.a\n",
    "package:\n",
    "package:\n- ",
    "- a: b\n",
    "- name: a\n",
    "  - a\n",
    "metadata:\n",
    "version: 1\n",
    "environments:\n",
    "dependencies:\n",
    "on:\n",
    "jobs:\n",
    "---\n",
    "--- ",
    "@EXPLICIT\n",
    "@EXPLICIT ",
    "https://a/b/c-1-0.conda\n",
    "https://a/t/a",
    "# platform: a\n",
    "# platform:  ",
    "# pip a @ b\n",
    "# pip a ",
    '"lockfileVersion"',
    '"lockfileVersion"   ',
    '{"a":',
    '"dependencies"',
    '"dependencies": ',
    '"scripts" ',
    '{"node_modules/a": ',
    "key: |\n a\n",
    "key: >\n",
    "a: |\n",
    '"a": 1, ',
    "a: 1 # b\n",
    "a: 1 ",
    "a: ~ ",
    "1e",
    "1.",
    "'' ",
    "'a': ",
    '"a": ',
    ": {a: b}\n",
    ": {",
    "? ",
    "é",
    "\u2028",
)
"""Pieces that a text repeats; each is part of the syntax of some format."""

REGULAR = """version: 1
metadata:
  platforms: []
package:
- name: a
  version: '1'
  manager: conda
  platform: linux-64
  dependencies:
    b: """

HEADS = (
    "",
    '{"lockfileVersion": 3, "packages": ',
    '{"lockVersion": "1.0.0", "channels": ["',
    "version: 1\nmetadata:\n  platforms: []\npackage:\n- name: a\n",
    "version: 1\nmetadata:\n  platforms: []\npackage:\n",
    REGULAR,
    "version: 6\nenvironments:\n  default:\n    packages:\n",
    "version: 5\nenvironments: {}\npackages:\n",
    'version = 1\nrequires-python = ">=3"\n',
    '[[package]]\nname = "a"\nversion = "1"\npython-versions = "*"\n',
    'lock-version = "1.0"\n',
    "@EXPLICIT\n",
    "a",
    "a==1",
    "a==1\n",
    "a @ b",
    "-e a",
    "dependencies:",
    "dependencies:\n- ",
)
"""Starts of texts; most are recognised by one reader."""

SIZE = 30_000
SECONDS = 1.5
"""Processor time for one text. A linear reader needs a hundredth of it."""


def texts(head: str) -> Iterator[tuple[str, str]]:
    """Yield texts that begin with ``head``, each with a name."""
    for unit in UNITS:
        repeated = unit * (SIZE // len(unit))
        for end in ("x", "\n?\n"):
            yield f"{head!r}, {unit!r}, {end!r}", f"{head}{repeated}{end}"
    if not head:
        yield from _nested(SIZE)


def _nested(size: int) -> Iterator[tuple[str, str]]:
    """Yield documents that are valid, but deep or with long names."""
    depth = size // 40
    tree = '{"version": "1", "dependencies": {"a": ' * depth + "{}" + "}}" * depth
    yield "npm tree", f'{{"lockfileVersion": 1, "dependencies": {{"a": {tree}}}}}'
    yield "npm tree, not closed", '{"lockfileVersion": 1' + ', "dependencies": {"a": {' * depth
    path = "/".join(["node_modules/a"] * (size // 20))
    names = {f"a{number}": "1" for number in range(size // 20)}
    for location, entry in ((path, {"dependencies": names}), ("node_modules/a", {"name": path})):
        packages = {"": {"dependencies": {"a": "1"}}, location: {"version": "1", **entry}}
        yield "npm path", json.dumps({"lockfileVersion": 3, "packages": packages})
    yield "npm path and many names", _long_paths(size)
    yield "TOML nesting", "a = " + "[" * size
    yield "TOML keys", "version = 1\nrevision = 1\n" + "a." * (size // 2) + "a = 1\n"
    yield "YAML flow", "version: 1\nmetadata: {}\npackage: " + "[" * size
    yield "YAML nesting", "version: 1\nmetadata: {}\npackage:\n" + _staircase(size)


def _long_paths(size: int) -> str:
    """Return a lock with many packages, each deep in the same folders."""
    deep = "/".join(["node_modules/a"] * 200)
    names = {f"a{number}": "1" for number in range(size // 20)}
    packages: dict[str, object] = {f"{deep}/node_modules/z": {"dependencies": names}}
    packages |= {f"{deep}/node_modules/b{number}": {} for number in range(size // 4000)}
    return json.dumps({"lockfileVersion": 3, "packages": packages})


def _staircase(size: int) -> str:
    """Return YAML whose every line is a level deeper."""
    levels = int(size**0.5)
    return "".join(f"{' ' * level}a:\n" for level in range(levels))


def _read_lock(text: str) -> None:
    from orbiter.lockfiles import recognise

    recognise.read("x", text.encode())


def _import(text: str) -> None:
    from orbiter.convert import environment_yml

    environment_yml.read("x", text, ("linux/amd64",))


def _check_requirement(text: str) -> None:
    from orbiter.config import requirements

    for manager in ("apk", "apt", "conda", "npm", "pip"):
        requirements.package_name(manager, text)


def _read_index(text: str) -> None:
    from resolvers.index.html import LinkParser
    from resolvers.pip.index_proxy import UNCONDITIONAL_REQUIREMENT

    UNCONDITIONAL_REQUIREMENT.sub(b"", f"Requires-Dist: {text}".encode())
    if "<" not in text:  # the parser of the standard library is not linear
        LinkParser(f"<a {text}")


READERS: tuple[Callable[[str], None], ...] = (
    _read_lock,
    _import,
    _check_requirement,
    _read_index,
)


class _TooSlowError(Exception):
    """A reader needs more processor time than a linear one."""


def _stop(*_: object) -> None:
    raise _TooSlowError


def main(head: str) -> None:
    """Feed the texts to all readers, and print a line for each fault."""
    from resolvers.errors import ExpectedError

    # A parser in C may not notice the signal; then the limit of the process ends it.
    resource.setrlimit(resource.RLIMIT_CPU, (600, 600))
    signal.signal(signal.SIGVTALRM, _stop)
    is_other = head[:1] in {"", "a", "d"}  # not the start of a lock file with a mark
    readers = READERS if is_other else READERS[:1]
    for name, text in texts(head):
        for reader in readers:
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
            try:
                reader(text)
            except ExpectedError:
                pass
            except Exception as error:
                sys.stdout.write(f"{reader.__name__} on {name}: {type(error).__name__}\n")
                sys.stdout.flush()
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    os.chdir(Path(__file__).parents[2])
    main(HEADS[int(sys.argv[1])])
