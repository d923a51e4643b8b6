"""The package repositories of images.toml, with their keys."""

import base64
from pathlib import Path

import pytest

from orbiter.config.changes import changed_keys
from orbiter.config.image_set import ImageSet
from orbiter.config.mistakes import ConfigError
from orbiter.config.read import read_image_set
from orbiter.config.repositories import used_repositories
from orbiter.config.snapshot import dump, load
from orbiter.lockset.own_files import kept_files
from tests.support.apt_repository import fingerprint, private_key, public_key

IMAGES = """
version = "0.1.0"
repository = "example/notebooks"

[apt-repository.own]
url = "https://packages.example.org/debian/"
suite = "trixie"
key-file = "keys/own.asc"

[builder.debian]
from = "debian:trixie-slim"
apt-repositories = ["own"]

[image.debian.core]
apt = ["git"]
"""


def read(folder: Path, *changes: tuple[str, str]) -> ImageSet:
    text = IMAGES
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "images.toml").write_text(text)
    return read_image_set(folder / "images.toml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/own.asc").write_bytes(public_key())
    (tmp_path / "keys/own.gpg").write_bytes(public_key(armored=False))
    return tmp_path


def test_a_repository_has_its_key_in_the_lock_set(folder: Path) -> None:
    image_set = read(folder)
    assert image_set.apt_repositories
    own = image_set.apt_repositories["own"]
    assert (own.url, own.components) == ("https://packages.example.org/debian", ("main",))
    assert own.key
    assert kept_files(image_set) == {f"files/{own.key.sha256}": own.key}
    assert load(dump(image_set)) == image_set


def test_each_edit_of_a_repository_is_a_change(folder: Path) -> None:
    before = read(folder)

    def changes(*edits: tuple[str, str]) -> tuple[str, ...]:
        return changed_keys(before, read(folder, *edits))

    path = "apt-repository.own"
    assert changes(("example.org", "example.com")) == (
        f"{path}.url: https://packages.example.org/debian -> https://packages.example.com/debian",
    )
    assert changes(('suite = "trixie"', 'suite = "sid"\ncomponents = ["main", "a"]')) == (
        f"{path}.suite: trixie -> sid",
        f"{path}.components: main -> main, a",
    )
    assert changes(('suite = "trixie"', 'suite = "trixie/"')) == (
        f"{path}.suite: trixie -> trixie/",
        f"{path}.components: main -> (none)",
    )
    assert changes(("own.asc", "own.gpg")) == (f"{path}.key-file: keys/own.asc -> keys/own.gpg",)
    words = " ".join(fingerprint()[start : start + 4] for start in range(0, 40, 4))
    assert changes(('key-file = "keys/own.asc"', f'fingerprint = "{words.lower()}"')) == (
        f"{path}.key-file: keys/own.asc -> (none)",
        f"{path}.fingerprint: (none) -> {fingerprint()}",
    )
    assert changes(('apt-repositories = ["own"]\n', "")) == (
        "builder.debian.apt-repositories: own removed",
    )
    (folder / "keys/own.asc").write_bytes(public_key("other"))
    assert changes() == (f"{path}.key-file: content of keys/own.asc changed",)


