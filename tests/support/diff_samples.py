"""Hand-made diffs, one for each feature of a report."""

from collections.abc import Iterable

from orbiter.diff.types import (
    Change,
    Diff,
    Fact,
    FileChange,
    Kind,
    Occurrence,
    Side,
    Step,
    Suggestion,
    Variant,
)
from orbiter.lockfiles.types import Scope

LINUX, ARM, MAC = Scope("", "linux-64"), Scope("", "linux-aarch64"), Scope("", "osx-64")
AMD64 = Scope("debian-base", "linux/amd64")
ALTERED_WORDS = "same version, other hash: this is how tampering looks"
DIGEST = "sha256:" + "0123456789abcdef" * 4


def change(
    name: str,
    kind: Kind,
    old: str = "",
    new: str = "",
    *,
    manager: str = "conda",
    scopes: Iterable[Scope] = (LINUX,),
    builds: tuple[str, str] = ("", ""),
    sources: tuple[str, str] = ("", ""),
    everywhere: bool = True,
    step: Step = "",
    why: tuple[str, ...] = (),
    altered: bool = False,
    grown: int | None = None,
    licences: tuple[str, str] | None = None,
    stays: tuple[str, ...] = (),
) -> Change:
    """Return a change from ``old`` to ``new`` ("1.0 2.0" for two versions) in all scopes."""
    before, after = tuple(old.split()), tuple(new.split())
    variants = [
        tuple(Variant(version, build, source) for version in versions)
        for versions, build, source in zip((before, after), builds, sources, strict=True)
    ]
    return Change(
        manager=manager,
        name=name,
        kind=kind,
        old=before,
        new=after,
        stays=stays,
        where=tuple(Occurrence(scope, *variants) for scope in scopes),
        everywhere=everywhere,
        step=step,
        direct=why == (name,),
        why=why,
        altered=altered,
        grown=grown,
        licences=licences,
    )


def counted(*scopes: Scope, kept: int = 339) -> dict[Scope, dict[str, int]]:
    return {scope: {"kept": kept} for scope in scopes}


SMALL = Diff(
    old=Side(name="0.1.0", format="lock set 1", release="0.1.0"),
    new=Side(name="0.2.0", format="lock set 1", release="0.2.0"),
    changes=(
        change("polars", "added", "", "1.9.0", manager="pip", why=("polars",), grown=31_400_000),
        change(
            "numpy",
            "upgraded",
            "1.26.4",
            "2.0.1",
            manager="pip",
            step="major",
            why=("numpy",),
            grown=1_250_000,
        ),
        change("libx", "removed", "1:2.3-4", manager="apt", why=("gdal", "libx"), grown=-12_000),
        change(
            "six",
            "upgraded",
            "1.16.0",
            "1.17.0",
            manager="pip",
            step="minor",
            why=("pandas", "dateutil", "six"),
        ),
        change(
            "tz",
            "downgraded",
            "2025.2",
            "2025.1",
            manager="pip",
            step="minor",
            why=("a", "b", "c", "d", "tz"),
        ),
        change(
            "odd",
            "changed",
            "v-one",
            "v-two",
            manager="pip",
            grown=0,
            licences=("MIT", "GPL-3.0-only"),
        ),
        change(
            "zlib",
            "rebuilt",
            "1.3.1",
            "1.3.1",
            builds=("h4ab18f5_1", "hb9d3cd8_2"),
            step="build",
            manager="conda",
        ),
        change("wheel", "rebuilt", "0.45", "0.45", manager="pip", step="build"),
        change("geos", "moved", "3.13", "3.13", sources=("", "example/label"), step="build"),
        change(
            "semver",
            "upgraded",
            "5.7.1",
            "5.7.2",
            manager="npm",
            step="patch",
            stays=("6.3.1", "7.7.2"),
        ),
    ),
    counts=counted(AMD64),
    kept=339,
    suggestion=Suggestion(step="minor", release="0.2.0", reason="numpy 1.26.4 → 2.0.1"),
)
"""A change of each kind."""

ALTERED = Diff(
    old=Side(name="old.lock", format="poetry.lock 2.1"),
    new=Side(name="new.lock", format="poetry.lock 2.1"),
    changes=(
        change(
            "requests",
            "rebuilt",
            "2.32.0",
            "2.32.0",
            manager="pip",
            step="build",
            altered=True,
            why=("requests",),
        ),
        change("numpy", "upgraded", "2.0.1", "2.0.2", manager="pip", step="patch", why=("numpy",)),
    ),
    counts=counted(Scope()),
    kept=40,
    suggestion=Suggestion(step="patch", reason="requests 2.32.0 rebuilt"),
)

PLACES = Diff(
    old=Side(name="v1.0:conda-lock.yml", format="conda-lock.yml 1"),
    new=Side(name="conda-lock.yml", format="conda-lock.yml 1"),
    changes=(
        change(
            "git-lfs", "upgraded", "3.6.1", "3.7.1", scopes=(MAC,), everywhere=False, step="minor"
        ),
        change(
            "git-lfs",
            "upgraded",
            "3.7.0",
            "3.7.1",
            scopes=(LINUX, ARM),
            everywhere=False,
            step="patch",
        ),
        change("satpy", "added", "", "0.59.0", scopes=(LINUX,), everywhere=False),
        change("same", "added", "", "1", scopes=(LINUX, ARM, MAC)),
        Change(
            manager="conda",
            name="bzip2",
            kind="rebuilt",
            old=("1.0.8",),
            new=("1.0.8",),
            step="build",
            where=(
                Occurrence(
                    LINUX, (Variant("1.0.8", "h4bc722e_7"),), (Variant("1.0.8", "hda65f42_8"),)
                ),
                Occurrence(
                    MAC, (Variant("1.0.8", "hfdf4475_7"),), (Variant("1.0.8", "h500dc9f_8"),)
                ),
            ),
            everywhere=False,
        ),
    ),
    counts=counted(LINUX, ARM, MAC),
    kept=1234,
    suggestion=Suggestion(step="minor", reason="satpy 0.59.0 added"),
)

