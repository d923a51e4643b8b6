"""Downloads in images.toml: read, every mistake with its line, and reported when they change."""

from pathlib import Path

import msgspec
import pytest

from orbiter.config.changes import changed_keys
from orbiter.config.image_set import Download, ImageSet
from orbiter.config.mistakes import ConfigError
from orbiter.config.read import read_image_set
from orbiter.config.snapshot import dump, load
from orbiter.lockset.inputs import inputs_digest, package_addresses
from orbiter.lockset.model import BuilderFacts
from resolvers.errors import ExpectedError

HEAD = """version = "0.1.0"
repository = "orbiter-test/example"
platforms = ["linux/amd64", "linux/arm64"]
[builder.debian]
from = "debian:trixie-slim"
[image.debian.core]
"""
HASH = "ab" * 32
TOOL = '{ url = "https://example.org/tool", to = "/opt/" }'


def read(place: Path, entries: str) -> ImageSet:
    text = f"{HEAD}downloads = [{entries}]\n"
    (place / "images.toml").write_text(text, encoding="utf-8")
    return read_image_set(place / "images.toml")


def downloads(image_set: ImageSet) -> tuple[Download, ...]:
    (stage,) = image_set.stages
    return stage.downloads or ()


def test_files_archives_and_platforms(tmp_path: Path) -> None:
    arm = f'"linux/arm64" = {{ url = "http://e.org/y@1.tgz", sha256 = "{HASH}" }}'
    found = read(
        tmp_path,
        '{ url = "https://example.org/a%2Bb?raw=1", to = "/opt/", mode = "755" }, '
        '{ url = "http://127.0.0.1:1/x.tgz", to = "/opt/x/", unpack = true, strip = 1, '
        f"platforms = {{ {arm} }} }}",
    )
    plain, archive = downloads(found)
    assert {file.target for file in plain.platforms.values()} == {"/opt/a+b"}
    assert plain.mode == "0755"
    assert (archive.unpack, archive.strip) == (True, 1)
    assert {name: (file.url, file.target) for name, file in archive.platforms.items()} == {
        "linux/amd64": ("http://127.0.0.1:1/x.tgz", "/opt/x"),
        "linux/arm64": ("http://e.org/y@1.tgz", "/opt/x"),
    }
    assert load(dump(found)) == found


def test_a_package_without_a_target_is_installed(tmp_path: Path) -> None:
    arm = '"linux/arm64" = { url = "https://e.org/arm.deb?x=1" }'
    entry = f'{{ url = "https://e.org/tool.deb", platforms = {{ {arm} }} }}'
    image_set = read(tmp_path, entry)
    (download,) = downloads(image_set)
    assert download.is_package
    assert package_addresses(image_set, "debian") == [
        ("debian-core", "linux/amd64", "https://e.org/tool.deb"),
        ("debian-core", "linux/arm64", "https://e.org/arm.deb?x=1"),
    ]
    assert load(dump(image_set)) == image_set
    (placed,) = downloads(read(tmp_path, entry.replace("{ url", '{ to = "/opt/", url', 1)))
    assert not placed.is_package
    text = (tmp_path / "images.toml").read_text().replace("debian", "alpine")
    (tmp_path / "images.toml").write_text(text.replace('to = "/opt/", ', ""))
    with pytest.raises(ConfigError, match="is a package of Debian, which the builder"):
        read_image_set(tmp_path / "images.toml")


def test_a_package_changes_the_inputs_of_apt_alone(tmp_path: Path) -> None:
    def inputs(entries: str, manager: str = "apt") -> str:
        image_set = read(tmp_path, entries)
        return inputs_digest(image_set, image_set.builders["debian"], manager, BuilderFacts(), {})

    assert inputs(TOOL) == inputs("") == ""
    first = inputs('{ url = "https://e.org/1.deb" }')
    assert first not in {"", inputs('{ url = "https://e.org/2.deb" }')}
    assert inputs('{ url = "https://e.org/1.deb" }', "pip") == ""


@pytest.mark.parametrize(
    "key", ['debconf = ["tool tool/port select 1"]', "recommends = true", 'normalize = ["true"]']
)
def test_the_keys_of_apt_apply_to_a_downloaded_package(tmp_path: Path, key: str) -> None:
    text = f'{HEAD}{key}\ndownloads = [{{ url = "https://e.org/tool.deb" }}]\n'
    (tmp_path / "images.toml").write_text(text, encoding="utf-8")
    (stage,) = read_image_set(tmp_path / "images.toml").stages
    assert getattr(stage, key.partition(" ")[0])


def test_a_stage_without_downloads_has_no_new_key(tmp_path: Path) -> None:
    assert "downloads" not in dump(read(tmp_path, ""))


