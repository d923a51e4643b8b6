"""The files that a lint run checks: those of lock sets, and single lock files."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec.structs import replace
from packaging.utils import canonicalize_name

from orbiter.files import is_special
from orbiter.lint.addresses import redact
from orbiter.lint.check import check_input, check_lock_file, check_system_lock, checked
from orbiter.lint.lines import Lines
from orbiter.lint.malicious import not_checked
from orbiter.lint.types import CheckedFile, Finding, LintResult, Settings, UnreadFile
from orbiter.lockfiles import git_revision
from orbiter.lockfiles.lock_set import FILE_NAMES, FOREIGN_LOCKS, file_faults
from orbiter.lockfiles.types import PackageEntry, PackageFile
from orbiter.lockset import folder as lockset_folder
from orbiter.lockset.model import LAYERS, MANIFEST, OWN_FILES, LockSet
from orbiter.lockset.versions import SEMVER, release_name
from resolvers.errors import ExpectedError
from resolvers.managers import MANAGERS
from resolvers.pip.requirement_files import is_requirement_file
from resolvers.types.packages import Package

SYSTEM_LOCKS = {"apk.lock": "apk", "apt.lock": "apt"}
"""Lock files that only Orbiter has, and their managers."""
NOT_CHECKED = frozenset({"build", LAYERS, OWN_FILES})
"""Folders of a lock set that follow from its lock files, record images, or are the user's own."""
VALID_NAMES = (
    "name a release, the folder of a lock set, a lock file, or REVISION:PATH in a git repository"
)
ARCHITECTURES = {
    "linux/amd64": ("amd64", "x86_64"),
    "linux/arm64": ("arm64", "aarch64"),
}
ANY_ARCHITECTURE = ("all", "noarch")


def check_targets(names: Iterable[str], settings: Settings) -> LintResult:
    """Check releases, folders of lock sets, and lock files; errors do not stop the run."""
    files: list[CheckedFile] = []
    errors: list[UnreadFile] = []
    for name in names:
        try:
            files += _check(name, settings)
        except ExpectedError as error:
            message = redact(error.message)
            errors.append(UnreadFile(path=name, message=message, hint=error.hint))
        except OSError as error:
            errors.append(UnreadFile(path=name, message=f"{name}: {error.strerror or error}"))
    return LintResult(
        files=tuple(files),
        errors=tuple(errors),
        not_checked=not_checked(settings),
        database=settings.database,
    )


def _check(name: str, settings: Settings) -> Iterator[CheckedFile]:
    path = Path(name)
    release = release_name(name)
    if SEMVER.fullmatch(release) and not path.exists():
        path = lockset_folder.release_folder(release)
        if not (path / MANIFEST).exists():
            raise ExpectedError(f"release {release} is not locked", VALID_NAMES)
    if path.is_dir():
        if not (path / MANIFEST).exists():
            raise ExpectedError(f"{name}: the folder has no {MANIFEST}", VALID_NAMES)
        yield from _check_lock_set(path, settings)
        return
    if not path.exists():
        yield from _check_revision(name, settings)
        return
    if is_special(path):
        raise ExpectedError(f"'{name}' is not a regular file", VALID_NAMES)
    yield check_lock_file(name, path.read_bytes(), settings)


def _check_revision(name: str, settings: Settings) -> Iterator[CheckedFile]:
    """Check a file or a lock set at a git revision, named as REVISION:PATH."""
    revision, colon, path = name.rpartition(":")
    if not colon or not path:
        raise ExpectedError(f"'{name}' not found", VALID_NAMES)
    if not git_revision.is_folder(revision, path):
        yield check_lock_file(name, git_revision.read_file(revision, path), settings)
        return
    with git_revision.folder_at(revision, path) as folder:
        if not (folder / MANIFEST).exists():
            raise ExpectedError(f"{name}: the folder has no {MANIFEST}", VALID_NAMES)
        for file in _check_lock_set(folder, settings):
            # The temporary folder no longer exists when the user reads its name.
            yield replace(file, path=file.path.replace(str(folder), name, 1))


