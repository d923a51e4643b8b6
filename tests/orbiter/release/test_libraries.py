"""Missing shared libraries, in layers with a real ELF file and made-up neighbours."""

import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbiter.assembly.image import Layer
from orbiter.build.built_image import BuiltImage
from orbiter.config.image_set import Builder, ImageSet, Stage
from orbiter.lockset.model import LockSet, Manifest
from orbiter.lockset.record import RecordedBuilder
from orbiter.release import libraries as release_libraries
from orbiter.release.elf import needed_libraries
from orbiter.release.image_scan import ImageScan, LayerScan, merge, scan_layer
from orbiter.release.libraries import (
    LibraryCheck,
    MissingLibraries,
    missing_libraries,
    owner,
    owners,
)
from orbiter.release.providers import likely_package, locked_providers, provider
from orbiter.tasks import Report
from tests.support.oci_images import AMD64, ARM64, assembled, file, layer, write_layer
from tests.support.paths import TESTS

NAME = "egl.cpython-313-x86_64-linux-gnu.so"
ELF = (TESTS / "data/elf" / NAME).read_bytes()
SITE = "opt/env/lib/python3.13/site-packages"
FILE = f"{SITE}/glcontext/{NAME}"
RECORD = f"{SITE}/glcontext-3.1.0.dist-info/RECORD"
RECORD_TEXT = f"glcontext/{NAME},sha256=ZRz4,53328\nglcontext-3.1.0.dist-info/RECORD,,\n".encode()
LIBRARIES = "usr/lib/x86_64-linux-gnu"
GLIBC = tuple(
    (f"{LIBRARIES}/{name}", b"")
    for name in ("libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0")
)
ENVIRONMENT = ((FILE, ELF), (RECORD, RECORD_TEXT))
MISSING = ("libgcc_s.so.1", "libstdc++.so.6")


def scan(folder: Path, *layers: bytes) -> ImageScan:
    return merge(scan_layer(write_layer(folder, each), AMD64) for each in layers)


def test_the_needed_libraries_of_a_real_file() -> None:
    assert set(needed_libraries(ELF, AMD64)) == {
        *("libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6"),
        *("libpthread.so.0", "libstdc++.so.6"),
    }
    assert needed_libraries(ELF, ARM64) == ()  # for another machine
    assert needed_libraries(ELF[:1000], AMD64) == ()
    assert needed_libraries(b"\x7fELF", AMD64) == ()
    assert needed_libraries(b"#!/bin/sh\n", AMD64) == ()


@settings(max_examples=300)
@given(st.integers(6, 5000), st.binary(min_size=1, max_size=8), st.integers(0, len(ELF)))
def test_broken_files_need_nothing_or_something_but_raise_no_error(
    position: int, replacement: bytes, length: int
) -> None:
    broken = ELF[:position] + replacement + ELF[position + len(replacement) :]
    for content in (broken, broken[:length]):
        assert all(isinstance(name, str) for name in needed_libraries(content, AMD64))


@pytest.mark.parametrize("position", [32, 64 + 8, 64 + 16, 0x300])
def test_offsets_beyond_any_file_raise_no_error(position: int) -> None:
    for value in (b"\xff" * 8, b"\xff" * 7 + b"\x7f"):
        broken = ELF[:position] + value + ELF[position + 8 :]
        assert isinstance(needed_libraries(broken, AMD64), tuple)
    assert needed_libraries(ELF[:32] + b"\xff" * 8 + ELF[40:], AMD64) == ()


def test_missing_libraries_are_reported_with_their_package(tmp_path: Path) -> None:
    found = scan(tmp_path, layer(*GLIBC), layer(*ENVIRONMENT))
    assert missing_libraries(found) == {"glcontext (pip)": MISSING}


def test_records_that_are_links_have_the_content_of_their_target(tmp_path: Path) -> None:
    other, third = (f"{SITE}/{name}-1.dist-info/RECORD" for name in ("other", "third"))
    hard = file(other, type=tarfile.LNKTYPE, linkname=f"./{RECORD}")
    symbolic = file(third, type=tarfile.SYMTYPE, linkname="nowhere")
    records = scan(tmp_path, layer((RECORD, RECORD_TEXT), hard, symbolic)).records
    assert records == {RECORD: RECORD_TEXT, other: RECORD_TEXT, third: b""}


