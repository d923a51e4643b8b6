import os
from pathlib import Path

import jsonschema
import pytest

from orbiter.config.mistakes import ConfigError
from orbiter.config.network_profile import json_schema, read_settings
from orbiter.config.toml_file import parse
from tests.support.paths import ROOT

COMPLETE = """
[network]
proxy = "http://ada:secret@proxy.example.org:3128"
no-proxy = ["example.org", ".lab.example", "10.0.0.1"]
ca-bundle = "/etc/company.pem"
archive = "oci://registry.example.org/team/archive"

[network.mirrors]
pip = "https://pypi.example.org/simple"
npm = "https://npm.example.org/"
"""


def write(folder: Path, text: str, name: str = "config.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_settings([write(folder, text)])
    return str(caught.value).replace(f"{folder}/", "")


def test_every_key_becomes_a_setting(tmp_path: Path) -> None:
    path = write(tmp_path, COMPLETE)
    settings = read_settings([path])
    assert {key: setting.value for key, setting in settings.items()} == {
        "proxy": "http://ada:secret@proxy.example.org:3128",
        "no-proxy": "example.org,.example.org,.lab.example,10.0.0.1",
        "ca-bundle": "/etc/company.pem",
        "archive": "oci://registry.example.org/team/archive",
        "mirrors.pip": "https://pypi.example.org/simple",
        "mirrors.npm": "https://npm.example.org/",
    }
    assert settings["mirrors.pip"].origin == f"mirrors.pip in {path}"


def test_a_later_file_overrides_single_keys(tmp_path: Path) -> None:
    machine = write(tmp_path, COMPLETE, "machine.toml")
    user = write(tmp_path, '[network.mirrors]\npip = "https://own.example.org/simple"\n')
    merged = read_settings([machine, user])
    assert merged["mirrors.pip"].value == "https://own.example.org/simple"
    assert merged["mirrors.pip"].origin == f"mirrors.pip in {user}"
    assert merged["mirrors.npm"].origin == f"mirrors.npm in {machine}"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[network]\nproxy = ""', "proxy"),
        ("[network]\nno-proxy = []", "no-proxy"),
        ('[network.mirrors]\npip = ""', "mirrors.pip"),
    ],
)
def test_an_empty_value_removes_the_key_of_an_earlier_file(
    tmp_path: Path, text: str, key: str
) -> None:
    machine = write(tmp_path, COMPLETE, "machine.toml")
    user = write(tmp_path, text)
    assert read_settings([machine]).keys() - read_settings([machine, user]).keys() == {key}


def test_a_path_below_the_home_folder_is_expanded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    settings = read_settings([write(tmp_path, '[network]\nca-bundle = "~/company.pem"')])
    assert settings["ca-bundle"].value == "/home/ada/company.pem"


def test_a_user_may_have_no_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 2)  # an account that no system has
    settings = read_settings([write(tmp_path, '[network]\nca-bundle = "~/company.pem"')])
    assert settings["ca-bundle"].value == "~/company.pem"