def _check_lock_set(folder: Path, settings: Settings) -> Iterator[CheckedFile]:
    """Check the files of a lock set, and whether it is complete and unchanged."""
    lock_set, damage = _read(folder)
    found = [
        _check_file(path, _with_allowed(settings, lock_set, path.parent.name))
        for path in _paths(folder)
    ]
    if damage and not any(each.rule == "merge-marker" for file in found for each in file.findings):
        manifest = checked(str(folder / MANIFEST), [damage], settings)
        is_manifest = [file.path == manifest.path for file in found]
        found = [
            replace(file, findings=(damage, *file.findings)) if same else file
            for file, same in zip(found, is_manifest, strict=True)
        ]
    yield from found


def _read(folder: Path) -> tuple[LockSet | None, Finding | None]:
    """Return the lock set, or its damage."""
    try:
        return lockset_folder.read(folder), None
    except ExpectedError as error:
        return None, Finding(rule="damaged-file", message=error.message)


def _with_allowed(settings: Settings, lock_set: LockSet | None, builder: str) -> Settings:
    """Return the settings with the packages that may run code of their own in a builder's images.

    The images.toml of the lock set names them, so somebody decided about each.
    """
    if lock_set is None:
        return settings
    sources = [stage.sources for stage in lock_set.image_set.stages if stage.builder == builder]
    return replace(
        settings,
        npm_scripts=frozenset(name for each in sources for name in each.get("npm", ())),
        pip_sdist=frozenset(
            canonicalize_name(name) for each in sources for name in each.get("pip", ())
        ),
    )


def _paths(folder: Path) -> Iterator[Path]:
    """Yield the files at the top of a lock set and those of its builders."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or path.name in NOT_CHECKED:
            continue  # a lock set with links is damaged, which is reported once
        if path.is_dir():
            yield from (file for file in sorted(path.iterdir()) if _is_regular(file))
        elif path.is_file():
            yield path


def _is_regular(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _check_file(path: Path, settings: Settings) -> CheckedFile:
    content, shown = path.read_bytes(), str(path)
    if path.name in SYSTEM_LOCKS:
        return _check_system_lock(path, content, settings)
    # Requirements of pip-tools have no line if a stage needs no packages.
    is_pinned_list = is_requirement_file(path.name) and content.strip()
    if path.name in FOREIGN_LOCKS or is_pinned_list:
        try:
            return check_lock_file(shown, content, settings)
        except ExpectedError as error:
            damage = Finding(rule="damaged-file", message=error.message)
            file = check_input(shown, content, settings)
            return replace(file, findings=(damage, *file.findings))
    return check_input(shown, content, settings)


def _check_system_lock(path: Path, content: bytes, settings: Settings) -> CheckedFile:
    """Check an apk.lock or apt.lock, also whether each file is the package's own."""
    manager = SYSTEM_LOCKS[path.name]
    try:
        packages = MANAGERS[manager].read({path.name: content.decode()})
    except (ExpectedError, UnicodeDecodeError) as error:
        damage = Finding(rule="damaged-file", message=str(error))
        file = check_input(str(path), content, settings)
        return replace(file, findings=(damage, *file.findings))
    file = check_system_lock(str(path), content, map(_entry, packages), settings)
    lines = Lines(content.decode())
    extra = [each for package in packages for each in _file_faults(package, lines)]
    return checked(
        file.path, [*file.findings, *extra], settings, file.format, file.packages, file.notes
    )


def _entry(package: Package) -> PackageEntry:
    return PackageEntry(
        manager=package.manager,
        name=package.name,
        version=package.version,
        files=tuple(PackageFile(each.file, (each.hash,)) for each in package.artifacts),
    )


def _file_faults(package: Package, lines: Lines) -> Iterator[Finding]:
    entry = _entry(package)
    for fault in file_faults(package, FILE_NAMES[package.manager]):
        line = lines.of_entry(entry)
        yield Finding(rule="entry-mismatch", line=line, package=package.name, message=fault)
    for artifact in package.artifacts:
        if reason := _foreign_architecture(artifact.file, package.platforms):
            line = lines.of_entry(entry)
            yield Finding(rule="platform-mismatch", line=line, package=package.name, message=reason)


def _foreign_architecture(file: str, platforms: tuple[str, ...]) -> str:
    """Return a message if a .deb file is for another architecture than all its platforms."""
    architecture = file.removesuffix(".deb").rpartition("_")[2]
    if not file.endswith(".deb") or architecture in ANY_ARCHITECTURE or not platforms:
        return ""
    known = [ARCHITECTURES[each] for each in platforms if each in ARCHITECTURES]
    if not known or any(architecture in names for names in known):
        return ""
    return f"{', '.join(platforms)} has {file}"