@pytest.mark.parametrize("place", [LIBRARIES, f"{SITE}/glcontext.libs", "opt/env/lib"])
def test_libraries_of_the_image_or_of_a_package_are_present(tmp_path: Path, place: str) -> None:
    own = [(f"{place}/{name}", b"") for name in MISSING]
    assert missing_libraries(scan(tmp_path, layer(*GLIBC), layer(*ENVIRONMENT, *own))) == {}


def test_a_needed_path_counts_by_its_last_part() -> None:
    # The program python of conda names its library so.
    needed = {"opt/env/bin/python3.12": ("$ORIGIN/../lib/libpython3.12.so.1.0", "$ORIGIN/no.so")}
    found = ImageScan(names=frozenset({"libpython3.12.so.1.0"}), needed=needed, records={})
    (libraries,) = missing_libraries(found).values()
    assert libraries == ("$ORIGIN/no.so",)


def test_a_later_layer_may_remove_a_library_or_its_user(tmp_path: Path) -> None:
    own = [(f"usr/local/lib/{name}", b"") for name in MISSING]
    lower = layer(*GLIBC, *ENVIRONMENT, *own)
    assert missing_libraries(scan(tmp_path, lower)) == {}
    for whiteout in ("usr/local/.wh.lib", "usr/local/lib/.wh..wh..opq"):
        removed = scan(tmp_path, lower, layer((whiteout, b"")))
        assert missing_libraries(removed) == {"glcontext (pip)": MISSING}
    (_, *rest), folder = MISSING, FILE.rpartition("/")[0]
    one = scan(tmp_path, lower, layer((f"usr/local/lib/.wh.{rest[0]}", b"")))
    assert missing_libraries(one) == {"glcontext (pip)": tuple(rest)}
    own_whiteouts = (f"{folder}/.wh.{NAME}", f"{folder}/.wh..wh..opq", "opt/.wh.env")
    for whiteout in (*own_whiteouts, ".wh..wh..opq"):
        gone = scan(tmp_path, layer(*GLIBC, *ENVIRONMENT), layer((whiteout, b"")))
        assert missing_libraries(gone) == {}
    replaced = scan(tmp_path, layer(*GLIBC, *ENVIRONMENT), layer((FILE, b"a text")))
    assert missing_libraries(replaced) == {}


def test_programs_for_the_other_c_library_are_ignored() -> None:
    needed = {
        "opt/env/lib/npm/node_modules/a/prebuilds/x.node": ("libc.musl-x86_64.so.1", "libz.so.1"),
        "opt/env/lib/python3.13/site-packages/b.so": ("libcuda.so.1",),
        "opt/env/lib/npm/node_modules/c/node_modules/@d/e/x.node": ("libz.so.1",),
    }
    found = ImageScan(names=frozenset({"libc.so.6"}), needed=needed, records={})
    assert missing_libraries(found) == {"@d/e (npm)": ("libz.so.1",)}


def test_musl_provides_the_general_name_of_the_c_library() -> None:
    needed = {"opt/env/lib/python3.12/site-packages/b.so": ("libc.so",)}
    missing = {
        name: missing_libraries(ImageScan(names=frozenset({name}), needed=needed, records={}))
        for name in ("libc.musl-x86_64.so.1", "libc.so.6")
    }
    assert not missing["libc.musl-x86_64.so.1"]
    assert list(missing["libc.so.6"].values()) == [("libc.so",)]


def test_records_name_the_package_of_a_file() -> None:
    records = {
        RECORD: RECORD_TEXT,
        f"{SITE}/Some_Name-1.dist-info/RECORD": b"../../../bin/tool,,\n",
        f"{SITE}/broken-1.dist-info/RECORD": b"",
        "opt/env/conda-meta/broken-1-0.json": b"",
        "opt/env/conda-meta/gdal-3.1-0.json": b'{"name": "gdal", "files": ["lib/libgdal.so.36"]}',
    }
    known = owners(records)
    assert owner(FILE, known) == "glcontext (pip)"
    assert owner("opt/env/bin/tool", known) == "some-name (pip)"
    assert owner("opt/env/lib/libgdal.so.36", known) == "gdal (conda)"
    assert owner("opt/env/own.so", known) == "/opt/env/own.so"


