"""The commands that install packages, with their options."""

from collections.abc import Mapping

import msgspec

PREFIXES = frozenset({"sudo", "time", "nice", "env"})
"""Programs that run the command after them."""
VALUES: Mapping[str, frozenset[str]] = {
    "apt": frozenset({"-o", "--option", "-t", "--target-release", "-c", "--config-file"}),
    "apk": frozenset({"-X", "--repository", "-t", "--virtual", "-p", "--root", "--keys-dir"}),
    "conda": frozenset(
        {"-c", "--channel", "-n", "--name", "-p", "--prefix", "-f", "--file", "--solver"}
        | {"-r", "--root-prefix", "--repodata-fn"}
    ),
    "npm": frozenset({"--registry", "--prefix", "--cache", "--loglevel", "--omit", "--include"}),
    "pip": frozenset(
        {"-r", "--requirement", "-c", "--constraint", "-e", "--editable", "-i", "--index-url"}
        | {"--extra-index-url", "-f", "--find-links", "-t", "--target", "--prefix", "--root"}
        | {"--python", "--cache-dir", "--timeout", "--retries", "--no-binary", "--only-binary"}
        | {"--trusted-host", "--upgrade-strategy", "--src", "--progress-bar", "--proxy", "--cert"}
        | {"--config-settings", "-C", "--platform", "--python-version", "--log", "-p"}
    ),
}
"""Options that have a value, by manager."""
PROGRAMS: Mapping[str, tuple[str, frozenset[str]]] = {
    "apt-get": ("apt", frozenset({"install"})),
    "apt": ("apt", frozenset({"install"})),
    "apk": ("apk", frozenset({"add"})),
    "conda": ("conda", frozenset({"install", "create"})),
    "mamba": ("conda", frozenset({"install", "create"})),
    "micromamba": ("conda", frozenset({"install", "create"})),
    "npm": ("npm", frozenset({"install", "i", "add"})),
    "pip": ("pip", frozenset({"install"})),
    "pip3": ("pip", frozenset({"install"})),
}
"""The manager of each program, and its commands that install packages."""


class Install(msgspec.Struct, frozen=True, kw_only=True):
    """The packages that a command installs, and its options with their values."""

    manager: str
    packages: tuple[str, ...]
    options: tuple[tuple[str, str], ...]


def program_of(words: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return the program of a command and its arguments, without what runs it."""
    is_program = (word not in PREFIXES and not _is_assignment(word) for word in words)
    rest = words[next((number for number, found in enumerate(is_program) if found), len(words)) :]
    if not rest:
        return "", ()
    name = rest[0].rpartition("/")[2]
    if name.startswith("python") and rest[1:2] == ("-m",):
        return "".join(rest[2:3]), rest[3:]
    if name == "uv" and rest[1:2] == ("pip",):
        return "pip", rest[2:]
    return name, rest[1:]


def _is_assignment(word: str) -> bool:
    name, separator, _ = word.partition("=")
    return bool(separator) and name.isidentifier()


def install_of(words: tuple[str, ...]) -> Install | None:
    """Return what a command installs; None for any other command."""
    name, arguments = program_of(words)
    if name not in PROGRAMS:
        return None
    manager, verbs = PROGRAMS[name]
    packages: list[str] = []
    options: list[tuple[str, str]] = []
    rest = iter(arguments)
    for word in rest:
        if not word.startswith("-") or word == "-":
            packages.append(word)
            continue
        option, separator, value = word.partition("=")
        if option in VALUES[manager] and not separator:
            value = next(rest, "")
        options.append((option, value))
    if not packages or packages[0] not in verbs:
        return None
    return Install(manager=manager, packages=tuple(packages[1:]), options=tuple(options))
