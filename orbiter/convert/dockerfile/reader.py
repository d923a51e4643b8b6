"""Read a Dockerfile for images.toml: its installs of apt, apk, conda, pip and npm.

Nothing is guessed: a command that only a shell can know, or that may not run, is listed with its
line, and so is everything that installs no packages.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from orbiter.convert.collect import Collector
from orbiter.convert.dockerfile.installs import Install, install_of, program_of
from orbiter.convert.dockerfile.shell import Command, commands
from orbiter.convert.dockerfile.variables import Variables, assignments
from orbiter.convert.environment_yml import channel_urls
from orbiter.convert.python import requirements_txt
from orbiter.convert.python.requirements_txt import WITHOUT_NAME
from orbiter.convert.reasons import redact
from orbiter.docker.dockerfile import HEREDOC, Instruction, instructions
from resolvers.errors import ExpectedError

FLAGS = re.compile(r"(?:--[a-z][a-z-]*+(?:=\S++)?+\s++)*+")
STAGE = re.compile(r"(\S++)(?:\s++AS\s++(\S++))?", re.IGNORECASE)
PYTHON = re.compile(r"(?:.*/)?python:(3\.\d+)\b.*")
REASONS: Mapping[str, str] = {
    "ADD": "write it in files or downloads of the image",
    "CMD": "write it in cmd of the image",
    "COPY": "write it in files of the image",
    "ENTRYPOINT": "write it in entrypoint of the image",
    "ENV": "write those that are not secret into env of the image",
    "EXPOSE": "write it in expose of the image",
    "HEALTHCHECK": "write it in healthcheck of the image",
    "LABEL": "write it in labels of the image",
    "STOPSIGNAL": "write it in stop-signal of the image",
    "USER": "write it in user of the image",
    "VOLUME": "write it in volumes of the image",
    "WORKDIR": "write it in workdir of the image",
}
"""Instructions that install no packages, with their place in images.toml."""
CLEANING = re.compile(
    r"(apt-get|apt) (-\S++ )*+(update|clean|autoclean)( -\S++)*+|rm -r?f?r? .*(apt|cache).*"
    r"|(conda|mamba|micromamba) clean\b.*|(pip|pip3|npm) cache .*|set -\S++.*|apk update",
    re.DOTALL,  # each .* matches to the end at once, so that matching takes linear time
)
SHOWN = 300
"""The length of what is shown of a part that is left out."""
READ = 3 * SHOWN
"""The length of its text that is read. Each command of a RUN may show the same long text."""
UNCERTAIN = "it may not run, or only a shell knows its words: write its packages in images.toml"
ELSEWHERE = "{}: not into the environment of the image; write what it needs in images.toml"
SHELLS = frozenset({"sh", "bash", "dash", "ash"})
SHELL_OPTION = re.compile(r"-[aceluvxo]+|pipefail|errexit|nounset|--login|--norc|--noprofile")
"""Options of a shell that do not keep commands from running."""
HARMLESS = frozenset(
    {"-y", "-q", "-g", "-U", "--yes", "--assume-yes", "--quiet", "--global"}
    | {"--no-cache", "--no-cache-dir", "--no-install-recommends", "--upgrade", "--system", "--user"}
    | {"--fix-missing", "--override-channels", "--no-input", "--disable-pip-version-check"}
    | {
        "-n",
        "--name",
        "-p",
        "--prefix",
        "--root-user-action",
        "--update",
        "--unsafe-perm",
        "--no-audit",
        "--no-fund",
        "--save",
        "--freeze",
    }
    | {"--break-system-packages", "--progress-bar", "--timeout", "--retries", "--cache-dir"}
    | {"--no-optional", "--prefer-binary", "--allow-downgrades", "--force-yes", "--no-deps-check"}
)
"""Options that do not decide which packages are installed."""


def read(file: Path, text: str, collector: Collector) -> None:
    """Collect the packages of the last stage and of those that it starts from."""
    found = tuple(instructions(text))
    if not any(each.name == "FROM" for each in found):
        raise ExpectedError(f"{file} has no FROM", "name a Dockerfile")
    included = _included(found)
    reader = _Reader(file, collector)
    stage = -1
    for each in found:
        stage += each.name == "FROM"
        if stage < 0 or stage in included:
            reader.read(each)
        else:
            why = "its stage is not one that the last stage starts from"
            reader.leave_out(each, f"{each.name} {each.text}", why)


def _included(found: tuple[Instruction, ...]) -> set[int]:
    """Return the numbers of the last stage and of the stages below it."""
    stages: list[tuple[str, str]] = []
    for each in found:
        if each.name == "FROM":
            match = STAGE.match(_without_flags(each.text))
            stages.append((match[1], (match[2] or "").lower()) if match else ("", ""))
    names = {name: number for number, (_, name) in enumerate(stages) if name}
    included, number = set(), len(stages) - 1
    while number not in included:
        included.add(number)
        number = names.get(stages[number][0].lower(), number)
    return included


class _Reader:
    def __init__(self, file: Path, collector: Collector) -> None:
        self._file = file
        self._collector = collector
        self._variables = Variables()
        self._has_shell = True
        self._last = (0, "", "")

    def leave_out(self, each: Instruction, what: str, why: str) -> None:
        """Report a part of an instruction, on one line."""
        if (each.line, what, why) == self._last:  # another command of the same RUN
            return
        self._last = (each.line, what, why)
        words = what[:READ].split()
        if len(what) > READ:
            words[-1:] = ["…"]
        text = redact(f"'{' '.join(words)}")  # before it is cut within an address
        self._collector.leave_out(f"{self._file}:{each.line}: {text[: SHOWN + 1]}'", why)

    def read(self, each: Instruction) -> None:
        """Collect the packages of an instruction, or report it."""
        if each.name == "RUN":
            self._read_run(each)
        elif each.name == "FROM":
            self._read_from(each)
        elif each.name in {"ARG", "ENV"}:
            self._read_variables(each)
        else:
            if each.name == "SHELL":
                self._has_shell = _is_shell(_exec_form(each.text))
            why = REASONS.get(each.name, "images.toml has no counterpart of it")
            self.leave_out(each, f"{each.name} {each.text}", why)

    def _read_from(self, each: Instruction) -> None:
        self._variables.enter_stage()
        match = PYTHON.fullmatch("".join(_without_flags(each.text).split()[:1]))
        what = f"FROM {each.text}"
        if match:
            self._collector.python = match[1]
            self._collector.change(
                f"{self._file}:{each.line}: '{what}'", "its Python decides about the base image"
            )
        else:
            self.leave_out(each, what, "the builder of the image has its own base")

    def _read_variables(self, each: Instruction) -> None:
        """Remember variables; only their names are shown, because values may be secret."""
        found = assignments(each.text, is_env=each.name == "ENV")
        names = ", ".join(dict.fromkeys(assignment.name for assignment in found))
        if each.name == "ENV":
            self._variables.set_env(found)
            self.leave_out(each, f"ENV {names}", REASONS["ENV"])
            return
        self._variables.set_arg(found)
        has_default = any(assignment.value is not None for assignment in found)
        why = "its default is used where installs need it" if has_default else "it has no default"
        self.leave_out(each, f"ARG {names}", why)

    def _read_run(self, each: Instruction) -> None:
        for command in self._commands(each):
            line = " ".join(command.words)
            if not command.is_certain and not each.documents:
                line = each.text  # the words alone may lack what is not certain
            install = install_of(command.words)
            if install is None:
                self._report(each, command, line)
            elif not command.is_certain:
                self.leave_out(each, line, UNCERTAIN)
            elif install.elsewhere:
                self.leave_out(each, line, ELSEWHERE.format(install.elsewhere[:SHOWN]))
            else:
                self._add(each, install, line)

    def _commands(self, each: Instruction) -> Iterator[Command]:
        text = _without_flags(each.text)
        if text.startswith("["):
            words = _exec_form(text)
            if words:
                yield Command(words=words, is_certain=True)
                return
        code = HEREDOC.sub("", text).strip()
        is_input = bool(each.documents) and (bool(code) or len(each.documents) > 1)
        if is_input or not self._has_shell:
            # The document is the input of a command, such as an interpreter.
            yield Command(words=tuple(text.split()), is_certain=False)
        elif each.documents:
            for document in each.documents:
                yield from commands(document, self._variables.used_in(document))
        else:
            yield from commands(text, self._variables.used_in(text))

    def _report(self, each: Instruction, command: Command, line: str) -> None:
        """Report a command that is not an install."""
        name, arguments = program_of(command.words)
        if command.is_certain and CLEANING.fullmatch(" ".join((name, *arguments))):
            self.leave_out(each, line, "not needed: builds leave no lists and caches behind")
        else:
            why = "not an install that is certain: write packages in lists, commands in postbuild"
            self.leave_out(each, line, why)

    def _add(self, each: Instruction, install: Install, line: str) -> None:
        """Add the packages of an install, and report its options that matter."""
        where = f"{self._file}:{each.line}"
        channels = [value for option, value in install.options if option in {"-c", "--channel"}]
        if install.manager == "conda":
            self._collector.add_channels(channel_urls(str(self._file), channels, ()))
        for option, value in install.options:
            is_channel = install.manager == "conda" and option in {"-c", "--channel"}
            if option in HARMLESS or is_channel:
                continue
            why = f"an option of {install.manager} that may decide about its packages"
            if option in {"-r", "--requirement", "-f", "--file", "-c", "--constraint"}:
                why = "import this file, too"
            shown = f"{option} {value}" if "file" in why else option
            self.leave_out(each, shown, why)
        for package in install.packages:
            what = f"{where}: '{package}'"
            if install.manager != "pip":
                self._collector.add(install.manager, package, what=what)
            elif WITHOUT_NAME.match(package) and "://" not in package:
                self._collector.leave_out(what, "a path in the image: name the project in a list")
            elif WITHOUT_NAME.match(package):
                requirements_txt.add_address(self._collector, package, Path(), what, "")
            else:
                self._collector.add_pip(package, what=what)
        if not install.packages:
            self.leave_out(each, line, "it names no packages: import the file that it reads, too")


def _without_flags(text: str) -> str:
    """Return the text of an instruction without flags such as ``--mount=…``."""
    match = FLAGS.match(text)
    return text[match.end() :] if match else text


def _is_shell(words: tuple[str, ...]) -> bool:
    """Return whether the words of a SHELL start a shell that runs all commands."""
    program = words[0].rpartition("/")[2] if words else ""
    return program in SHELLS and all(map(SHELL_OPTION.fullmatch, words[1:]))


def _exec_form(text: str) -> tuple[str, ...]:
    """Return the words of ``["program", "argument"]``; () for any other text."""
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    is_list = isinstance(words, list) and all(isinstance(word, str) for word in words)
    return tuple(words) if is_list else ()