def deb(folder: Path, name: str, shlibs: str) -> Path:
    control = folder / name / "DEBIAN"
    control.mkdir(parents=True)
    fields = f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b.c>\n"
    (control / "control").write_text(f"{fields}Description: a\n")
    (control / "shlibs").write_text(shlibs)
    path = folder / f"{name}.deb"
    subprocess.run(
        ["dpkg-deb", "--build", control.parent, path], check=True, stdout=subprocess.DEVNULL
    )
    return path


def test_locked_debian_packages_name_their_libraries(tmp_path: Path) -> None:
    # The text is that of the package libxcb1 1.15-1.
    text = "libxcb 1 libxcb1 (>= 1.12)\nudeb: libxcb 1 libxcb1-udeb (>= 1.12)\n"
    bfd = "libbfd 2.44-system libbinutils (>= 2.44)\n"
    packages = [deb(tmp_path, "libxcb1", text), deb(tmp_path, "libbinutils", bfd)]
    broken = tmp_path / "broken.deb"
    broken.write_bytes(b"!<arch>\n")
    locked = locked_providers([*packages, broken])
    assert provider("libxcb.so.1", locked) == "libxcb1"
    assert provider("libbfd-2.44-system.so", {"libbfd-2.44 system": "x"}) == "x"
    assert provider("libGL.so.1", locked) == ""


@pytest.mark.parametrize(
    ("library", "package"),
    [
        ("libxcb.so.1", "libxcb1"),
        ("libGL.so.1", "libgl1"),
        ("libgthread-2.0.so.0", "libgthread-2.0-0"),
        ("libnss3.so", "libnss3"),
    ],
)
def test_debians_rule_for_names_of_packages(library: str, package: str) -> None:
    assert likely_package(library) == package


def test_the_check_reports_each_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(name: str) -> tuple[MissingLibraries, ...]:
        stages = tuple(
            Stage(name=f"{name}-{image}", builder=name, image=image, kind="final")
            for image in ("base", "more")
        )
        image_set = ImageSet(
            version="0.1.0",
            repository="a/b",
            platforms=(AMD64,),
            builders={name: Builder(name=name)},
            stages=stages,
        )
        manifest = Manifest(release="0.1.0", cutoff="", source_date_epoch=1)
        lock_set = LockSet(manifest=manifest, files={}, root="")
        monkeypatch.setattr(LockSet, "image_set", image_set)
        lacking = layer(*GLIBC, *ENVIRONMENT)
        own = layer(*((f"{LIBRARIES}/{library}", b"") for library in MISSING))
        images = (assembled(tmp_path, lacking), assembled(tmp_path, lacking, own))
        checked = LibraryCheck(lock_set, silent)
        assert checked(
            tuple(
                BuiltImage(
                    stage=stage.name,
                    tag=f"a/b:{stage.name}",
                    digest=image.digest,
                    images=(image,),
                    builder=RecordedBuilder(),
                )
                for stage, image in zip(stages, images, strict=True)
            )
        )
        return checked.findings

    scanned: list[str] = []

    def scan_once(layer: Layer, platform: str) -> LayerScan:
        scanned.append(layer.diff_id)
        return scan_layer(layer, platform)

    monkeypatch.setattr(release_libraries, "read_scan", scan_once)
    monkeypatch.setattr(release_libraries, "artifacts_by_stage", lambda _lock_set: {})
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path))
    (debian,) = check("debian")
    assert len(scanned) == len(set(scanned)) == 2, "the images share a layer"
    assert str(debian) == (
        "debian-base for linux/amd64: glcontext (pip) needs libgcc_s.so.1, libstdc++.so.6, "
        "which the image lacks"
    )
    assert debian.hint == (
        'by Debian\'s naming rule, look for "libgcc-s1", "libstdc++6", '
        "or ask apt-file search which package has the file"
    )
    (alpine,) = check("alpine")
    names = '"so:libgcc_s.so.1", "so:libstdc++.so.6"'
    assert alpine.hint == f"add {names} to the apk list of alpine-base"


def silent(_title: str) -> Report:
    return lambda _line: None
