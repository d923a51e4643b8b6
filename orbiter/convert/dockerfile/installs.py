"""The commands that install packages, with their options."""

import re
from collections.abc import Iterator, Mapping

import msgspec

PREFIXES = frozenset({"sudo", "time", "nice", "env"})
"""Programs that run the command after them."""
VALUES: Mapping[str, frozenset[str]] = {
    "apt": frozenset({"-o", "--option", "-t", "--target-release", "-c", "--config-file"}),
    "apk": frozenset({"-X", "--repository", "-t", "--virtual", "-p", "--root", "--keys-dir"}),
    "conda": frozenset(
        {"-c", "--channel", "-n", "--name", "-p", "--prefix", "-f", "--file", "--solver"}
        | {"-r", "--root-prefix", "--repodata-fn", "--platform", "--subdir", "--clone"}
    ),
    "npm": frozenset(
        {"--registry", "--prefix", "--cache", "--loglevel", "--omit", "--include", "-C", "--tag"}
        | {"-w", "--workspace", "--location", "--userconfig", "--before", "--install-strategy"}
    ),
    "pip": frozenset(
        {"-r", "--requirement", "-c", "--constraint", "-e", "--editable", "-i", "--index-url"}
        | {"--extra-index-url", "-f", "--find-links", "-t", "--target", "--prefix", "--root"}
        | {"--python", "--cache-dir", "--timeout", "--retries", "--no-binary", "--only-binary"}
        | {"--trusted-host", "--upgrade-strategy", "--src", "--progress-bar", "--proxy", "--cert"}
        | {"--config-settings", "-C", "--platform", "--python-version", "--log", "-p", "--group"}
        | {"--root-user-action", "--report", "--abi", "--implementation", "--exists-action"}
        | {"--client-cert", "--keyring-provider", "--use-feature", "--use-deprecated", "-P"}
        | {"--global-option", "--build-option", "--install-option", "--config-setting", "--hash"}
        | {"--index", "--default-index", "--index-strategy", "--exclude-newer", "--link-mode"}
        | {"--extra", "--override", "--overrides", "--build-constraint", "--resolution"}
        | {"--prerelease", "--upgrade-package", "--reinstall-package", "--torch-backend"}
    ),
}
"""Options that have a value, by manager."""
ELSEWHERE: Mapping[str, frozenset[str]] = {
    "apt": frozenset(
        {"-s", "--simulate", "--just-print", "--dry-run", "--recon", "--no-act", "-d", "-h", "-v"}
        | {"--download-only", "--print-uris", "--help", "--version"}
    ),
    "apk": frozenset({"-s", "--simulate", "-p", "--root", "-h", "--help", "-V", "--version"}),
    "conda": frozenset(
        {"-n", "--name", "-p", "--prefix", "-d", "--dry-run", "--download-only", "-h", "--help"}
        | {"--clone"}
    ),
    "npm": frozenset({"--prefix", "-C", "--dry-run", "--package-lock-only", "-h", "--help"}),
    "pip": frozenset(
        {"--dry-run", "-t", "--target", "--prefix", "--root", "--python", "-p", "-h", "--help"}
    ),
}
"""Options with which a manager installs nothing, or not into the environment of the image."""
NOT_SHORT = frozenset({"--pre"})
"""Options that are also the beginning of another one."""
BASE = frozenset({("-n", "base"), ("-n", "root"), ("-p", "/opt/conda"), ("-p", "/opt/conda/")})
"""The environment of images for conda."""
APT_SETTING = re.compile(
    r"(rootdir|dir|apt::get::(simulate|just-print|dry-run|recon|no-act|download-only|print-uris))="
    r"|dpkg::options::=--(root|instdir|admindir|no-act|dry-run|simulate)\b",
    re.IGNORECASE,
)
"""Settings of apt with the same effect."""
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
    elsewhere: str = ""
    """The option or program because of which they do not get into the image; "" if they do."""


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
        for option, value in _options(manager, word):
            options.append((option, next(rest, "") if value is None else value))
    if not packages or packages[0] not in verbs:
        return None
    return Install(
        manager=manager,
        packages=tuple(packages[1:]),
        options=tuple(options),
        elsewhere=_elsewhere(manager, words[: len(words) - len(arguments)], options),
    )


def _options(manager: str, word: str) -> Iterator[tuple[str, str | None]]:
    """Yield the options in a word, such as ``-yn``; None for a value that is the next word."""
    if word.startswith("--"):
        option, separator, value = word.partition("=")
        has_value = bool(separator) or option not in VALUES[manager]
        yield option, value if has_value else None
        return
    for number, letter in enumerate(word[1:], 2):
        if letter == "=":
            return
        option = f"-{letter}"
        if option in VALUES[manager]:
            yield option, word[number:].removeprefix("=") or None
            return
        yield option, ""


def _elsewhere(manager: str, program: tuple[str, ...], options: list[tuple[str, str]]) -> str:
    """Return the reason why an install does not get into the environment of the image."""
    for word in program:
        if "/envs/" in word:  # an environment of conda that is not base
            return word
    for option, value in options:
        short = {"--name": "-n", "--prefix": "-p"}.get(option, option)
        is_base = manager == "conda" and (short, value) in BASE
        is_setting = manager == "apt" and option in {"-o", "--option"} and APT_SETTING.match(value)
        if is_setting or (not is_base and _is_elsewhere(manager, option)):
            return f"{option} {value}".strip()
    return ""


def _is_elsewhere(manager: str, option: str) -> bool:
    """Return whether an option is one of ELSEWHERE, also if it is not written in full."""
    if option in ELSEWHERE[manager]:
        return True
    is_short = len(option) > len("--p") and option.startswith("--") and option not in NOT_SHORT
    return is_short and any(known.startswith(option) for known in ELSEWHERE[manager])
