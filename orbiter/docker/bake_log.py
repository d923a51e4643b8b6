"""What `docker buildx bake --progress plain` prints: told on to people, stage by stage, and kept for errors."""

import re
from collections import deque
from collections.abc import Callable, Collection, Sequence

from resolvers.errors import ExpectedError

VERTEX = re.compile(r"#(\d+) \[(?P<where>[^\]]+)\] (?P<title>.+)")
LINE = re.compile(r"#(\d+) (?:\d+\.\d+ )?(?!\d+\.\d+ ?$)(.+)")
SCRIPT = re.compile(r"<<'(\w+)'")
END = re.compile(r"#(\d+) (DONE|CACHED|ERROR|CANCELED)\b")
TAIL = 25
"""Lines of a failed step that its error shows."""

HINTS = {
    "exporter is not supported for the docker driver": "turn on the engine's containerd image store, or make a "
    "builder: docker buildx create --name orbiter --driver docker-container, then orbiter build --builder orbiter",
    "exec format error": "this machine cannot run programs of that platform: name a builder that can (--builder), "
    "or build fewer platforms (--platform)",
    "no space left on device": "free some space for the engine: docker buildx prune",
    "no builder": "docker buildx ls shows the builders there are",
}


class BakeLog:
    """Reads the lines of one build as they come.

    ``begin`` starts a task for people, as a progress board does. ``stages`` are all that there are, ``targets``
    those that are built; with a single one buildx does not name it in its lines.
    """

    def __init__(
        self,
        begin: Callable[[str], Callable[[str], None]],
        stages: Collection[str],
        targets: Sequence[str],
    ) -> None:
        self._begin = begin
        self._stages = stages
        self._alone = targets[0] if len(targets) == 1 else ""
        self._tell: dict[str, Callable[[str], None]] = {}
        self._vertices: dict[str, tuple[str, str]] = {}
        self._tails: dict[str, deque[str]] = {}

    def __call__(self, line: str) -> None:
        """Take one line."""
        if vertex := VERTEX.match(line):
            self._start(vertex[1], self._stage(vertex["where"]), _step(vertex["title"]))
        elif not END.match(line) and (text := LINE.match(line)) and text[1] in self._vertices:
            self._say(text[1], text[2])

    def finish(self) -> None:
        """All stages are done."""
        for tell in self._tell.values():
            tell("")

    def failure(self, output: str) -> ExpectedError:
        """The error for people: which step of which stage failed, and the last that it said."""
        hint = next((hint for sign, hint in HINTS.items() if sign in output), "")
        failed = re.search(r"^#(\d+) ERROR: (.*)$", output, re.MULTILINE)
        if not failed or failed[1] not in self._vertices:
            return ExpectedError(f"docker buildx bake failed:\n{_indented(_last(output))}", hint)
        stage, step = self._vertices[failed[1]]
        stage = stage or "the images"
        tail = list(self._tails[failed[1]]) or [failed[2]]
        return ExpectedError(f"building {stage} failed at '{step}':\n{_indented(tail)}", hint)

    def _stage(self, where: str) -> str:
        """The stage in ``linux/amd64 debian-base stage-0 2/4``; empty for what belongs to none."""
        words = where.split()
        named = [word for word in words if word in self._stages]
        if "internal" in words or "context" in words:
            return ""
        return (
            named[-1] if named else self._alone
        )  # the target that asks comes first, whose step it is last

    def _start(self, number: str, stage: str, step: str) -> None:
        self._vertices[number] = (stage, step)
        self._tails.setdefault(number, deque(maxlen=TAIL))
        if stage:
            self._told(stage)(step)

    def _say(self, number: str, text: str) -> None:
        stage, step = self._vertices[number]
        self._tails[number].append(text)
        if stage:
            self._told(stage)(f"{step}: {text}")

    def _told(self, stage: str) -> Callable[[str], None]:
        if stage not in self._tell:
            self._tell[stage] = self._begin(stage)
        return self._tell[stage]


def _step(title: str) -> str:
    """A step in a few words: the name of its script (``apt``), else the start of the instruction."""
    script = SCRIPT.search(title)
    return script[1].lower() if script else re.sub(r"\s*--\w+=\S+", "", title)[:60]


def _last(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.strip()][-TAIL:]


def _indented(lines: list[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)