@pytest.mark.parametrize("written", ["{home}/certificates", "~/certificates"])
def test_a_folder_of_certificates_is_refused(
    written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = written.format(home=tmp_path)
    text = f'[network]\nca-bundle = "{path}"'
    assert read_settings([write(tmp_path, text)])  # the path may exist only later
    (tmp_path / "certificates").mkdir()
    with pytest.raises(ConfigError) as caught:
        read_settings([write(tmp_path, text)])
    expected = f"config.toml:2: network.ca-bundle: '{path}' is a folder, which npm and git do not"
    assert expected in caught.value.message
    assert "cat FOLDER/*.pem > FILE" in caught.value.hint


@pytest.mark.parametrize("name", ["docker.io", "localhost", "registry:5000"])
def test_a_registry_has_a_dot_or_a_port(tmp_path: Path, name: str) -> None:
    text = f'[network.registries]\n"{name}" = "registry/hub"'
    assert read_settings([write(tmp_path, text)])[f"registries.{name}"].value == "registry/hub"


def test_an_empty_file_sets_nothing(tmp_path: Path) -> None:
    assert read_settings([write(tmp_path, "")]) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[network]\nca-bundel = "/a"', "config.toml:2: network.ca-bundel: unknown key"),
        ('[netwrok]\nproxy = "http://a"', "config.toml:1: netwrok: unknown key"),
        ('[network]\npip = "https://a"', "config.toml:2: network.pip: unknown key"),
        ('[network]\nproxy = "proxy:3128"', "network.proxy: is not valid; expected an http or"),
        ('[network]\nproxy = "http://a b"', "network.proxy: is not valid"),
        ('[network]\nproxy = "http://"', "network.proxy: is not valid"),
        ('[network]\nproxy = "https://:3128"', "network.proxy: is not valid"),
        ("[network]\nproxy = 3128", "network.proxy: is a whole number; expected a string"),
        ('[network]\nno-proxy = "a"', "network.no-proxy: is a string in quotes; expected a list"),
        ('[network]\nno-proxy = ["a b"]', 'config.toml:2: network.no-proxy[0]: "a b" is not valid'),
        ('[network]\nno-proxy = ["[::1"]', 'network.no-proxy[0]: "[::1" is not valid'),
        ('[network]\nca-bundle = "a.pem"', "'a.pem' is not valid; expected an absolute path"),
        ('[network]\narchive = "kept"', "network.archive: 'kept' is not valid"),
        (
            '[network.mirrors]\nnpm = "npm.example.org"',
            "config.toml:2: network.mirrors.npm: is not",
        ),
        (
            '[network.registries]\nhub = "registry.example.org"',
            "expected a registry, such as docker",
        ),
        ('[network.registries]\n"index.docker.io" = "a"', "is not the name of Docker Hub"),
        ('[network.mirrors]\nconda = "https://ada@a"', "network.mirrors.conda: contains a login"),
        ("[network", "config.toml: line 1, column 9"),
    ],
)
def test_a_mistake_has_its_line_and_key(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in mistakes(tmp_path, text)


@pytest.mark.parametrize(
    "value",
    [
        '"ada:secret@proxy:3128"',
        '"http://ada:secret@proxy\\u200b"',
        '"ftp://ada:secret@proxy"',
        '"http://ada:secret#@proxy"',
    ],
)
def test_no_mistake_shows_a_password(tmp_path: Path, value: str) -> None:
    text = f"[network]\nproxy = {value}\nmirrors.pip = {value}\narchive = {value}"
    assert "network.proxy" in mistakes(tmp_path, text)
    assert "secret" not in mistakes(tmp_path, text)


def test_hints_name_near_keys_and_tables(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings([write(tmp_path, '[network]\nproxi = "http://a"\npip = ""\nx = ""')])
    assert caught.value.hint.splitlines() == [
        "network.proxi: did you mean 'proxy'?",
        "  network.pip: 'pip' belongs to [network.mirrors]",
        "  network.x: `orbiter schema config.toml` describes every key",
    ]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (
            '[network.registries]\ndocker.io = "registry.example.org/hub"',
            'put a name with dots in quotes: "docker.io" = …',
        ),
        (
            '[network.registries]\nregistry.example.org = "mirror.example.org"',
            'put a name with dots in quotes: "registry.example.org" = …',
        ),
        (
            '[network]\nproxy = { http = "http://a" }',
            'put it in quotes, as in proxy = "http://proxy.example.org:3128"',
        ),
    ],
)
def test_names_with_dots_need_quotes(tmp_path: Path, text: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=r"is a table; expected a string in quotes") as caught:
        read_settings([write(tmp_path, text)])
    assert caught.value.hint == hint


def test_the_schema_accepts_the_complete_file(tmp_path: Path) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    assert validator.is_valid(parse(COMPLETE, tmp_path))
    assert not validator.is_valid({"network": {"proxi": "http://a"}})


def test_the_reference_has_every_key() -> None:
    page = (ROOT / "docs/reference/config-toml.md").read_text(encoding="utf-8")
    tables = json_schema()["$defs"]
    keys = [*tables["NetworkTable"]["properties"], *tables["MirrorsTable"]["properties"]]
    assert {key for key in keys if f"| `{key}` |" not in page} == {"mirrors", "registries"}
