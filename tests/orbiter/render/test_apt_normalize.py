"""The script that normalises the files of Debian packages, on small trees of files."""

import hashlib
import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from orbiter.render.dockerfile import TEMPLATES
from tests.support.paths import TESTS

SCRIPT = TEMPLATES[1] / "image" / "apt_normalize.sh"
KEYSTORES = TESTS / "data" / "apt" / "keystores"
CACERTS = "etc/ssl/certs/java/cacerts"
PASSWORD = "changeit".encode("utf-16-be")
EPOCH = 946684800
OLD, NEW = EPOCH, EPOCH + 10
"""The times of files from an earlier step, and of those that the current step wrote."""


def write(root: Path, files: dict[str, str], time: int = NEW) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (time, time))


def normalize(root: Path, *select: str) -> None:
    """Run the script for the files that ``select`` names, by default those with the time NEW."""
    for name in ("etc", "usr", "var"):
        (root / name).mkdir(exist_ok=True)
    subprocess.run(
        ["sh", str(SCRIPT), *(select or ("-newermt", f"@{EPOCH + 5}"))],
        cwd=root,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH)},
        check=True,
    )


def files(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()
    }


HOST_KEYS = {
    "etc/ssh/ssh_host_ed25519_key": "secret",
    "etc/ssh/ssh_host_ed25519_key.pub": "public",
    "etc/ssh/ssh_host_rsa_key": "secret",
    "etc/ssh/ssh_host_rsa_key.pub": "public",
}
SSH = {"etc/default/ssh": "SSHD_OPTS=\n", "etc/ssh/sshd_config": "UsePAM yes\n"}


def test_host_keys_are_removed_and_created_when_the_service_starts(tmp_path: Path) -> None:
    write(tmp_path, HOST_KEYS | SSH)
    normalize(tmp_path)
    left = files(tmp_path)
    assert left.keys() == SSH.keys()
    assert left["etc/ssh/sshd_config"] == SSH["etc/ssh/sshd_config"]
    assert left["etc/default/ssh"].startswith(SSH["etc/default/ssh"])
    assert "\nssh-keygen -A" in left["etc/default/ssh"]


def test_files_of_earlier_steps_stay(tmp_path: Path) -> None:
    kept = HOST_KEYS | SSH | {"etc/ssl/private/ssl-cert-snakeoil.key": "secret"}
    write(tmp_path, kept, OLD)
    normalize(tmp_path)
    assert files(tmp_path) == kept


def test_the_step_selects_files_that_it_wrote_whatever_their_times(tmp_path: Path) -> None:
    """dpkg and scripts set old times, so the step compares the times of changes."""
    old = {name: text for name, text in HOST_KEYS.items() if "rsa" in name}
    marker = str(tmp_path / "began")
    root = tmp_path / "root"
    write(root, old, NEW)
    begin = (TEMPLATES[1] / "began.j2").read_text().replace("/tmp/began", marker)
    subprocess.run(["sh", "-euc", begin], check=True)
    write(root, {name: HOST_KEYS[name] for name in HOST_KEYS if name not in old} | SSH, OLD)
    normalize(root, "-cnewer", marker)
    assert files(root).keys() == old.keys() | SSH.keys()


def test_a_generated_certificate_is_removed_with_its_link(tmp_path: Path) -> None:
    kept = {"etc/ssl/certs/ca-certificates.crt": "bundle"}
    removed = {
        "etc/ssl/private/ssl-cert-snakeoil.key": "secret",
        "etc/ssl/certs/ssl-cert-snakeoil.pem": "public",
    }
    write(tmp_path, kept | removed)
    link = tmp_path / "etc/ssl/certs/5ca1ab1e"
    link.symlink_to("ssl-cert-snakeoil.pem")
    normalize(tmp_path)
    assert files(tmp_path) == kept
    assert not link.is_symlink()


def test_a_database_cluster_is_removed_with_its_configuration(tmp_path: Path) -> None:
    kept = {"etc/postgresql-common/createcluster.conf": "ssl = on\n"}
    removed = {
        "var/lib/postgresql/17/main/PG_VERSION": "17\n",
        "var/lib/postgresql/17/main/global/pg_control": "identifier",
        "etc/postgresql/17/main/postgresql.conf": "port = 5432\n",
    }
    write(tmp_path, kept | removed)
    normalize(tmp_path)
    assert files(tmp_path) == kept
    assert not (tmp_path / "var/lib/postgresql/17/main").exists()
    assert not (tmp_path / "etc/postgresql/17/main").exists()


def test_the_time_in_the_list_of_octave_packages_is_removed(tmp_path: Path) -> None:
    name = "usr/share/octave/octave_packages"
    rest = "# name: global_packages\n# type: cell\n# rows: 0\n# columns: 0\n"
    time = "# Created by Octave 9.4.0, Sat Nov 28 12:10:04 2026 UTC <root@buildkitsandbox>\n"
    write(tmp_path, {name: time + rest})
    normalize(tmp_path)
    assert files(tmp_path) == {name: rest}


