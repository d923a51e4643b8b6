"""The network profile: the format of its files, and the settings that they make together.

It says how this machine reaches servers. Nothing of it is stored in a lock set.
"""

import os.path
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from orbiter.config.decode import decode
from orbiter.config.mistakes import ConfigError, Mistake, Mistakes, key_path
from orbiter.config.toml_file import parse, read_text, with_lines
from resolvers.net.addresses import is_url
from resolvers.net.profile import Setting, Settings

SCHEMA_HINT = "`orbiter schema config.toml` describes every key"
WEB = ("http://", "https://")
ADDRESS_HINT = "write http://HOST or https://HOST, and % escapes in a password"
HUB_HOSTS = frozenset({"index.docker.io", "registry-1.docker.io"})
HOST = r"[A-Za-z0-9.-]+(:[0-9]+)?"

Address = Annotated[str, Meta(extra={"expected": "an http or https address"})]
HostPattern = Annotated[
    str,
    Meta(
        pattern=r"^[^\s,@/\[\]]+$",
        examples=[".example.org"],
        extra={"expected": "a host, such as .example.org"},
    ),
]
RegistryName = Annotated[
    str,
    # As in a reference of an image, where a word without a dot or a port belongs to Docker Hub.
    Meta(
        pattern=f"^(localhost|(?=.*[.:]){HOST})$",
        extra={"expected": "a registry, such as docker.io"},
    ),
]
RegistryMirror = Annotated[
    str,
    Meta(
        pattern=f"^{HOST}(/[a-z0-9._-]+)*$",
        examples=["registry.example.org/hub"],
        extra={"expected": "a registry with an optional path, without a scheme"},
    ),
]


class MirrorsTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Servers that have the packages of a manager."""

    pip: Annotated[
        Address,
        Meta(
            description="The Python package index, like `index-url` of pip.",
            examples=["https://pypi.example.org/simple"],
        ),
    ] = ""
    npm: Annotated[
        Address,
        Meta(
            description="The npm registry, like `registry` of npm.",
            examples=["https://npm.example.org/"],
        ),
    ] = ""
    conda: Annotated[
        Address,
        Meta(
            description="The server of the conda channels that images.toml names without an "
            "address.",
            examples=["https://conda.example.org"],
        ),
    ] = ""
    apt: Annotated[
        Address,
        Meta(
            description="The mirror of Debian packages, in place of sources of base images that "
            "end in /debian.",
            examples=["https://mirror.example.org/debian"],
        ),
    ] = ""
    apt_security: Annotated[
        Address,
        Meta(
            description="The mirror of Debian's security updates, in place of sources of base "
            "images that end in /debian-security.",
            examples=["https://mirror.example.org/debian-security"],
        ),
    ] = ""
    apk: Annotated[
        Address,
        Meta(
            description="The mirror of Alpine packages, in place of the part before the release "
            "in repositories of base images below /alpine.",
            examples=["https://mirror.example.org/alpine"],
        ),
    ] = ""


class NetworkTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """The network of this machine."""

    proxy: Annotated[
        Address,
        Meta(
            description="The proxy for http and https. It may contain a user and a password.",
            examples=["http://proxy.example.org:3128"],
        ),
    ] = ""
    no_proxy: Annotated[
        tuple[HostPattern, ...],
        Meta(
            description="Hosts that need no proxy. A name also means the hosts below it.",
            examples=[["example.org"]],
        ),
    ] = ()
    ca_bundle: Annotated[
        str,
        Meta(
            description="A file of PEM certificates to trust instead of those of the system.",
            examples=["/etc/ssl/certs/ca-certificates.crt"],
            extra={"expected": "an absolute path, or one below ~/"},
        ),
    ] = ""
    archive: Annotated[
        str,
        Meta(
            description="An archive that is tried before all other sources of files.",
            examples=["oci://registry.example.org/team/archive"],
            extra={"expected": "oci://…, an absolute path, or one below ~/"},
        ),
    ] = ""
    mirrors: Annotated[
        MirrorsTable, Meta(description="Servers that have the packages of a manager.")
    ] = MirrorsTable()
    registries: Annotated[
        dict[RegistryName, RegistryMirror],
        Meta(
            description="Mirrors of registries with base images, by the registry.",
            examples=[{"docker.io": "registry.example.org/hub"}],
        ),
    ] = {}


class ProfileFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """The configuration of Orbiter on a machine."""

    network: Annotated[NetworkTable, Meta(description="The network of this machine.")] = (
        NetworkTable()
    )


def read_settings(files: Sequence[Path]) -> dict[str, Setting]:
    """Return the settings of several files; later files override single keys of earlier ones.

    An empty value removes the key of earlier files. Raises ConfigError with all mistakes of a file.
    """
    settings: dict[str, Setting] = {}
    for path in files:
        settings |= _read(path)
    return {key: setting for key, setting in settings.items() if setting.value}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of config.toml, for editors."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "config.toml"}
    return dialect | msgspec.json.schema(ProfileFile)


def _read(path: Path) -> Settings:
    text = read_text(path, "create it, or correct ORBITER_CONFIG_FILE")
    mistakes = Mistakes(keys_hint=SCHEMA_HINT, tables=_tables())
    document = parse(text, path, SCHEMA_HINT)
    network = decode(ProfileFile, document, mistakes).network
    _check(network, mistakes)
    if mistakes.all:
        raise ConfigError(str(path), tuple(map(_without_secrets, with_lines(mistakes.all, text))))
    values = _values(network)
    written = _written(document.get("network", {}))
    return {key: Setting(values[key], f"{key} in {path}") for key in written}


def _tables() -> dict[str, str]:
    """Return the table that each key belongs to, as a hint shows it."""
    network = dict.fromkeys(_keys(NetworkTable), "[network]")
    return {**network, **dict.fromkeys(_keys(MirrorsTable), "[network.mirrors]")}


def _keys(table: type[Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(table)]


def _written(table: Mapping[str, Any], start: str = "") -> Iterator[str]:
    """Yield the keys that a file sets, even to an empty value."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _written(value, f"{start}{key}.")
        else:
            yield f"{start}{key}"


