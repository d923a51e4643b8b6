"""Runs a notebook in an image, with the Python and the nbclient of the image.

Orbiter copies this program into the container of the test. The image may have an old Python.
"""

import re
import sys
from pathlib import Path
from typing import Any

NO_NBCLIENT = 90
"""Exit code for an image without nbclient."""
TRACEBACK_LINES = 15
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
"""Colours in the tracebacks of IPython."""


def main() -> int:
    """Run the notebook of the first argument; return the exit code."""
    try:
        import nbclient
        import nbformat
        from nbclient.exceptions import CellExecutionError
    except ImportError as error:
        print(f"nbclient cannot be imported: {error}")
        return NO_NBCLIENT
    path = Path(sys.argv[1])
    started = []
    try:
        notebook = nbformat.read(path, as_version=4)
        folder = {"metadata": {"path": str(path.parent)}}
        client = nbclient.NotebookClient(notebook, timeout=None, resources=folder)
        if hasattr(client, "on_cell_start"):  # since nbclient 0.6
            client.on_cell_start = lambda cell_index, **_other: started.append(cell_index)
        client.execute()
    except CellExecutionError as error:
        print(f"{place(started, notebook)}: {summary(error.ename, error.evalue)}")
        lines = ESCAPE.sub("", error.traceback).rstrip().splitlines()
        print("\n".join(lines[-TRACEBACK_LINES:]))
        return 1
    except Exception as error:
        where = place(started, notebook) if started else "the notebook"
        print(f"{where}: {summary(type(error).__name__, str(error))}")
        return 1
    return 0


def place(started: Any, notebook: Any) -> str:
    """Return the position of the last started cell."""
    return f"cell {started[-1] + 1 if started else '?'} of {len(notebook.cells)}"


def summary(name: str, value: str) -> str:
    """Return an error in one line."""
    lines = ESCAPE.sub("", value).strip().splitlines()
    return f"{name}: {lines[0]}" if lines else name


if __name__ == "__main__":
    sys.exit(main())
