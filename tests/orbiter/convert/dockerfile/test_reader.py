"""Reads Dockerfiles in memory: the values of variables, and hostile text."""

from pathlib import Path

import pytest

from orbiter.convert.collect import Collector
from orbiter.convert.dockerfile.reader import read
from orbiter.convert.outcome import ImportedRequirements, ImportOptions


def result(text: str) -> ImportedRequirements:
    collector = Collector(ImportOptions(platforms=("linux/amd64",), root=Path()))
    read(Path("Dockerfile"), text, collector)
    return collector.result()


def entries(text: str, manager: str = "pip") -> list[str]:
    return [item.text for item in result(text).requirements.get(manager, ())]


@pytest.mark.parametrize(
    "lines",
    [
        "ARG V=1.0\nRUN V=2.0; pip install a==$V",
        "ARG V=1.0\nRUN export V=3.0 && pip install a==$V",
        "ENV V=1\\\\.0\nRUN pip install a==$V",
        "ENV V='$W'\nRUN pip install a==$V",
        "ENV W=1\nENV V='$W'\nRUN pip install a==$V",
        "ARG V=${W:-1.0}\nRUN pip install a==$V",
        "ENV V='1\nRUN pip install a==$V",
        'ENV A="x\\" V=1.0 B=\\"y"\nRUN pip install a==$V',
        "RUN <<A <<B\npip install a\nA\npip install a\nB",
    ],
)
def test_a_value_that_is_not_certain_is_not_used(lines: str) -> None:
    assert entries(f"FROM x\n{lines}\n") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ARG V=1\nFROM x\nRUN pip install a==$V", []),
        ("ARG V=1\nFROM x\nARG V\nRUN pip install a==$V", ["a==1"]),
        ("ARG V=1\nFROM x\nARG V=2\nRUN pip install a==$V", ["a==2"]),
        ("FROM x\nENV V=1\nARG V=2\nRUN pip install a==$V", ["a==1"]),
        ("FROM x\nARG V=2\nENV V=1\nRUN pip install a==$V", ["a==1"]),
        ("FROM x\nENV V=1\nENV V=2 W=$V\nRUN pip install a==$W", ["a==1"]),
        ("FROM x\nENV V=1'.'\"2\" W=3\nRUN pip install a==$V b==$W", ["a==1.2", "b==3"]),
        ("FROM x\nENV V 1.2\nRUN pip install a==$V", ["a==1.2"]),
        ("FROM x\nENV U=http://b?c&d V=1\nRUN pip install a==$V", ["a==1"]),
    ],
)
def test_variables_have_the_values_that_docker_gives_them(text: str, expected: list[str]) -> None:
    assert entries(text) == expected


def test_values_do_not_multiply() -> None:
    """Each line makes a value ten times as long. Memory would be full long before the end."""
    lines = [f"ARG v{number + 1}={f'$v{number}' * 10}" for number in range(30)]
    text = "\n".join(["FROM x", "ARG v0=1", *lines, "RUN pip install a==$v0 b==$v30"])
    assert entries(text) == []
    assert entries(text.replace(" b==$v30", "")) == ["a==1"]
    many = "FROM x\nENV v=" + "a" * 4000 + "\n" + "RUN pip install b$v$v$v$v c\n" * 3_000
    assert sum(map(len, entries(many))) < 2 << 20


def test_a_word_may_continue_on_the_next_line() -> None:
    """Docker puts nothing between the lines."""
    assert entries("FROM x\nRUN pip install num\\\n# b\npy six\\ \n  idna") == [
        "numpy",
        "six",
        "idna",
    ]


def test_long_values_are_unknown() -> None:
    assert entries(f"FROM x\nENV v={'a' * 4096}\nRUN pip install $v") == ["a" * 4096]
    assert entries(f"FROM x\nENV v={'a' * 4097}\nRUN pip install $v") == []


