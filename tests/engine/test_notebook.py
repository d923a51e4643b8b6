"""The project's own images in a browser: the newest release, and a new lock set by uv."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache as once
from pathlib import Path

import httpx
import pytest

from tests.support.notebook import PATIENCE, run_notebook, type_into_terminal
from tests.support.paths import QUICK_ORBITER, ROOT
from tests.support.served_image import SERVE, Built, environment, inside, running
from tests.support.syft import unlisted

pytestmark = [pytest.mark.engine, pytest.mark.index]
RELEASED = "released"
"""The newest release in locks/, built and verified from a fresh clone without a cache."""
REPOSITORY = {RELEASED: "dorgeln/orbiter:"}
"""Part of a tag that ``--verify`` omits."""
ORBITER: tuple[str, ...] = ("-m", "orbiter")
both = pytest.mark.parametrize("locked", [RELEASED, "uv"])

NEWEST = max((ROOT / "locks").glob("*/digests.toml")).parent.name
CHANGES = {
    'repository = "dorgeln/orbiter"': 'repository = "orbiter-test/{engine}"',
    'python = "3.13"': 'python = "3.13"\npip-engine = "{engine}"',
}
CHART = '{"data": {"values": [{"a": 1}]}, "mark": "bar", "encoding": {"x": {"field": "a"}}}'

SAVE = """import altair, altair_saver
chart = altair.Chart(altair.Data(values=[{"x": 1}])).mark_point().encode(x="x:Q")
altair_saver.save(chart, "/tmp/c.png")
altair_saver.save(chart, "/tmp/c.svg")"""
SHOWN = {
    "jupyter kernelspec list": ("bash ", "python3 ", "ssh "),
    "jupyter labextension list 2>&1": (
        "@jupyterlab/git ",
        "@jupyterlab-contrib/spellchecker ",
        "jupyter-server-proxy ",
    ),
    "jupyter server extension list 2>&1": (
        "jupyter_server_proxy ",
        "jupyterlab_git ",
        "nbgitpuller ",
    ),
    "jupyter-book --version": ("Jupyter Book ",),
    "jupyterhub-singleuser --version": (".",),
    "configurable-http-proxy --version": (".",),
    f"echo '{CHART}' | vl2png > /tmp/a.png && head -c 4 /tmp/a.png": ("PNG",),
    f"echo '{CHART}' | vl2vg | vg2png > /tmp/b.png && head -c 4 /tmp/b.png": ("PNG",),
    f"python -c '{SAVE}' && head -c 4 /tmp/c.png && head -c 4 /tmp/c.svg": ("PNG", "<svg"),
    "locale": ("LC_ALL=C.UTF-8",),
    "python -c 'import sys; print(sys.stdout.encoding)'": ("utf-8",),
    "id": ("uid=1000(jovyan) gid=100(users)",),
    "bash -lc 'command -v sudo git pip python'": (
        "/usr/bin/sudo",
        "/usr/bin/git",
        "/opt/env/bin/pip",
        "/opt/env/bin/python",
    ),
    "test -w /opt/env/lib/python3*/site-packages && echo writable": ("writable",),
}
"""Commands that the image's user runs, and texts that they must print."""

BINDER = """FROM {tag}
COPY . ${{HOME}}
USER root
RUN chown -R ${{NB_UID}} ${{HOME}}
USER ${{NB_USER}}
"""
"""The Dockerfile in Binder's documentation."""

