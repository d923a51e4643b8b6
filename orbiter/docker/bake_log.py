"""Reader of the events that ``docker buildx bake --progress rawjson`` prints.

Each event is a JSON object with steps ("vertexes") and output of steps ("logs"). buildx 0.13
spreads an object over several lines, 0.29 prints one per line. Errors of buildx itself are plain
lines between the events.
Format: type SolveStatus in https://github.com/moby/buildkit/blob/master/client/graph.go
"""

import re
from collections import deque
from collections.abc import Collection, Sequence

import msgspec

from orbiter.docker.network_off import network_hint, wants_network
from orbiter.docker.stage_progress import StageProgress
from orbiter.tasks import StartTask
from resolvers.errors import ExpectedError

STEP_NAME = re.compile(r"\[(?P<scope>[^\]]+)\] (?P<instruction>.+)")
"""``[linux/amd64 debian-base stage-0 2/4] RUN …``"""
EXPORT = re.compile(r"(\[(?P<scope>[^\]]+)\] )?exporting to .+ format")
"""``[debian-base] exporting to oci image format``; without the target if there is only one."""
SCRIPT_NAME = re.compile(r"<<'(\w+)'")
OPTION = re.compile(r"\s*--\w+=\S+")
CANCELED = "context canceled"
"""End of the error of a step that stopped because another one failed."""
TITLE_LENGTH = 60
TAIL = 25
"""Number of output lines in the error of a failed step."""

HINTS = {
    "exporter is not supported for the docker driver": "enable the engine's containerd image "
    "store, or create a builder: docker buildx create --name orbiter --driver docker-container, "
    "then orbiter build --builder orbiter",
    "exec format error": "this machine cannot run programs of that platform: "
    "choose a builder that can (--builder), or build fewer platforms (--platform)",
    "no space left on device": "free disk space for the Docker engine: docker buildx prune",
    "no builder": "list the available builders: docker buildx ls",
    "invalid progress mode": "install buildx 0.13 or newer",
}
"""Remedies by a part of buildx's output."""


class _Vertex(msgspec.Struct):
    digest: str
    name: str
    started: str = ""
    completed: str = ""
    cached: bool = False
    error: str = ""


class _Log(msgspec.Struct):
    vertex: str
    stream: int = 1
    data: bytes = b""


class _Event(msgspec.Struct):
    vertexes: tuple[_Vertex, ...] = ()
    logs: tuple[_Log, ...] = ()


class _Step:
    """A step: its stage (empty for none), its title, and its last lines of output.

    ``script`` is the name of the script that it runs (``apt``), or empty.
    """

    def __init__(
        self, stage: str, title: str, *, script: str = "", is_export: bool = False
    ) -> None:
        self.stage = stage
        self.title = title
        self.script = script
        self.is_export = is_export
        self.has_started = False
        self.tail: deque[str] = deque(maxlen=TAIL)
        self.unfinished: dict[int, bytes] = {}
        """The beginning of a line, by stream."""
        self.wants_network = False