@pytest.mark.parametrize(
    "text",
    [
        "ENV " + "a" * 1_000_000,
        "ENV " + "a='" * 100_000,
        "ENV a=" + '\\"' * 300_000,
        'ENV a="' + '\\"' * 300_000,
        "FROM " + "--a=" * 250_000,
        "RUN " + "--a=" * 250_000,
        "RUN " + "--a=b " * 150_000 + "x",
        "RUN <<EOF\nrm -rf '" + "apt" * 300_000 + "\n'\nEOF",
        "RUN <<EOF\nset '-" + "a" * 1_000_000 + "\n'\nEOF",
        "RUN apt-get " + "-a " * 50_000,
        "RUN " + "A=1 " * 100_000,
        "RUN " + "a|" * 30_000,
        "RUN a\xa0b\x0bc",
    ],
    ids=range(13),
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    """Quadratic time would be minutes here, and the last one would not end."""
    assert not result(f"FROM a\n{text}\n").requirements


def test_no_password_is_shown_where_a_long_line_is_cut() -> None:
    for length in range(200, 320):
        text = f"FROM a\nRUN b {'c' * length} https://me:secret-word@example.org/d | e\n"
        assert not any("secret" in each.what for each in result(text).left_out)
    text = (
        f"FROM a\nRUN <<E\nb {' ' * 5000}\nE\nRUN b '{' ' * 880}' https://me:secret-word@e/ | f\n"
    )
    assert not any("secret" in each.what for each in result(text).left_out)


@pytest.mark.parametrize(
    "command",
    [
        "conda create -n py2 python=2.7",
        "conda install -n other numpy",
        "conda install -yn other numpy",
        "mamba install -nother numpy",
        "micromamba install --name=other numpy",
        "conda install --prefix /opt/other numpy",
        "conda install --dry-run numpy",
        "/opt/conda/envs/other/bin/pip install a",
        "/opt/conda/envs/other/bin/python -m pip install a",
        "pip install --dry-run a",
        "pip install --target /opt a",
        "pip install -t/opt a",
        "pip install --targ /opt a",
        "pip install --prefix=/opt a",
        "pip install --root /opt a",
        "pip --python /opt/venv/bin/python install a",
        "uv pip install -p /opt/venv a",
        "apt-get -s install git",
        "apt-get install -yqs git",
        "apt-get install --download-only git",
        "apt-get install -o APT::Get::Simulate=true git",
        "apt-get -oRootDir=/opt install git",
        "apk add --root /opt jq",
        "apk -p /opt add jq",
        "apk add -qs jq",
        "npm --prefix /opt install d3",
        "npm install -C /opt d3",
        "npm install --dry-run d3",
    ],
)
def test_an_install_elsewhere_is_listed(command: str) -> None:
    found = result(f"FROM x\nRUN {command}\n")
    assert not found.requirements
    assert any(f"Dockerfile:2: '{command}'" in each.what for each in found.left_out)


@pytest.mark.parametrize(
    ("command", "manager", "expected"),
    [
        ("conda install -yn base numpy", "conda", ["numpy"]),
        ("conda install -p /opt/conda numpy", "conda", ["numpy"]),
        ("micromamba install -qy --name=base -cconda-forge numpy", "conda", ["numpy"]),
        ("pip install --user --pre a", "pip", ["a"]),
        ("pip install --root-user-action ignore a", "pip", ["a"]),
        ("apt-get -qq -o Dpkg::Options::=--force-confold install -y git", "apt", ["git"]),
        ("apt-get install -q=2 -ttrixie git", "apt", ["git"]),
        ("npm install -g d3", "npm", ["d3"]),
    ],
)
def test_an_install_into_the_image_is_added(
    command: str, manager: str, expected: list[str]
) -> None:
    assert entries(f"FROM x\nRUN {command}\n", manager) == expected


@pytest.mark.parametrize(
    ("shell", "expected"),
    [
        ('["/bin/bash", "-euxo", "pipefail", "-c"]', ["a"]),
        ('["conda", "run", "-n", "other", "/bin/bash", "-c"]', []),
        ('["/bin/bash", "-nc"]', []),
    ],
)
def test_the_shell_decides_about_commands(shell: str, expected: list[str]) -> None:
    assert entries(f"FROM x\nSHELL {shell}\nRUN pip install a") == expected


def test_the_reason_says_that_a_command_may_not_run() -> None:
    left_out = result("FROM a\nRUN false && pip install b; true\n").left_out
    assert any(each.why.startswith("it may not run") for each in left_out)
