"""The settings of containers in images.toml: read, inherited, refused."""

from pathlib import Path

import pytest
from msgspec import UNSET

from orbiter.config.image_set import ImageSet
from orbiter.config.mistakes import ConfigError
from orbiter.config.read import read_image_set
from orbiter.config.runtime import NO_SETTINGS, Healthcheck, Runtime, ordered_variables
from orbiter.config.secret_values import secret_reason, word_reason
from orbiter.config.snapshot import dump, load
from orbiter.config.stage_graph import runtime_of
from resolvers.errors import ExpectedError
from tests.support.paths import TESTS

VALID = TESTS / "data/images/valid/runtime.toml"
HEAD = """version = "0.1.0"
repository = "example/notebooks"
[builder.debian]
from = { debian = "trixie" }
[image.debian.core]
"""
LINE = HEAD.count("\n") + 1
"""The line of the first key of the image in these tests."""


def effective(image_set: ImageSet, name: str) -> Runtime:
    stage = next(stage for stage in image_set.stages if stage.name == name)
    return runtime_of(image_set, stage)


def test_the_settings_of_an_image() -> None:
    runtime = effective(read_image_set(VALID), "debian-core")
    assert runtime == Runtime(
        env={
            "ALLOW_EMPTY_PASSWORD": "yes",
            "HF_TOKEN_PATH": "/run/token",
            "MODEL_TOKEN": "word",
            "PATH": "${SPARK_HOME}/bin:${PATH}",
            "PRICE": "$$5",
            "SPARK_HOME": "/opt/spark",
            "TOKENIZERS_PARALLELISM": "false",
        },
        workdir="${HOME}/work",
        entrypoint=("start.sh",),
        cmd=("start-notebook.py", "--ServerApp.token=''"),
        labels={
            "org.example.team": "data science",
            "org.opencontainers.image.licenses": "MIT",
        },
        expose=("5353/udp", "8888/tcp", "9000/tcp"),
        healthcheck=Healthcheck(
            test=("curl", "-f", "http://localhost:8888/api"),
            interval="1m30s",
            timeout="3s",
            start_period="500ms",
            retries=3,
        ),
        user="1000:100",
        stop_signal="SIGINT",
        volumes=("/data", "/srv/data"),
    )


def test_a_stacked_image_inherits_what_it_does_not_replace() -> None:
    image_set = read_image_set(VALID)
    parent, child = effective(image_set, "debian-core"), effective(image_set, "debian-base")
    assert effective(image_set, "debian-plain") == parent
    assert (child.entrypoint, child.cmd, child.user) == ((), (), "root")
    assert child.env == {**parent.env, "SPARK_OPTS": "--dir ${SPARK_HOME}/x"}
    assert child.labels == {**parent.labels, "org.example.team": "physics"}
    assert child.expose == ("5353/udp", "8080/tcp", "8888/tcp", "9000/tcp")
    assert child.healthcheck == Healthcheck(test=())
    assert (child.workdir, child.stop_signal) == (parent.workdir, parent.stop_signal)
    # A build stage has no settings of its own, but starts from an image with some.
    assert effective(image_set, "debian-base-build") == parent


def test_stages_without_settings_are_as_before_the_keys_existed() -> None:
    image_set = read_image_set(TESTS / "data/images/valid/original.toml")
    assert all(stage.runtime is UNSET for stage in image_set.stages)
    assert "runtime" not in dump(image_set)
    assert all(runtime_of(image_set, stage) == NO_SETTINGS for stage in image_set.stages)


def test_variables_follow_those_that_they_refer_to() -> None:
    env = {"A": "${B}", "B": "${C}/${B}", "C": "$${A}", "D": "${HOME}"}
    assert ordered_variables(env) == (("C", "B", "A", "D"), ())
    assert ordered_variables({"A": "${B}", "B": "${A}"})[1] == (("A", "B"),)


