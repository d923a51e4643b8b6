"""Run `make demo`: lock two releases, show their differences, then build and start the newer one.

If no Docker engine answers, the demo locks only the pip packages and reports it.
"""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

from orbiter.docker import client

SOURCE = Path(__file__).parent
PROJECT = SOURCE.parent / ".demo"
EARLIER, LATER = "2026-05-01", "2026-11-01"
ORBITER = (sys.executable, "-m", "orbiter")
IMAGE = "debian-notebook"


def main() -> None:
    """Lock two releases, then build and start the newer one."""
    shutil.rmtree(PROJECT, ignore_errors=True)
    PROJECT.mkdir()
    start_repository()
    engine_problem = client.unavailable_reason()
    managers: tuple[str, ...] = ()
    if engine_problem:
        say(f"No Docker engine answers ({engine_problem}): the demo locks only the pip packages.")
        managers = ("--only", "pip")
    lock_releases(*managers)
    if engine_problem:
        say("With a Docker engine, make demo also builds release 0.2.0 and starts it.")
        return
    say("Building release 0.2.0 from its lock set, without network access")
    orbiter("build")
    say("Starting the image")
    start()


def start_repository() -> None:
    """Make the project folder a git repository, as users do: the one around it ignores it."""
    if shutil.which("git"):
        subprocess.run(["git", "init", "--quiet"], cwd=PROJECT, check=True)


def lock_releases(*managers: str) -> None:
    """Lock two releases with the packages of two dates, and show their differences."""
    text = (SOURCE / "images.toml").read_text(encoding="utf-8")
    write_images(text)
    say(f"Release 0.1.0, with the packages of {EARLIER}")
    orbiter("lock", "--as-of", EARLIER, *managers)
    write_images(text.replace('version = "0.1.0"', 'version = "0.2.0"'))
    say(f"Release 0.2.0, with the packages of {LATER}")
    orbiter("lock", "--upgrade", "--as-of", LATER, *managers)
    say("The differences between the releases")
    orbiter("diff-locks", "0.1.0", "0.2.0")


def write_images(text: str) -> None:
    """Write images.toml into the demo's project folder."""
    (PROJECT / "images.toml").write_text(text, encoding="utf-8")


def say(line: str) -> None:
    """Print a line between the steps."""
    print(f"\n== {line}", flush=True)


def orbiter(*arguments: str) -> None:
    """Print and run an Orbiter command; end the demo with its exit code if it fails."""
    print(f"$ orbiter {' '.join(arguments)}", flush=True)
    process = subprocess.run([*ORBITER, *arguments], cwd=PROJECT, check=False)
    if process.returncode:
        sys.exit(process.returncode)


def start() -> None:
    """Run the image until Ctrl-C; without a terminal, only until JupyterLab answers."""
    if sys.stdin.isatty():
        orbiter("run", IMAGE)
        return
    print(f"$ orbiter run {IMAGE}", flush=True)
    command = [*ORBITER, "run", IMAGE]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = next((line for line in process.stdout if "http://" in line), "")
        print(url, end="", flush=True)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    if not url:
        sys.exit("error: the image did not start")
    say("JupyterLab answered and was stopped, because this is not a terminal.")
    print(f"To start it again: cd {PROJECT.name} && orbiter run {IMAGE}", flush=True)


if __name__ == "__main__":
    main()
