"""The images.toml that `orbiter init` writes."""

import re
from pathlib import Path

import pytest

from orbiter.config.builder_keys import BUILDERS
from orbiter.config.changes import changed_keys
from orbiter.config.image_set import CondaSettings
from orbiter.config.read import json_schema, read_image_set
from orbiter.config.starter import BUILDERS as STARTERS
from orbiter.config.starter import starter_text, write_starter
from resolvers.errors import ExpectedError


def uncommented(builder: str = STARTERS[0]) -> str:
    """Return the starter with all its commented keys enabled."""
    return re.sub(r"(?m)^# (?=[a-z-]+ = |\[)", "", starter_text(builder))


def write_own_files(place: Path) -> None:
    """Write the files that the commented keys of the starter name."""
    template = '{% extends "orbiter/Dockerfile.j2" %}\n'
    key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"
    rsa = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
    texts = {
        "templates/Dockerfile.j2": template,
        "keys/example.asc": key,
        "keys/lab.rsa.pub": rsa,
    }
    for name in ("start.sh", "etc/example.conf", *texts):
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(texts.get(name, "text\n"), encoding="utf-8")


def test_the_starter_is_an_image_set(tmp_path: Path) -> None:
    path = tmp_path / "images.toml"
    write_starter(path)
    stages = read_image_set(path).stages
    assert [stage.name for stage in stages] == [
        "debian",
        "debian-core",
        "debian-base-build",
        "debian-base",
    ]
    assert stages[2].requirements["pip"] == ("jupyterlab", "numpy", "pandas", "pip")
    assert "tini" in stages[1].requirements["apt"]


def test_every_builder_has_a_starter(tmp_path: Path) -> None:
    assert set(STARTERS) == set(BUILDERS)
    write_own_files(tmp_path)
    for builder in STARTERS:
        path = tmp_path / f"{builder}.toml"
        write_starter(path, builder)
        image_set = read_image_set(path)
        assert list(image_set.builders) == [builder]
        stages = {stage.name: stage for stage in image_set.stages}
        packages = {name for each in stages.values() for name in each.requirements.values()}
        assert f"{builder}-base-build" in stages
        assert {"jupyterlab", "tini"} <= {name for names in packages for name in names}
        path.write_text(uncommented(builder), encoding="utf-8")
        assert set(read_image_set(path).builders) == set(BUILDERS)
        assert max(map(len, starter_text(builder).splitlines())) <= 100


def test_the_starter_shows_every_key_with_its_default(tmp_path: Path) -> None:
    plain, full = tmp_path / "plain.toml", tmp_path / "full.toml"
    write_starter(plain)
    full.write_text(uncommented(), encoding="utf-8")
    write_own_files(tmp_path)
    changes = changed_keys(read_image_set(plain), read_image_set(full))
    assert not {change.split(":")[0] for change in changes} & {
        "compression",
        "require-audit",
        "platforms",
        "user.name",
        "user.uid",
        "user.gid",
        "builder.debian.pip-engine",
        "image.debian.base.build.network",
        "image.debian.base.build.recommends",
    }
    keys = {key for table in json_schema()["$defs"].values() for key in table["properties"]}
    tables = {"user", "sets", "index", "npm-registry", "builder", "image", "build", "healthcheck"}
    tables |= {"apk-repository", "apt-repository", "ignore-advisory", "lint", "licences"}
    shown = set(re.findall(r"(?m)(?:^|\{ |, )([a-z-]+) = ", uncommented())) | tables
    # The hash of a file needs a line of its own, and is rarely known before the first lock. The key
    # fingerprint excludes key-file.
    assert keys == (shown | {"fingerprint", "sha256"}) - {"tools", "cuda", "glob"}
    assert read_image_set(full).builders["micromamba"].conda == CondaSettings(
        virtual={"cuda": "12.4"}
    )


def test_an_existing_file_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "images.toml"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(ExpectedError, match="already exists") as caught:
        write_starter(path)
    assert caught.value.hint
    assert path.read_text(encoding="utf-8") == "mine"


def test_a_dangling_link_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "images.toml"
    path.symlink_to(tmp_path / "elsewhere.toml")
    with pytest.raises(ExpectedError, match="already exists"):
        write_starter(path)
    assert not (tmp_path / "elsewhere.toml").exists()


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ExpectedError, match="cannot be written: No such file or directory"):
        write_starter(tmp_path / "nowhere/images.toml")