def _values(network: NetworkTable) -> dict[str, str]:
    """Return the values of all keys as variables of the environment have them."""
    mirrors = msgspec.to_builtins(network.mirrors)
    return {
        "proxy": network.proxy,
        "no-proxy": ",".join(chain.from_iterable(map(_with_hosts_below, network.no_proxy))),
        "ca-bundle": _expand(network.ca_bundle),
        "archive": _expand(network.archive),
        **{f"mirrors.{manager}": address for manager, address in mirrors.items()},
        **{f"registries.{name}": mirror for name, mirror in network.registries.items()},
    }


def _with_hosts_below(host: str) -> tuple[str, ...]:
    """Return a host, and the form of it that means the hosts below it for apt and others."""
    is_name = host[-1].isalpha() and not host.startswith(".")
    return (host, f".{host}") if is_name else (host,)


def _expand(path: str) -> str:
    # Path.expanduser fails for a user without a home folder.
    return os.path.expanduser(path) if path.startswith("~/") else path  # noqa: PTH111


def _check(network: NetworkTable, mistakes: Mistakes) -> None:
    """Add the mistakes that depend on more than the type of a value."""
    table = "network"
    _check_address(key_path(table, "proxy"), network.proxy, mistakes)
    for manager, address in msgspec.to_builtins(network.mirrors).items():
        _check_address(key_path(f"{table}.mirrors", manager), address, mistakes)
    _check_login(key_path(f"{table}.mirrors", "conda"), network.mirrors.conda, mistakes)
    for name in HUB_HOSTS & network.registries.keys():
        key, problem = key_path(f"{table}.registries", name), "is not the name of Docker Hub"
        mistakes.add(key, problem, hint='write "docker.io", as in the names of its images')
    _check_path(key_path(table, "ca-bundle"), network.ca_bundle, mistakes)
    _check_file(key_path(table, "ca-bundle"), network.ca_bundle, mistakes)
    if not network.archive.startswith("oci://"):
        _check_path(key_path(table, "archive"), network.archive, mistakes)


def _check_address(key: str, address: str, mistakes: Mistakes) -> None:
    if address and not _is_web_address(address):
        # Without the value, which may contain a password.
        problem, expected = "is not valid", "an http or https address"
        mistakes.add(key, problem, expected=expected, hint=ADDRESS_HINT)


def _is_web_address(address: str) -> bool:
    if not address.startswith(WEB) or " " in address or not is_url(address):
        return False
    return bool(urlsplit(address).hostname)


def _check_login(key: str, address: str, mistakes: Mistakes) -> None:
    if _is_web_address(address) and urlsplit(address).username is not None:
        problem = "contains a login, which rattler does not send to a mirror"
        mistakes.add(key, problem, hint="name a mirror that needs no login")


def _check_path(key: str, path: str, mistakes: Mistakes) -> None:
    # Commands run in different folders.
    if path and not path.startswith(("/", "~/")):
        mistakes.add(
            key,
            f"'{path}' is not valid",
            expected="an absolute path, or one below ~/",
            hint="write the path from /",
        )


def _check_file(key: str, path: str, mistakes: Mistakes) -> None:
    """Refuse a folder of certificates, which npm and git do not read."""
    # Path.is_dir fails for a path that this user may not look up.
    if path and os.path.isdir(_expand(path)):  # noqa: PTH112
        mistakes.add(
            key,
            f"'{path}' is a folder, which npm and git do not read",
            expected="a file of PEM certificates",
            hint="write its certificates into one file (cat FOLDER/*.pem > FILE), and name that",
        )


def _without_secrets(mistake: Mistake) -> Mistake:
    """Return a mistake without its value if that may contain a password."""
    if "@" not in mistake.problem:
        return mistake
    return msgspec.structs.replace(mistake, problem="is not valid")
