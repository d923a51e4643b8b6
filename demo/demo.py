"""make demo: two releases of a small notebook environment, what moved between them, and the newer one running.

Where no Docker engine answers, pip's part alone is locked, and the demo says so.
"""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

from orbiter.docker import client

HERE = Path(__file__).parent
PLACE = HERE.parent / ".demo"
EARLIER, LATER = "2026-05-01", "2026-11-01"


def main() -> None:
    """Lock twice, then build and start the newer release."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir()
    text = (HERE / "images.toml").read_text(encoding="utf-8")
    missing = client.unavailable_reason()
    if missing:
        say(
            f"No Docker engine answers ({missing}): only pip's part is locked, and nothing is built."
        )
    only = ["--only", "pip"] if missing else []
    write(text)
    say(f"Release 0.1.0, with the packages of {EARLIER}")
    orbiter("lock", "--as-of", EARLIER, *only)
    write(text.replace('version = "0.1.0"', 'version = "0.2.0"'))
    say(f"Release 0.2.0, with the packages of {LATER}")
    orbiter("lock", "--upgrade", "--as-of", LATER, *only)
    say("What moved")
    orbiter("diff-locks", "0.1.0", "0.2.0")
    if missing:
        say("With a Docker engine, make demo goes on: it builds release 0.2.0 and starts it.")
        return
    say("Building release 0.2.0 from its lock set alone, with the network off")
    orbiter("build")
    say("Starting it")
    start()


def write(text: str) -> None:
    """Put images.toml into the demo's folder."""
    (PLACE / "images.toml").write_text(text, encoding="utf-8")


def say(line: str) -> None:
    """A line between the steps."""
    print(f"\n== {line}", flush=True)


def orbiter(*words: str) -> None:
    """Run one command as a person would; the demo ends where a command fails."""
    print(f"$ orbiter {' '.join(words)}", flush=True)
    code = subprocess.run(
        [sys.executable, "-m", "orbiter", *words], cwd=PLACE, check=False
    ).returncode
    if code:
        sys.exit(code)


def start() -> None:
    """Run the image until Ctrl-C; where nobody sits at a terminal, only until JupyterLab has answered."""
    if sys.stdin.isatty():
        orbiter("run", "debian-notebook")
        return
    print("$ orbiter run debian-notebook", flush=True)
    command = [sys.executable, "-m", "orbiter", "run", "debian-notebook"]
    with subprocess.Popen(command, cwd=PLACE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = next((line for line in process.stdout if "http://" in line), "")
        print(url, end="", flush=True)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    if not url:
        sys.exit("the image did not start")
    say(
        "It answered. Nobody sits at this terminal, so it was stopped: cd .demo && orbiter run debian-notebook"
    )


if __name__ == "__main__":
    main()