MISTAKES: dict[str, tuple[str, str, str, str]] = {
    "a number": ("env.PORT = 8888", "env.PORT", "is a whole number", 'PORT = "8888"'),
    "a name": ('env.1A = "x"', "env.1A", "is not valid", "rename it"),
    "a line break": (r'env.A = "x\nRUN y"', "env.A", "line break", "on one line"),
    "a dollar sign": ('env.A = "$HOME"', "env.A", "contains a '$'", "write ${NAME}"),
    "nothing sets": ('env.A = "${B}"', "env.A", "${B}, which nothing sets", "add B to env"),
    "itself": ('env.A = "${A}:x"', "env.A", "${A}, which nothing sets", "add A to env"),
    "a circle": (
        'env = { A = "${B}", B = "${A}" }',
        "env.B",
        "circular variables: A -> B -> A",
        "without ${B}",
    ),
    "no path": ('env.PATH = "/x"', "env.PATH", "does not contain ${PATH}", "add it"),
    "the build": ('env.SOURCE_DATE_EPOCH = "0"', "env.SOURCE_DATE_EPOCH", "of the build", "choose"),
    "a folder": ('workdir = "work"', "workdir", "is not valid", '"${HOME}/work"'),
    "an unknown folder": ('workdir = "${X}/a"', "workdir", "${X}, which nothing sets", "add X"),
    "dots": ('workdir = "/a/../b"', "workdir", "contains '.' or '..'", "without them"),
    "an injected folder": ('workdir = "/a b"', "workdir", "is not valid", "for example"),
    "a string": (
        "entrypoint = \"start.sh 'a b'\"",
        "entrypoint",
        "is a string in quotes",
        'entrypoint = ["start.sh", "a b"]',
    ),
    "a shell": ('cmd = "a || b"', "cmd", "is a string", 'cmd = ["sh", "-c", "a || b"]'),
    "a label": ('labels."a b" = "c"', 'labels."a b"', "is not valid", "rename it"),
    "a label of Orbiter": (
        'labels."org.orbiter.lockset" = "c"',
        'labels."org.orbiter.lockset"',
        "is a label of Orbiter",
        "remove it",
    ),
    "another label of Orbiter": (
        'labels."org.orbiter.x" = "c"',
        'labels."org.orbiter.x"',
        "belong to Orbiter",
        "choose another name",
    ),
    "the version": (
        'labels."org.opencontainers.image.version" = "c"',
        'labels."org.opencontainers.image.version"',
        "is a label of Orbiter",
        "remove it",
    ),
    "a port": ("expose = [0]", "expose[0]", "from 1 to 65535", "8888"),
    "a large port": ('expose = ["65536"]', "expose[0]", "is not valid", "8888/tcp"),
    "a protocol": ('expose = ["80/http"]', "expose[0]", "is not valid", "8888/tcp"),
    "a port twice": ('expose = [80, "80/tcp"]', "expose[1]", "listed twice", "remove"),
    "true": ("healthcheck = true", "healthcheck", "is true", "write a table"),
    "a test": (
        "[image.debian.core.healthcheck]\nretries = 1",
        "healthcheck.test",
        "is missing",
        "add test =",
    ),
    "no test": ("healthcheck.test = []", "healthcheck.test", "is empty", "write test ="),
    "a user": ("user = 1000", "user", "is a whole number", 'user = "1000:100"'),
    "an injected user": ('user = "a b"', "user", "is not valid", "for example"),
    "a signal": ('stop-signal = "TERM"', "stop-signal", "unknown value 'TERM'", "'SIGTERM'"),
    "a volume": ('volumes = ["/"]', "volumes[0]", "is not valid", '"/data"'),
    "a needless exception": ('not-secret = ["X"]', "not-secret[0]", "has no effect", "remove it"),
    "a secret": ('env.API_TOKEN = "word"', "env.API_TOKEN", "looks like a secret", "docker run"),
    "a secret label": ('labels."x.secret" = "w"', 'labels."x.secret"', "a secret", '"x.secret"'),
    "a secret word": ('cmd = ["a", "--token=b"]', "cmd[1]", "looks like a secret", "not-secret"),
    "a secret after an option": (
        'entrypoint = ["a", "--password", "b"]',
        "entrypoint[2]",
        "looks like a secret",
        "not-secret",
    ),
    "a secret test": (
        'healthcheck.test = ["curl", "https://a:b@x.example"]',
        "healthcheck.test[1]",
        "an address with a password",
        "not-secret",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_names_its_line_and_a_remedy(name: str, tmp_path: Path) -> None:
    text, key, problem, hint = MISTAKES[name]
    path = tmp_path / "images.toml"
    path.write_text(f"{HEAD}{text}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_image_set(path)
    (mistake,) = caught.value.mistakes
    assert mistake.key == f"image.debian.core.{key}"
    assert mistake.line == LINE
    assert problem in str(mistake)
    assert hint in mistake.hint


@pytest.mark.parametrize("value", ["30", "0s", "1d", "s", "-1s", "1s 2s", "5s1m", "1.5m"])
def test_a_duration_is_written_as_docker_does(value: str, tmp_path: Path) -> None:
    path = tmp_path / "images.toml"
    table = f'healthcheck = {{ test = ["true"], timeout = "{value}" }}'
    path.write_text(f"{HEAD}{table}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="a duration of at least 1ms"):
        read_image_set(path)


def test_a_secret_is_never_printed(tmp_path: Path) -> None:
    path = tmp_path / "images.toml"
    words = 'env.DB_PASSWORD = "correct horse"\ncmd = ["a", "--token=battery"]\n'
    path.write_text(f"{HEAD}{words}", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_image_set(path)
    text = f"{caught.value.message}{caught.value.hint}"
    assert "DB_PASSWORD" in text
    assert "horse" not in text
    assert "battery" not in text


def test_a_base_image_may_set_any_variable(tmp_path: Path) -> None:
    path = tmp_path / "images.toml"
    head = HEAD.replace('{ debian = "trixie" }', '"debian:trixie-slim"')
    path.write_text(f'{head}env.A = "${{GOPATH}}/bin"\n', encoding="utf-8")
    assert effective(read_image_set(path), "debian-core").env == {"A": "${GOPATH}/bin"}


def test_a_build_stage_has_no_settings(tmp_path: Path) -> None:
    path = tmp_path / "images.toml"
    path.write_text(f'{HEAD}[image.debian.core.build]\nenv.A = "b"\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_image_set(path)
    assert "'env' belongs to [image.BUILDER.IMAGE]" in str(caught.value.hint)


# Put together here, so that scanners of this repository find no token.
RANDOM = "aZ3kQ9xP0Lm" + "N8bV7cY2d"
SECRETS = [
    ("GITHUB", "ghp" + "_abcdefghijklmnopqrstuvwxyz"),
    ("A", "AKIA" + "IOSFODNN7EXAMPLE"),
    ("A", "sk" + "-proj-abcdefghijklmnopqr"),
    ("A", "-----BEGIN RSA " + "PRIVATE KEY-----"),
    ("A", f"x:{RANDOM}"),
    ("A", "0f3a9c81d4" + "e7b65203ac9f18d2e4b760"),
    ("JUPYTER_TOKEN", "word"),
    ("MYSQL_ROOT_PASSWORD", "word"),
    ("SecretKey", "word"),
    ("apiKey", "word"),
    ("token", "word"),
    ("A", "postgres://ada:word@db.example/x"),
]
HARMLESS = [
    ("JUPYTER_TOKEN", ""),
    ("TOKENIZERS_PARALLELISM", "false"),
    ("POSTGRES_PASSWORD_FILE", "/run/secrets/db"),
    ("AUTH_TOKEN", "${OTHER}"),
    ("SPARK_OPTS", "--driver-java-options=-Dlog4j.logLevel=info --conf spark.x=org.apache.X2Y3"),
    ("PYTHONPATH", "/usr/local/lib/python3.13/site-packages/x86_64-linux-gnu"),
    ("LD_LIBRARY_PATH", "/usr/lib/x86_64-linux-gnu:/opt/cuda-12.4/targets/x86_64-linux/lib"),
    ("NVIDIA_REQUIRE_CUDA", "cuda>=12.4 brand=tesla,driver>=470,driver<471"),
    ("URL", "https://user@git.example.org/team/notebooks-2026.11.28-manylinux_2_28_x86_64.whl"),
    ("NOTE", "monkey-business-without-a-single-number"),
]


@pytest.mark.parametrize(("name", "value"), SECRETS)
def test_names_and_values_of_secrets_are_recognised(name: str, value: str) -> None:
    assert secret_reason(name, value)
    assert word_reason(f"--{name}={value}")


@pytest.mark.parametrize(("name", "value"), HARMLESS)
def test_other_values_are_no_secrets(name: str, value: str) -> None:
    assert secret_reason(name, value) == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"/data"', '"/data\\nRUN x"'),
        ('"${HOME}/work"', '"/a\\nRUN x"'),
        ('"1000:100"', '"1000\\nRUN x"'),
        ('"SIGINT"', '"SIGINT\\nRUN x"'),
        ('"8888/tcp"', '"8888/tcp\\nRUN x"'),
        ('"500ms"', '"500ms --x"'),
        ('PRICE = "$$5"', 'PRICE = "$$5\\nRUN x"'),
        ('PRICE = "$$5"', '"A=b C" = "x"'),
        ('"org.example.team" = "physics"', '"a b" = "physics"'),
        ('"org.example.team" = "physics"', '"org.example.team" = "a\\rb"'),
    ],
)
def test_a_snapshot_of_anybody_cannot_leave_its_instruction(old: str, new: str) -> None:
    text = dump(read_image_set(VALID))
    assert old in text
    with pytest.raises(ExpectedError, match="cannot be read"):
        load(text.replace(old, new, 1))
