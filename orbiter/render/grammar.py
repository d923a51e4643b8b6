"""A grammar of the Dockerfiles that Orbiter renders, whatever the version of its templates. Pure.

A Dockerfile that matches reaches nothing but its stage's own inputs: no network unless the stage
declares it, no other image, context, mount, secret or address. The grammar does not judge what the
commands of a step do inside the image. It accepts only text that BuildKit reads the same way.
"""

import re
from collections.abc import Iterator, Mapping, Set

import msgspec

# A comment such as "# syntax=…" would let BuildKit run another program.
DIRECTIVE = re.compile(r"#\s*[A-Za-z][A-Za-z0-9]*\s*=")
# BuildKit treats a carriage return like the end of a line, and so ends a script there.
FORBIDDEN = re.compile(r"[\0\r]")

_SLUG = r"[A-Za-z$][A-Za-z0-9_.${}:+-]*"
_FILE = r"[A-Za-z0-9][A-Za-z0-9_.${}:+-]*"
_WORD = r'"(?:[^"\\$]|\\["\\$])*"'
_VALUE = r"(?:/opt/env/bin:\$\{PATH\}|[A-Za-z0-9/_.:-]*)"
_JSON_STRING = r'"(?:[^"\\]|\\.)*"'
_JSON = rf"\[(?:{_JSON_STRING}(?:, {_JSON_STRING})*)?\]"
# Blanks, quotes and variables would let BuildKit read other words than people do.
_FOLDER = r"(?:/[A-Za-z0-9_.=,@+-]+)+"
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_OWN_VALUE = rf'"(?:[^"\\$]|\\["\\$]|\$\{{{_VARIABLE}\}})*"'
_DURATION = r"[0-9.]+[hms]+(?:[0-9.]+[hms]+)*"
_PORT = r"[0-9]{1,5}/(?:tcp|udp|sctp)"

RUN = re.compile(r"RUN --network=(none|default)((?: --mount=\S+)*) <<'([A-Z]+)'")
_LABEL = r"[A-Za-z0-9][A-Za-z0-9._/-]*"
LABELS = re.compile(rf"LABEL {_LABEL}={_WORD}(?: {_LABEL}={_WORD})*")
LABEL = re.compile(rf" ({_LABEL})=({_WORD})")
SETTINGS = re.compile(
    rf"ARG SOURCE_DATE_EPOCH=\d+"
    rf"|ARG TARGETOS TARGETARCH TARGETVARIANT"
    rf"|USER \d+"
    rf"|WORKDIR /home/[a-z0-9_-]+"
    rf"|(?:ENTRYPOINT|CMD) {_JSON}"
    rf"|ENV [A-Z][A-Z0-9_]*={_VALUE}(?: [A-Z][A-Z0-9_]*={_VALUE})*"
)
OWN_SETTINGS: Mapping[str, re.Pattern[str]] = {
    "EXPOSE": re.compile(rf"{_PORT}(?: {_PORT})*"),
    "HEALTHCHECK": re.compile(
        rf"NONE|(?:--interval={_DURATION} )?(?:--timeout={_DURATION} )?"
        rf"(?:--start-period={_DURATION} )?(?:--retries=[0-9]+ )?CMD {_JSON}"
    ),
    "STOPSIGNAL": re.compile(r"SIG[A-Z0-9]+(?:[+][0-9]+)?"),
    "USER": re.compile(r"[a-z_][a-z0-9_-]*|\d+(?::\d+)?"),
    "VOLUME": re.compile(rf'\["{_FOLDER}"(?:, "{_FOLDER}")*\]'),
    "WORKDIR": re.compile(rf"/|{_FOLDER}|\$\{{{_VARIABLE}\}}(?:{_FOLDER})?"),
}
"""The instructions that Orbiter renders for keys of an image in images.toml."""
OWN_VARIABLE = re.compile(rf"ENV ({_VARIABLE})={_OWN_VALUE}")
MOUNT = re.compile(
    rf"type=tmpfs,target=/tmp"
    rf"|type=bind,target=/lock"
    rf"|type=bind,source=(?P<file>files/[0-9a-f]{{64}}|{_FILE}),target=/lock/(?P=file)"
    rf"|type=bind,from=(?P<context>[^_,]+_(?P<folder>[a-z]+)),source={_SLUG}"
    rf",target=/artifacts/(?P=folder)"
    rf"|type=cache,id=orbiter-wheels-[0-9a-f]{{16}},sharing=locked,target=/opt/wheels"
)
LABEL_PREFIXES = ("org.opencontainers.image.", "org.orbiter.")
HERMETIC = "org.orbiter.hermetic"
STAGE = "org.orbiter.stage"
"""The label that marks the start of each stage in the history of an image, for assembly."""
SHORT = 60
"""The number of characters of an instruction that an error shows."""


