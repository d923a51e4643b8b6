"""Import of Dockerfiles: certain installs are added, and every other line is listed.

The Dockerfiles are composed by Docker's reference, because the data has none that people wrote.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from orbiter.config.read import read_image_set
from orbiter.convert.dockerfile.shell import commands
from resolvers import uv_program
from tests.support.imports import Imported, import_text

NOTEBOOK = r"""# syntax=docker/dockerfile:1
ARG VERSION=2.1
FROM python:3.11-slim AS tools
RUN apt-get update && apt-get install -y not-in-image

FROM debian:trixie-slim AS base
ENV DEBIAN_FRONTEND=noninteractive TOOL="tree"
ARG VERSION=2.1
ARG SECRET
# a comment
RUN apt-get update -qq && \
    # another one
    apt-get install --yes --no-install-recommends \
      git "libxml2" $TOOL \
      curl=8.* > /dev/null && \
    rm -rf /var/lib/apt/lists/*

FROM base
RUN --mount=type=cache,target=/root/.cache python3 -m pip install --no-cache-dir "numpy>=2,<3" \
    pandas==${VERSION} six && pip cache purge
RUN ["pip", "install", "idna"]
RUN <<EOF
set -e
/opt/conda/bin/pip install attrs   # for charts
npm install -g d3@^7 @types/node
EOF
RUN pip install $SECRET && pip install certain
RUN if [ -n "$X" ]; then apt-get install -y conditional; fi
RUN apt-get install -y either || true
RUN pip install -r requirements.txt --index-url https://user:hush@example.org/simple
RUN pip install ./local git+https://example.org/lab/tools.git@v1#egg=tools
RUN pip install $(cat list.txt)
RUN curl -L https://example.org/install.sh | sh
RUN python3 <<EOF
print("x")
EOF
COPY . /srv
USER jovyan
CMD ["jupyter", "lab"]
"""
CONDA = """\
FROM mambaorg/micromamba:2
RUN micromamba install -y -n base -c conda-forge -c bioconda python=3.12 'numpy>=2' && \\
    micromamba clean --all --yes
RUN conda env update -f environment.yml
"""


def imported(folder: Path, text: str, *words: str) -> Imported:
    done = import_text(folder, "Dockerfile", text, *words)
    assert done.code == 0, done.err
    read_image_set(folder / "images.toml")
    return done


def test_certain_installs_are_added(tmp_path: Path) -> None:
    done = imported(tmp_path, NOTEBOOK)
    apt = ["libxml2", "tree", "curl=8.*"]
    assert [name for name in done.entries("apt") if name in apt] == apt
    assert done.entries("pip") == [
        "numpy>=2,<3",
        "pandas==2.1",
        "six",
        "idna",
        "attrs",
        "certain",
        "tools @ git+https://example.org/lab/tools.git@v1",
    ]
    assert done.entries("npm") == ["d3@^7", "@types/node"]


def test_all_else_is_listed_with_its_line(tmp_path: Path) -> None:
    done = imported(tmp_path, NOTEBOOK)
    for line, what in (
        (2, "ARG VERSION"),
        (3, "FROM python:3.11-slim AS tools"),
        (4, "RUN apt-get update && apt-get install -y not-in-image"),
        (6, "FROM debian:trixie-slim"),
        (7, "ENV DEBIAN_FRONTEND, TOOL"),
        (9, "ARG SECRET"),
        (11, "apt-get update -qq"),
        (11, "rm -rf /var/lib/apt/lists/*"),
        (19, "pip cache purge"),
        (27, "pip install $SECRET"),
        (28, 'if [ -n "$X" ]; then apt-get install -y conditional; fi'),
        (29, "apt-get install -y either"),
        (30, "-r requirements.txt"),
        (30, "--index-url"),
        (31, "./local"),
        (32, "pip install $(cat list.txt)"),
        (33, "curl -L https://example.org/install.sh | sh"),
        (34, "python3"),
        (37, "COPY . /srv"),
        (38, "USER jovyan"),
        (39, "CMD "),
    ):
        assert f"left out: Dockerfile:{line}: '{what}" in done.err, (line, what, done.err)
    for word in ("not-in-image", "conditional", "either", "hush", "noninteractive"):
        assert word not in (tmp_path / "images.toml").read_text()
    assert "hush" not in done.err
    assert "noninteractive" not in done.err


def test_conda_packages_bring_their_channels(tmp_path: Path) -> None:
    done = imported(tmp_path, CONDA)
    assert done.entries("conda") == ["python=3.12", "numpy>=2"]
    assert done.data["builder"]["micromamba"]["channels"] == ["conda-forge", "bioconda"]
    assert "left out: Dockerfile:4: 'conda env update -f environment.yml'" in done.err


def test_alpine_and_python_images_decide_about_the_builder(tmp_path: Path) -> None:
    done = imported(tmp_path, "FROM alpine:3.23\nRUN apk add --no-cache jq\n")
    assert "jq" in done.entries("apk")
    (tmp_path / "images.toml").unlink()
    done = imported(tmp_path, "from python:3.11-slim\nrun pip install six\n")
    assert done.data["builder"]["debian"]["from"] == "python:3.11-slim"


def test_another_escape_character_is_known(tmp_path: Path) -> None:
    text = "# escape=`\nFROM debian\nRUN pip install six `\n  idna\n"
    assert imported(tmp_path, text).entries("pip") == ["six", "idna"]


@pytest.mark.index
def test_another_parser_finds_no_other_instruction(tmp_path: Path) -> None:
    """dockerfile-parse knows no here-documents, so this text has none."""
    text = "".join(
        f"{line}\n"
        for line in NOTEBOOK.splitlines()
        if "EOF" not in line and not line.startswith(("/opt", "npm", "print", "set "))
    )
    done = imported(tmp_path, text)
    code = "import sys, json, dockerfile_parse as d; p = d.DockerfileParser(sys.argv[1])\n"
    code += "print(json.dumps(p.structure))"
    words = ("run", "--quiet", "--no-project", "--with", "dockerfile-parse", "python", "-c", code)
    command: list[str | Path] = [uv_program.program(), *words, tmp_path / "Dockerfile"]
    environment = {**os.environ, **uv_program.environment()}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    entries = [text for manager in ("apt", "pip", "npm") for text in done.entries(manager)]
    for each in json.loads(found.stdout):
        is_listed = f"Dockerfile:{each['startline'] + 1}: " in done.err
        is_added = any(entry in each["value"] for entry in entries)
        assert is_listed or is_added or each["instruction"] == "COMMENT", each


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("a b && c", [("a", "b"), ("c",)]),
        ("a 'b  c' \"d $X e\" f\\ g", [("a", "b  c", "d 1 e", "f g")]),
        ("a >x 2>&1 b; c # d", [("a", "b"), ("c",)]),
        ("a#b", [("a#b",)]),
    ],
)
def test_simple_commands_are_certain(code: str, expected: list[tuple[str, ...]]) -> None:
    found = commands(code, {"X": "1"})
    assert [each.words for each in found] == expected
    assert all(each.is_certain for each in found)


@pytest.mark.parametrize(
    "code",
    [
        "a $Y",
        "a `b`",
        "a $(b)",
        "a | b",
        "a || b",
        "a &",
        "(a)",
        "{ a; }",
        "if a; then b; fi",
        "[ a ] && b; c",
        "a 'b",
        'a "b',
        "a <b",
        "! a",
        "a ${X:-b}",
        "a $Z",
    ],
)
def test_everything_else_is_not_certain(code: str) -> None:
    assert not any(each.is_certain for each in commands(code, {"Z": "b c"}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "RUN pip install six\n",
        "FROM a\n",
        "FROM\n",
        "FROM a\nRUN\n",
        "FROM a\nRUN [\n",
        "FROM a\nRUN <<EOF\nb",
        "FROM a\nRUN " + "$(" * 50_000,
        "FROM a\nRUN " + "\\\n" * 50_000,
        "FROM a\nRUN " + '"' * 50_001,
        "FROM a\nRUN " + "<<A" * 50_000,
        "FROM a\nRUN " + "[" * 50_000,
        "FROM a\nENV " + "a='" * 50_000,
        "FROM a\nRUN apt-get " + "-a " * 50_000,
        "#\n" * 50_000 + "FROM a\n" + "#\n\n" * 50_000,
        "FROM a AS b\nFROM b AS a\nFROM a\n",
    ],
    ids=range(16),
)
def test_wrong_and_hostile_files_install_nothing(tmp_path: Path, text: str) -> None:
    done = import_text(tmp_path, "Dockerfile", text)
    assert (done.code, done.data) == (2, {})