class BakeLog:
    """Reports the progress of one build by stage, and keeps the last lines of each step.

    ``stages`` are all stages of the bake file, ``targets`` the built ones. buildx omits the name of
    the target from its steps if there is only one.
    """

    def __init__(
        self, start_task: StartTask, stages: Collection[str], targets: Sequence[str]
    ) -> None:
        self._progress = StageProgress(start_task)
        self._stages = stages
        self._only_target = targets[0] if len(targets) == 1 else ""
        self._steps: dict[str, _Step] = {}
        self._event_lines: list[str] = []
        self._recent: deque[str] = deque(maxlen=TAIL)
        self._signs: set[str] = set()
        self._failed: _Vertex | None = None

    def __call__(self, line: str) -> None:
        """Read one line of buildx's standard error."""
        if not self._event_lines and not line.startswith("{"):
            self._add_output(line)
            return
        self._event_lines.append(line)
        if line.startswith(("{", "}")) and line.endswith("}"):
            self._read_event()

    def finish(self) -> None:
        """Report every stage as done."""
        self._progress.finish()

    def failure(self) -> ExpectedError:
        """Return the error of the build: the failed step, its stage, and its last lines."""
        self._flush_event_lines()
        hint = next((hint for sign, hint in HINTS.items() if sign in self._signs), "")
        step = self._steps.get(self._failed.digest) if self._failed else None
        # Exporting an image fails outside of any stage: show the last lines of everything.
        if self._failed is None or step is None:
            output = _indented(self._recent)
            return ExpectedError(f"docker buildx bake failed:\n{output}", hint)
        stage = step.stage or "the images"
        output = _indented(step.tail or [self._failed.error])
        if step.wants_network:
            hint = network_hint(self._failed.name, step.title) or hint
        return ExpectedError(f"building {stage} failed at '{step.title}':\n{output}", hint)

    def _read_event(self) -> None:
        text = "\n".join(self._event_lines)
        try:
            event = msgspec.json.decode(text, type=_Event)
        except msgspec.DecodeError:
            self._flush_event_lines()
            return
        self._event_lines.clear()
        for vertex in event.vertexes:
            self._read_vertex(vertex)
        for log in event.logs:
            self._read_log(log)

    def _flush_event_lines(self) -> None:
        """Treat the collected lines as output, because they are not an event."""
        for line in self._event_lines:
            self._add_output(line)
        self._event_lines.clear()

    def _read_vertex(self, vertex: _Vertex) -> None:
        # A step that several targets share comes under the name of each: the first one stays.
        if vertex.digest not in self._steps:
            self._add_step(vertex)
        step = self._steps.get(vertex.digest)
        if step and vertex.started and not vertex.cached and not step.has_started:
            self._start_step(vertex.digest, step)
        if step and vertex.completed:
            self._finish_lines(vertex.digest)
        if step and step.stage and vertex.completed and not vertex.error:
            self._progress.complete(step.stage, vertex.digest)
        if vertex.error and not vertex.error.endswith(CANCELED) and self._failed is None:
            self._failed = vertex
            self._add_output(f"ERROR: {vertex.error}")

    def _add_step(self, vertex: _Vertex) -> None:
        self._add_output(vertex.name)
        step = self._new_step(vertex.name)
        if step is None:
            return
        self._steps[vertex.digest] = step
        if step.stage and not step.is_export:
            self._progress.announce(step.stage, vertex.digest)

    def _new_step(self, name: str) -> _Step | None:
        export = EXPORT.fullmatch(name)
        if export:
            stage = self._stage(export["scope"] or "")
            return _Step(stage, "export", is_export=True)
        match = STEP_NAME.match(name)
        if match is None:
            return None
        script = _script(match["instruction"])
        title = script or OPTION.sub("", match["instruction"])[:TITLE_LENGTH]
        return _Step(self._stage(match["scope"]), title, script=script)

    def _start_step(self, digest: str, step: _Step) -> None:
        step.has_started = True
        if step.stage and step.is_export:
            self._progress.start_export(step.stage, digest)
        elif step.stage:
            self._progress.start(step.stage, step.script)

    def _stage(self, scope: str) -> str:
        """Return the stage that a step belongs to; empty for a step of BuildKit itself."""
        words = scope.split()
        if "internal" in words or "context" in words:
            return ""
        # The requesting target comes first, the stage that has the step comes last.
        named = [word for word in words if word in self._stages]
        return named[-1] if named else self._only_target

    def _read_log(self, log: _Log) -> None:
        step = self._steps.get(log.vertex)
        if step is None:
            return
        data = step.unfinished.get(log.stream, b"") + log.data
        *lines, step.unfinished[log.stream] = data.split(b"\n")
        for line in lines:
            self._add_line(log.vertex, _decoded(line))

    def _finish_lines(self, vertex: str) -> None:
        """Add the last lines of a step that do not end in a newline."""
        step = self._steps[vertex]
        for data in step.unfinished.values():
            self._add_line(vertex, _decoded(data))
        step.unfinished.clear()

    def _add_line(self, vertex: str, line: str) -> None:
        step = self._steps.get(vertex)
        if step is None or not line:
            return
        self._add_output(line)
        step.tail.append(line)
        step.wants_network = step.wants_network or wants_network(line)
        if step.stage:
            self._progress.output(step.stage, f"{step.title}: {line}")

    def _add_output(self, line: str) -> None:
        if line.strip():
            self._recent.append(line)
        self._signs.update(sign for sign in HINTS if sign in line)


def _decoded(line: bytes) -> str:
    """Return a line of output; of a progress bar only the part after the last carriage return."""
    text = line.decode(errors="replace").rstrip()
    return text.rpartition("\r")[2]


def _script(instruction: str) -> str:
    """Return the name of the script that an instruction runs: ``apt``, or ``""`` for none."""
    script = SCRIPT_NAME.search(instruction)
    return script[1].lower() if script else ""


def _indented(lines: Collection[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)
