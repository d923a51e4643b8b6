"""The state of each stage during a build, from the steps that BuildKit reports.

BuildKit announces the steps of a stage before it starts them, and exports each image in a step of
its own.
"""

from orbiter.tasks import Report, StartTask, State, TaskState


class _Stage:
    """One stage: its unfinished steps, and whether one of its steps ran or was an export."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.unfinished: set[str] = set()
        self.has_run = False
        self.has_export = False
        self.shown: TaskState | None = None

    def state(self) -> State:
        if self.unfinished and self.has_export:
            return "exporting"
        if self.unfinished:
            return "building" if self.has_run else "waiting"
        return "done" if self.has_run or self.has_export else "cached"


class StageProgress:
    """Reports one state per stage: waiting, cached, building, exporting or done."""

    def __init__(self, start_task: StartTask) -> None:
        self._start_task = start_task
        self._stages: dict[str, _Stage] = {}

    def announce(self, stage: str, step: str) -> None:
        """Add a step of a stage that BuildKit will start later."""
        self._add(stage, step)
        self._show(stage)

    def start(self, stage: str, title: str) -> None:
        """Show that a step is running; ``title`` is its name for people, or empty."""
        self._stages[stage].has_run = True
        self._show(stage, title)

    def start_export(self, stage: str, step: str) -> None:
        """Show that the image of a stage is being exported."""
        self._add(stage, step)
        self._stages[stage].has_export = True
        self._show(stage)

    def output(self, stage: str, line: str) -> None:
        """Show a line of output."""
        self._show(stage, line)

    def complete(self, stage: str, step: str) -> None:
        """Show that a step is complete, or was found in the cache."""
        self._stages[stage].unfinished.discard(step)
        self._show(stage)

    def finish(self) -> None:
        """End every task."""
        for stage in self._stages.values():
            stage.report("")

    def _add(self, stage: str, step: str) -> None:
        if stage not in self._stages:
            self._stages[stage] = _Stage(self._start_task(stage))
        self._stages[stage].unfinished.add(step)

    def _show(self, name: str, detail: str = "") -> None:
        """Report the state of a stage unless it is the one that was shown last."""
        stage = self._stages[name]
        state = TaskState(state=stage.state(), detail=detail)
        if state != stage.shown:
            stage.shown = state
            stage.report(state)