@pytest.mark.parametrize(
    ("entry", "key", "problem"),
    [
        ('{ url = "https://u:p@example.org/x", to = "/opt/" }', ".url", "contains credentials"),
        ('{ url = "https://example.org/${T}", to = "/opt/" }', ".url", "contains credentials"),
        ('{ url = "https://example.org/x?sig=abc", to = "/o" }', ".url", "contains a secret"),
        ('{ url = "https://example.org/x?api_key=abc", to = "/o" }', ".url", "contains a secret"),
        (
            '{ url = "https://example.org/x?X-Amz-Signature=0a1b", to = "/o" }',
            ".url",
            "contains a secret",
        ),
        ('{ url = "ftp://example.org/x", to = "/opt/" }', ".url", "is not the address of a file"),
        ('{ url = "https://example.org/a b", to = "/o" }', ".url", "is not the address of a file"),
        ('{ url = "https://[1/x", to = "/opt/" }', ".url", "is not the address of a file"),
        ('{ url = "https://:1/x", to = "/opt/" }', ".url", "is not the address of a file"),
        ('{ url = "http://example.org/x", to = "/opt/" }', ".url", "is not encrypted"),
        ('{ url = "https://example.org/x" }', "", "has no target"),
        ('{ url = "https://example.org/x.apk" }', "", "is a package of Alpine, which the builder"),
        ('{ url = "https://example.org/x.deb", mode = "755" }', ".mode", "has no effect"),
        ('{ url = "https://example.org/x.deb", strip = 1 }', ".strip", "has no effect"),
        ('{ url = "https://example.org/x.deb", unpack = true }', ".unpack", "has no effect"),
        (
            '{ url = "https://example.org/x.deb", '
            'platforms = { "linux/arm64" = { url = "https://example.org/x" } } }',
            "",
            "has no target",
        ),
        ('{ url = "https://example.org/", to = "/opt/" }', ".to", "does not end with the name"),
        ('{ url = "https://example.org/%2e%2e", to = "/opt/" }', ".to", "does not end with"),
        ('{ url = "https://example.org/a%0Ab", to = "/opt/" }', ".to", "does not end with"),
        ('{ url = "https://example.org/x", to = "/tmp/" }', ".to", "would not be part"),
        ('{ url = "https://example.org/x", to = "/etc/hosts" }', ".to", "would not be part"),
        ('{ url = "https://e.org/x", to = "/o", unpack = true }', ".to", "does not end with /"),
        ('{ url = "https://e.org/x", to = "/", unpack = true }', ".to", "cannot be a target"),
        ('{ url = "https://e.org/x", to = "/o", strip = 1 }', ".strip", "has no effect"),
        (
            '{ url = "https://e.org/x", to = "/o/", unpack = true, mode = "755" }',
            ".mode",
            "has no effect",
        ),
        (
            '{ to = "/o", platforms = { "linux/amd64" = { url = "https://e.org/x" } } }',
            "",
            "has no url for linux/arm64",
        ),
        (
            '{ to = "/o", platforms = { "linux/arm64" = { url = "https://e.org/y" }, '
            '"linux/amd64" = { url = "http://e.org/x" } } }',
            '.platforms."linux/amd64".url',
            "is not encrypted",
        ),
        (f"{TOOL}, {TOOL}", "|1", "/opt/tool is also the target of"),
    ],
)
def test_mistakes_name_the_line_and_repeat_no_secret(
    tmp_path: Path, entry: str, key: str, problem: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, f"\n{entry}")
    (mistake,) = caught.value.mistakes
    number = "1" if key == "|1" else "0"
    assert mistake.key == f"image.debian.core.downloads[{number}]{key.removeprefix('|1')}"
    assert problem in mistake.problem
    assert mistake.line == HEAD.count("\n") + 2
    assert "p@" not in str(caught.value)
    assert "abc" not in str(caught.value)


def test_an_own_file_with_the_same_target_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "tool").write_bytes(b"")
    with pytest.raises(ConfigError, match="also the target of 'tool' in files"):
        read(tmp_path, f'{TOOL}]\nfiles = {{ tool = "/opt/" }}\nprebuild = [')


def test_a_platform_that_is_not_built_is_a_mistake(tmp_path: Path) -> None:
    entry = (
        '{ url = "https://e.org/x", to = "/o", '
        'platforms = { "linux/arm64" = { url = "https://e.org/y" } } }'
    )
    text = f"{HEAD}downloads = [{entry}]\n".replace(', "linux/arm64"]', "]")
    (tmp_path / "images.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="is not among the platforms"):
        read_image_set(tmp_path / "images.toml")


def test_changes_name_the_target_and_the_platform(tmp_path: Path) -> None:
    archive = '{ url = "https://e.org/1.tgz", to = "/opt/a/", unpack = true }'
    old = read(tmp_path, f"{TOOL}, {archive}")
    new = read(
        tmp_path,
        f'{{ url = "https://e.org/tool", to = "/opt/", sha256 = "{HASH}", mode = "755", '
        'platforms = { "linux/arm64" = { url = "https://e.org/tool.arm64" } } }, '
        f"{archive.replace('true', 'true, strip = 2')}",
    )
    path = "image.debian.core.downloads"
    assert changed_keys(old, new) == (
        f"{path}: /opt/a for linux/amd64: strip 0 -> 2",
        f"{path}: /opt/a for linux/arm64: strip 0 -> 2",
        f"{path}: /opt/tool for linux/amd64: url https://example.org/tool -> https://e.org/tool",
        f"{path}: /opt/tool for linux/amd64: sha256 (none) -> {HASH}",
        f"{path}: /opt/tool for linux/amd64: mode 0644 -> 0755",
        f"{path}: /opt/tool for linux/arm64 removed",
        f"{path}: /opt/tool.arm64 for linux/arm64 added (https://e.org/tool.arm64)",
    )
    assert changed_keys(old, old) == ()
    swapped = read(tmp_path, f"{archive}, {TOOL}")
    assert changed_keys(old, swapped) == (f"{path}: order changed",)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("https://example.org/tool", "https://example.org/a b"),
        ("https://example.org/tool", "https://a:b@example.org/tool"),
        ("https://example.org/tool", "file:///etc/passwd"),
        ("/opt/tool", "/opt/../etc/x"),
        ("/opt/tool", "/opt/a\\nb"),
        ('"0600"', '"4755"'),
    ],
)
def test_a_hostile_snapshot_is_refused(tmp_path: Path, before: str, after: str) -> None:
    text = dump(read(tmp_path, TOOL.replace(" }", ', mode = "600" }')))
    assert before in text
    with pytest.raises(ExpectedError, match="cannot be read"):
        load(text.replace(before, after))
    assert msgspec.toml.decode(text)