class StageRules(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a stage's Dockerfile that the image set determines.

    ``start`` are its FROM instructions. ``copy`` is its COPY instruction, empty for none.
    ``contexts`` are the names of the contexts with its artifacts. ``settings`` are the instructions
    that images.toml asks for, of ``OWN_SETTINGS``. ``variables`` and ``labels`` are the names of
    its own ones.
    """

    name: str
    start: tuple[str, ...]
    copy: str
    contexts: Set[str]
    network: bool
    hermetic: bool
    settings: Set[str] = frozenset()
    variables: Set[str] = frozenset()
    labels: Set[str] = frozenset()


class Instruction(msgspec.Struct, frozen=True):
    """An instruction or a comment as one line, with the number of its first line."""

    line: int
    text: str


class _NotAllowedError(Exception):
    """The reason why an instruction is not one of Orbiter's."""


def violation(text: str, rules: StageRules) -> str:
    """Return the first line that Orbiter does not render for the stage, with the reason, or ""."""
    if FORBIDDEN.search(text) or not text.endswith("\n"):
        return "a carriage return, a null character, or no newline at the end"
    # The label comes at once: what precedes it in the history is not of this stage.
    start = iter((*rules.start, f'LABEL {STAGE}="{rules.name}"'))
    line = 1
    try:
        for instruction in instructions(text):
            line = instruction.line
            if instruction.text.startswith("#"):
                _check_comment(instruction.text)
            elif expected := next(start, ""):
                _check_equal(instruction.text, expected)
            else:
                _check(instruction.text, rules)
    except _NotAllowedError as error:
        return f"line {line}: {error}"
    missing = next(start, "")
    return f"'{_short(missing)}' is missing" if missing else ""


def instructions(text: str) -> Iterator[Instruction]:
    """Yield the instructions with their continued lines joined; skip comments and scripts."""
    lines = iter(enumerate(text.split("\n"), 1))
    for number, line in lines:
        if not line:
            continue
        if line.startswith("#"):
            yield Instruction(number, line)
            continue
        joined = _joined(line, lines)
        yield Instruction(number, joined)
        script = RUN.fullmatch(joined)
        if script and all(inner != script[3] for _, inner in lines):
            raise _NotAllowedError(f"the script {script[3]} has no end")


def _joined(line: str, following: Iterator[tuple[int, str]]) -> str:
    """Return an instruction as one line; ``following`` are the lines after its first one."""
    parts = [line]
    while parts[-1].endswith("\\"):
        parts.append(next(following, (0, ""))[1])
    first, *others = parts
    continued = parts[:-1]
    # BuildKit joins lines without a blank between them, so Orbiter's own ones are on both sides.
    if not all(part.endswith(" \\") for part in continued):
        raise _NotAllowedError(f"'{_short(first)}' has no blank before the end of a line")
    if not all(part.startswith("    ") for part in others):
        raise _NotAllowedError(f"'{_short(first)}' has a line that is not indented")
    return " ".join(part.removesuffix("\\").strip(" ") for part in parts)


def _check_comment(text: str) -> None:
    if DIRECTIVE.match(text):
        raise _NotAllowedError(f"'{text}' is a directive")


def _check_equal(text: str, expected: str) -> None:
    if text != expected:
        raise _NotAllowedError(f"'{_short(text)}' is not '{expected}'")


def _check(text: str, rules: StageRules) -> None:
    """Check an instruction after the start of the stage. Raises _NotAllowedError."""
    keyword = text.partition(" ")[0]
    if keyword == "RUN":
        _check_run(text, rules)
    elif keyword == "COPY" and rules.copy:
        _check_equal(text, rules.copy)
    elif keyword == "LABEL":
        _check_labels(text, rules)
    elif not SETTINGS.fullmatch(text):
        _check_own_setting(text, rules)


def _check_own_setting(text: str, rules: StageRules) -> None:
    """Check an instruction for a key of the image in images.toml."""
    keyword, _, words = text.partition(" ")
    variable = OWN_VARIABLE.fullmatch(text)
    if variable:
        is_allowed = variable[1] in rules.variables
    else:
        pattern = OWN_SETTINGS.get(keyword)
        is_known = pattern is not None and pattern.fullmatch(words) is not None
        is_allowed = is_known and keyword in rules.settings
    if not is_allowed:
        raise _NotAllowedError(f"Orbiter never renders '{_short(text)}'")


def _check_run(text: str, rules: StageRules) -> None:
    match = RUN.fullmatch(text)
    if not match:
        problem = "RUN needs --network=none, Orbiter's own mounts and a script"
        raise _NotAllowedError(f"{problem}: '{_short(text)}'")
    network, mounts, _ = match.groups()
    if network != "none" and not rules.network:
        raise _NotAllowedError("--network=default, but images.toml gives the stage no network")
    for mount in mounts.split(" --mount=")[1:]:
        match = MOUNT.fullmatch(mount)
        # BuildKit would look for an image with the name of an unknown context, in a registry.
        if not match or match["context"] not in {None, *rules.contexts}:
            raise _NotAllowedError(f"Orbiter never mounts '{mount}'")


def _check_labels(text: str, rules: StageRules) -> None:
    if not LABELS.fullmatch(text):
        raise _NotAllowedError(f"Orbiter never renders '{_short(text)}'")
    for name, value in LABEL.findall(text):
        if not name.startswith(LABEL_PREFIXES) and name not in rules.labels:
            raise _NotAllowedError(f"'{name}' is not a label of Orbiter")
        if name == STAGE:
            raise _NotAllowedError(f"the label {name} is only allowed after FROM")
        if name == HERMETIC and value != f'"{str(rules.hermetic).lower()}"':
            raise _NotAllowedError(f"the label {name} is {value}, which images.toml contradicts")


def _short(text: str) -> str:
    return text if len(text) <= SHORT else f"{text[:SHORT]}..."