FACTS = Diff(
    old=Side(name="0.1.0", format="lock set 1", release="0.1.0"),
    new=Side(name="0.1.1", format="lock set 1", release="0.1.1"),
    facts=(
        Fact(
            kind="Dockerfile",
            name="debian-base",
            old=f"sha256:{'a' * 64}",
            new=f"sha256:{'b' * 64}",
        ),
        Fact(kind="base image", name="debian:13 linux/amd64", old=DIGEST, new=f"sha256:{'f' * 64}"),
        Fact(kind="platform", name="linux/arm64", new="163 packages"),
        Fact(kind="tool", name="uv", old="0.8.0", new=""),
    ),
    counts=counted(AMD64),
    kept=163,
    notes=("0.1.0: 2 entries have no hash", "0.1.1: locked by @somebody, see #12 and <b>"),
    suggestion=Suggestion(step="patch", release="0.1.1", reason="base image debian:13 linux/amd64"),
)

FILES = Diff(
    old=Side(name="0.1.0", format="lock set 1", release="0.1.0", download=512_000_000, unsized=3),
    new=Side(name="0.1.1", format="lock set 1", release="0.1.1", download=524_300_000, unsized=4),
    facts=(
        Fact(kind="images.toml", name="image.debian.base.build.pip", old="pandas<3", new="pandas"),
    ),
    files=(
        FileChange(
            path="build/debian-base/pip-linux-amd64.txt",
            kind="changed",
            lines=("@@ -1 +1 @@", "-attrs==26.1.0", "+six==1.17.0"),
            problem="it differs from what the lock files give",
        ),
        FileChange(
            path="build/debian-base/Dockerfile",
            kind="changed",
            lines=(
                "@@ -7,2 +7,2 @@",
                " USER 0",
                "-RUN --network=none apt-install",
                "+RUN --network=none apt-install && rm -rf /var/lib/apt/lists/* /var/cache/apt/* "
                "/usr/share/doc/* /usr/share/man/*",
            ),
        ),
        FileChange(
            path="build/debian-base/artifacts-linux-amd64.txt",
            kind="changed",
            lines=("-sha256:1 apt/a_1_all.deb", "+sha256:2 apt/a_2_all.deb"),
            derived=True,
        ),
    ),
    faults=("0.1.1: zlib 5.8.1 lists the file xz-5.8.1-h1_2.conda, which is not its own",),
    counts=counted(AMD64),
    kept=163,
    suggestion=Suggestion(step="patch", release="0.1.1", reason="build/debian-base/Dockerfile"),
)

EMPTY = Diff(
    old=Side(name="a.lock", format="uv.lock 1"),
    new=Side(name="b.lock", format="uv.lock 1"),
    counts=counted(Scope()),
    kept=12,
)

SAMPLES = {
    "small": SMALL,
    "altered": ALTERED,
    "places": PLACES,
    "facts": FACTS,
    "files": FILES,
    "empty": EMPTY,
}


def many(number: int) -> Diff:
    """Return a diff with a number of changes, of three managers and all kinds."""
    kinds: tuple[Kind, ...] = (
        "upgraded",
        "rebuilt",
        "added",
        "upgraded",
        "removed",
        "upgraded",
        "downgraded",
    )
    steps: tuple[Step, ...] = ("major", "minor", "patch", "patch")
    changes = []
    for i in range(number):
        name, kind, old, new = (
            f"package-{i:05}",
            kinds[i % 7],
            f"{i % 9}.{i % 13}.1",
            f"{i % 9 + 1}.{i % 11}.2",
        )
        versions = {"added": ("", new), "removed": (old, ""), "rebuilt": (old, old)}.get(
            kind, (old, new)
        )
        changes.append(
            change(
                name,
                kind,
                *versions,
                manager=("apt", "npm", "pip")[i % 3],
                step=steps[i % 4] if kind in {"upgraded", "downgraded"} else "",
                why=(name,) if i % 50 == 0 else ("jupyterlab", f"part-{i % 40}", name),
                grown=(i - number // 2) * 1000,
                scopes=(LINUX, MAC) if i % 4 else (MAC,),
                everywhere=bool(i % 4),
            )
        )
    order = {change.name: (not change.direct, kinds.index(change.kind)) for change in changes}
    return Diff(
        old=Side(name="old folder/conda-lock.yml", format="conda-lock.yml 1"),
        new=Side(name="new folder/conda-lock.yml", format="conda-lock.yml 1"),
        changes=tuple(
            sorted(changes, key=lambda each: (*order[each.name], each.manager, each.name))
        ),
        counts=counted(LINUX, ARM, MAC),
        kept=2000,
        suggestion=Suggestion(step="major", reason="package-00000 0.0.1 → 1.0.2"),
    )