MISTAKES = {
    "private": (("own.asc", "secret.asc"), "key-file: contains a private key"),
    "no key": (("own.asc", "text.asc"), "key-file: is not an OpenPGP public key"),
    "large": (("own.asc", "large.asc"), "key-file: 'keys/large.asc' is larger than 64 KiB"),
    "missing": (("own.asc", "none.asc"), "key-file: 'keys/none.asc' does not exist"),
    "folder": (("keys/own.asc", "keys"), "key-file: 'keys' is not a regular file"),
    "outside": (("keys/own.asc", "../own.asc"), "key-file: '../own.asc' contains .."),
    "password": (("packages.", "me:secret@packages."), "url: contains credentials"),
    "scheme": (("https:", "ftp:"), "url: is not the address of a repository"),
    "port": (("org/", "org:99999/"), "url: is not the address of a repository"),
    "blank": (("org/", "org/ sid main "), "url: is not the address of a repository"),
    "without key": (('key-file = "keys/own.asc"\n', ""), "url: needs the key that signs"),
    "without url": (
        ('url = "https://packages.example.org/debian/"\n', ""),
        "key-file: needs a url",
    ),
    "both": (
        ('suite = "trixie"', f'suite = "trixie"\nfingerprint = "{"A" * 40}"'),
        "fingerprint: contradicts key-file",
    ),
    "flat": (
        ('suite = "trixie"', 'suite = "./"\ncomponents = ["main"]'),
        "components: is not possible in the folder './'",
    ),
    "suite": (('suite = "trixie"', 'suite = "trixie main"'), "suite: "),
    "unknown": (('["own"]', '["owm"]'), "unknown repository 'owm'"),
    "alpine": (
        ("[builder.debian]", '[builder.alpine]\nfrom = "alpine:3.23"\n'
         'apt-repositories = ["own"]\n[image.alpine.core]\n[builder.debian]'),
        "builder.alpine.apt-repositories: has no effect",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_names_the_key_and_shows_no_password(
    folder: Path, edit: tuple[str, str], message: str
) -> None:
    (folder / "keys/secret.asc").write_bytes(private_key())
    (folder / "keys/text.asc").write_text("key")
    (folder / "keys/large.asc").write_bytes(public_key() + b" " * 70000)
    with pytest.raises(ConfigError) as error:
        read(folder, edit)
    assert message in str(error.value)
    assert "secret@" not in str(error.value)


ALPINE = """
version = "0.1.0"
repository = "example/notebooks"

[apk-repository.lab]
url = "https://packages.example.org/v3.23/lab"
key-file = "keys/lab.rsa.pub"

[apk-repository.unused]
url = "https://packages.example.org/v3.23/unused"
key-file = "keys/lab.rsa.pub"

[builder.alpine]
from = "alpine:3.23"

[image.alpine.core]
apk = ["tool@lab=2-r0", "git"]
"""
RSA = "-----BEGIN PUBLIC KEY-----\nTUlJQg==\n-----END PUBLIC KEY-----\n"


def read_alpine(folder: Path, *changes: tuple[str, str]) -> ImageSet:
    text = ALPINE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "keys/lab.rsa.pub").write_text(RSA)
    (folder / "keys/lab.rsa").write_text(RSA.replace("PUBLIC", "PRIVATE"))
    (folder / "keys/a b.pub").write_text(RSA)
    (folder / "images.toml").write_text(text)
    return read_image_set(folder / "images.toml")


def test_a_tag_names_an_apk_repository(folder: Path) -> None:
    image_set = read_alpine(folder)
    assert load(dump(image_set)) == image_set
    used = used_repositories(image_set, image_set.builders["alpine"], "apk")
    assert {name: (each.tag, each.key_name) for name, each in used.items()} == {
        "lab": ("lab", "lab.rsa.pub")
    }
    tagged = read_alpine(
        folder, ("v3.23/lab", "v3.23/new"), ("lab]\n", 'lab]\ntag = "t"\n'), ("@lab", "@t")
    )
    assert changed_keys(image_set, tagged) == (
        "apk-repository.lab.url: https://packages.example.org/v3.23/lab"
        " -> https://packages.example.org/v3.23/new",
        "apk-repository.lab.tag: lab -> t",
        "image.alpine.core.apk: tool@lab=2-r0 -> tool@t=2-r0",
    )


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (("@lab", "@lob"), "unknown tag 'lob'"),
        (("unused]\n", 'unused]\ntag = "lab"\n'), "'lab' is also the tag of [apk-repository.lab]"),
        (("lab.rsa.pub", "lab.rsa"), "key-file: contains a private key"),
        (("lab.rsa.pub", "own.asc"), "key-file: is not a public key of apk"),
        (("lab.rsa.pub", "a b.pub"), "key-file: has an unusual file name"),
        (("https://", "https://me:secret@"), "url: contains credentials"),
    ],
)
def test_a_mistake_in_an_apk_repository_is_reported(
    folder: Path, edit: tuple[str, str], message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        read_alpine(folder, edit)
    assert message in str(error.value)
    assert "secret@" not in str(error.value)


def test_a_binary_private_key_is_recognised(folder: Path) -> None:
    armored = private_key().decode().partition("\n\n")[2].partition("\n=")[0]
    (folder / "keys/own.asc").write_bytes(base64.b64decode("".join(armored.split())))
    with pytest.raises(ConfigError, match="contains a private key"):
        read(folder)