def test_the_settings_of_git_lfs_are_sorted(tmp_path: Path) -> None:
    """A Go program writes them in a random order; those of other sections stay as they are."""
    user = "[user]\n\tname = Ada\n\temail = ada@example.org\n"
    lfs = ("clean = git-lfs clean -- %f", "process = git-lfs filter-process", "required = true")
    results = set()
    for number, lines in enumerate((lfs, lfs[::-1])):
        settings = "".join(f"\t{line}\n" for line in lines)
        root = tmp_path / str(number)
        write(root, {"etc/gitconfig": f'{user}[filter "lfs"]\n{settings}{user}'})
        normalize(root)
        results.add((root / "etc/gitconfig").read_text())
    (text,) = results
    assert text.startswith(user)
    assert text.endswith(user)
    assert sorted(lfs) == re.findall(r"\t(.*)\n", text)[2:5]


def test_formats_and_logs_of_tex_are_removed_and_its_lists_sorted(tmp_path: Path) -> None:
    texmf = "var/lib/texmf"
    kept = (f"{texmf}/web2c/metafont/mf.base", f"{texmf}/web2c/a.cnf")
    removed = (
        f"{texmf}/web2c/luatex/luatex.fmt",
        f"{texmf}/web2c/luahbtex/lualatex.fmt",
        f"{texmf}/web2c/tex/tex.fmt",
        f"{texmf}/web2c/pdftex/latex.fmt",
        f"{texmf}/web2c/pdftex/latex.log",
        f"{texmf}/web2c/updmap.log",
    )
    lists = (f"{texmf}/ls-R", "usr/share/texlive/texmf-dist/ls-R")
    article = "usr/share/texlive/texmf-dist/tex/article.cls"
    write(tmp_path, dict.fromkeys((*kept, *removed, *lists, article), "text"))
    (tmp_path / "usr/share/texlive/texmf-dist/doc").symlink_to("missing")
    normalize(tmp_path)
    found = files(tmp_path)
    assert set(found) == {*kept, *lists, article}
    head = "% ls-R -- filename database for kpathsea; do not change this line.\n\n"
    web2c = "a.cnf\nluahbtex\nluatex\nmetafont\npdftex\ntex\n"
    assert found[lists[0]].startswith(f"{head}./:\nls-R\nweb2c\n\n./web2c:\n{web2c}\n")
    assert "./web2c/metafont:\nmf.base\n" in found[lists[0]]
    assert "log" not in found[lists[0]]
    assert found[lists[1]] == f"{head}./:\ndoc\nls-R\ntex\n\n./tex:\narticle.cls\n"


def test_a_keystore_does_not_record_when_certificates_were_added(tmp_path: Path) -> None:
    results = []
    for original in sorted(KEYSTORES.glob("*.jks")):
        root = tmp_path / original.stem
        (root / CACERTS).parent.mkdir(parents=True)
        shutil.copyfile(original, root / CACERTS)
        normalize(root)
        results.append((root / CACERTS).read_bytes())
        assert sorted(certificates(results[-1])) == sorted(certificates(original.read_bytes()))
        assert times(results[-1]) == {EPOCH * 1000}
        assert times(original.read_bytes()) != {EPOCH * 1000}
    assert results[0] == results[1]


def test_another_kind_of_keystore_ends_the_build(tmp_path: Path) -> None:
    write(tmp_path, {CACERTS: "PKCS12"})
    with pytest.raises(subprocess.CalledProcessError):
        normalize(tmp_path)


def certificates(keystore: bytes) -> list[tuple[bytes, bytes]]:
    return [(alias, certificate) for alias, _, certificate in entries(keystore)]


def times(keystore: bytes) -> set[int]:
    return {time for _, time, _ in entries(keystore)}


def entries(keystore: bytes) -> list[tuple[bytes, int, bytes]]:
    """Return the alias, time and certificate of each entry, after checking the digest."""
    content, digest = keystore[:-20], keystore[-20:]
    whole = PASSWORD + b"Mighty Aphrodite" + content
    assert hashlib.sha1(whole, usedforsecurity=False).digest() == digest
    magic, version, count = struct.unpack_from(">IIi", content)
    assert (magic, version) == (0xFEEDFEED, 2)
    position, found = 12, []
    for _ in range(count):
        tag, length = struct.unpack_from(">IH", content, position)
        assert tag == 2
        position += 6
        alias = content[position : position + length]
        time, length = struct.unpack_from(">QH", content, position + len(alias))
        position += len(alias) + 10 + length
        (length,) = struct.unpack_from(">I", content, position)
        position += 4 + length
        found.append((alias, time, content[position - length : position]))
    assert position == len(content)
    return found