HUB = """set -e
cd /tmp
timeout 600 jupyterhub --ip=127.0.0.1 \\
    --Spawner.start_timeout=300 --Spawner.http_timeout=300 \\
    --JupyterHub.authenticator_class=dummy --JupyterHub.spawner_class=simple \\
    --Authenticator.allow_all=True > ~/log 2>&1 &
trap '[ $? = 0 ] || cat ~/log >&2' EXIT"""
LOGIN = """
import re, time, httpx
hub = httpx.Client(base_url="http://127.0.0.1:8000", follow_redirects=True, timeout=300)
deadline = time.monotonic() + 540
def page(path):
    assert time.monotonic() < deadline, path
    time.sleep(0.3)
    try:
        return hub.get(path).text
    except httpx.ConnectError:
        return ""
while not (field := re.search('name="_xsrf" +value="([^"]+)"', page("/hub/login"))):
    pass
login = {"username": "jovyan", "password": "any", "_xsrf": field[1]}
hub.post("/hub/login", data=login).raise_for_status()
while "jupyter-config-data" not in page("/user/jovyan/lab"):
    pass
contents = "http://127.0.0.1:8000/user/jovyan/api/contents"
assert httpx.get(contents, timeout=300).status_code == 403
print("JupyterLab for", hub.get("/hub/api/user").json()["name"])
"""
"""Logs into a hub, which starts jupyterhub-singleuser, and opens its JupyterLab by OAuth."""


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Built]]:
    """Return a function that builds the newest release, or a lock set by a pip engine, once.

    Only the release needs its own compression, for its recorded digests.
    """
    cache = tmp_path_factory.mktemp("cache")
    tags: list[str] = []

    @once
    def built(locked: str) -> Built:
        project = tmp_path_factory.mktemp(locked)
        if locked == RELEASED:
            subprocess.run(["git", "clone", "--quiet", ROOT, project], check=True)
            program = ORBITER
            words = [["build", "--verify", "--no-cache", "--release", NEWEST]]
        else:
            (project / "images.toml").write_text(changed_images(locked))
            program = (QUICK_ORBITER,)
            words = [["lock"], ["build"]]
        for arguments in words:
            done = subprocess.run(
                command(*arguments, program=program),
                cwd=project,
                env=environment(cache),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr + done.stdout
        prefix = REPOSITORY.get(locked, "")
        built_tags = [prefix + line.split()[0] for line in done.stdout.splitlines()]
        tags.extend(built_tags)
        release = ("--release", NEWEST) if locked == RELEASED else ()
        tag = next(tag for tag in built_tags if ":debian-base-" in tag)
        return Built(project, cache, tag, release)

    yield built
    subprocess.run(["docker", "image", "rm", "--force", *tags], check=False)


def changed_images(engine: str) -> str:
    text = (ROOT / "images.toml").read_text().partition("\n[builder.micromamba]")[0]
    for old, new in CHANGES.items():
        assert old in text
        text = text.replace(old, new.format(engine=engine))
    return text


def command(*words: str, program: tuple[str, ...] = ORBITER) -> list[str]:
    return [sys.executable, *program, *words]


def containers(tag: str) -> str:
    listing = ["docker", "ps", "--all", "--quiet", "--filter", f"ancestor={tag}"]
    return subprocess.run(listing, capture_output=True, text=True, check=True).stdout


@both
@pytest.mark.browser
def test_the_image_set_runs_a_notebook_until_ctrl_c(
    locked: str, build: Callable[[str], Built], tmp_path: Path
) -> None:
    built = build(locked)
    work = tmp_path / "work"
    work.mkdir()
    with running(built, "--mount", str(work)) as url:
        page = httpx.get(url.partition("?")[0], timeout=PATIENCE)
        assert page.headers["location"].startswith("/login")
        wrong = url.replace("/lab?token=", "/api/contents?token=no")
        assert httpx.get(wrong, timeout=PATIENCE).status_code == 403
        assert run_notebook(url, tmp_path).stat().st_size > 0
        answer = work / "answer"
        type_into_terminal(
            url, "cd ~/work && echo $((6 * 7)) > answer", lambda: read(answer) == "42\n", tmp_path
        )
        assert (answer.stat().st_uid, answer.stat().st_gid) == (
            work.stat().st_uid,
            work.stat().st_gid,
        )
        assert containers(built.tag)
    assert not containers(built.tag)


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


@both
def test_the_image_contains_the_expected_programs(
    locked: str, build: Callable[[str], Built]
) -> None:
    tag = build(locked).tag
    script = "\n".join(f"echo '--- {number}'; {line}" for number, line in enumerate(SHOWN))
    answers = inside(tag, script).split("--- ")[1:]
    for (line, expected), answer in zip(SHOWN.items(), answers, strict=True):
        for text in expected:
            assert text in answer, line


def test_any_user_can_serve_from_the_home(build: Callable[[str], Built]) -> None:
    assert (
        inside(build("uv").tag, f"mkdir ~/own\n{SERVE}\nid -u", "--init", "--user", "12345")
        == "12345\n"
    )


def test_a_dockerfile_for_binder_serves(build: Callable[[str], Built], tmp_path: Path) -> None:
    tag = build("uv").tag
    (tmp_path / "Dockerfile").write_text(BINDER.format(tag=tag))
    (tmp_path / "index.ipynb").write_text("{}")
    built = subprocess.run(
        ["docker", "build", "--quiet", tmp_path], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    image = built.stdout.strip()
    assert inside(image, f"{SERVE}\nstat --format %U index.ipynb") == "jovyan\n"
    subprocess.run(["docker", "image", "rm", image], check=True)


def test_jupyterhub_starts_it_for_its_user(build: Callable[[str], Built]) -> None:
    assert (
        inside(build("uv").tag, f"{HUB}\npython - <<'LOGIN'\n{LOGIN}\nLOGIN", "--init")
        == "JupyterLab for jovyan\n"
    )


def test_the_bill_of_materials_has_everything_that_syft_finds(
    build: Callable[[str], Built], tmp_path: Path
) -> None:
    built = build(RELEASED)
    words = ("build", "-q", "--no-load", "--output", str(tmp_path), "--image", "debian-base")
    subprocess.run(
        command(*words, *built.release),
        cwd=built.project,
        env=built.environment(),
        check=True,
        capture_output=True,
    )
    archive = tmp_path / f"debian-base-{NEWEST}.tar"
    assert unlisted(archive, built.project / "locks" / NEWEST, "debian-base") == []
