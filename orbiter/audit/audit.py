"""The audit of one image: by the record of its release, file by file, or without a lock set."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec.structs import replace

from orbiter.assembly.owners import owners
from orbiter.audit.account import account
from orbiter.audit.claims import read_claims
from orbiter.audit.configuration import configuration_findings, expected_settings
from orbiter.audit.contents import Contents, hash_layers, read_contents
from orbiter.audit.image import AuditedImage
from orbiter.audit.layers import (
    added_findings,
    base_findings,
    digest_findings,
    is_recorded,
    record_findings,
)
from orbiter.audit.locked import LockedImage, LockedPackage, locked_image
from orbiter.audit.result import FAULTS, Audit, Judgement, PackageCount
from orbiter.audit.scene import Scene
from orbiter.audit.target import open_image
from orbiter.docker.objects import LOCKSET
from orbiter.lockset import folder as lockset_folder
from orbiter.lockset import record as lockset_record
from orbiter.lockset.model import LockSet, LockSetError
from orbiter.lockset.names import check_platforms, resolve_stage
from orbiter.lockset.record import RecordedImage, ReleaseRecord
from orbiter.render.derived import derive
from orbiter.store.store import Store
from orbiter.tasks import Report
from resolvers import cache
from resolvers.errors import ExpectedError
from resolvers.scratch import scratch_folder

TITLE = "org.opencontainers.image.title"


def audit(
    target: str,
    report: Report,
    *,
    lock_set: LockSet | None = None,
    stage: str = "",
    platform: str = "",
    files: bool = False,
) -> Audit:
    """Audit the image that ``target`` names; see ``orbiter.audit.target``.

    Without ``lock_set``, it is the one in ``locks/`` that the image's label names, if there is one.
    ``stage`` is the image of the lock set, by default the one that the label names. ``files`` reads
    every file even if the image equals the record of its release. Raises ExpectedError for a target
    that is not an image, and if the store lacks a package.
    """
    with (
        scratch_folder(cache.folder("new"), "audit-", cache.CACHE_HINT) as scratch,
        open_image(target, platform, scratch, report) as image,
    ):
        found = lock_set or find_lock_set(image.config.labels.get(LOCKSET, ""))
        if found is None:
            return _listed(image, scratch, report)
        name = _stage(image, found, stage)
        return audit_image(image, found, name, scratch, report, files=files)


def audit_image(
    image: AuditedImage,
    lock_set: LockSet,
    stage: str,
    scratch: Path,
    report: Report,
    *,
    files: bool = False,
) -> Audit:
    """Audit an image that must be a stage of a lock set; ``scratch`` is an empty folder.

    Raises ExpectedError if the store lacks a package, and for a platform without a lock.
    """
    check_platforms(lock_set, [image.config.platform])
    recorded = _recorded(lock_set, stage, image.config.platform)
    if recorded and is_recorded(image, recorded) and not files:
        return _as_recorded(image, lock_set, stage, report)
    return _by_files(image, lock_set, stage, recorded, scratch, report)


def find_lock_set(root: str) -> LockSet | None:
    """Return the lock set in ``locks/`` with a root digest, None if there is none."""
    for release in lockset_folder.releases() if root else ():
        folder = lockset_folder.release_folder(release)
        if _root(folder) == root:
            return lockset_folder.read(folder)
    return None


def _root(folder: Path) -> str:
    """Return the root digest of a lock set, without checking it."""
    with (folder / "lockset.toml").open(encoding="utf-8", errors="replace") as file:
        return file.readline(200).strip().removeprefix('root = "').removesuffix('"')


def _stage(image: AuditedImage, lock_set: LockSet, name: str) -> str:
    """Return the stage of the lock set that an image must be.

    That is the name on the command line, the one in the tag, or else the one of the label.
    """
    if name:
        return resolve_stage(lock_set, name)
    names = [each.name for each in lock_set.image_set.stages if each.kind == "final"]
    suffix = f"-{lock_set.manifest.release}"
    for stage in names:
        if image.name.endswith((f":{stage}{suffix}", f"/{stage}{suffix}.tar")):
            return stage
    title = image.config.labels.get(TITLE, "")
    if title in names:
        return title
    problem = f"release {lock_set.manifest.release} has no image {title!a}"
    raise ExpectedError(problem, f"choose one with --image: {', '.join(names)}")


def _recorded(lock_set: LockSet, stage: str, platform: str) -> RecordedImage | None:
    """Return the record of an image, None if its lock set was not released."""
    folder = lockset_folder.release_folder(lock_set.manifest.release)
    if not lockset_folder.is_released(folder):
        return None
    try:
        record: ReleaseRecord = lockset_record.read(folder, lock_set)
    except LockSetError:
        if _root(folder) != lock_set.root:
            return None
        raise
    return record.digests.stages.get(stage, {}).get(platform)


def _head(image: AuditedImage, lock_set: LockSet, stage: str) -> Audit:
    return Audit(
        image=image.name,
        digest=image.digest,
        config_digest=image.config_digest,
        platform=image.config.platform,
        method="record",
        release=lock_set.manifest.release,
        stage=stage,
        root=lock_set.root,
    )


def _as_recorded(image: AuditedImage, lock_set: LockSet, stage: str, report: Report) -> Audit:
    """Return the answer for an image that equals the record, whose layers are only hashed."""
    report(f"hashing {len(image.layers)} layers")
    findings = tuple(digest_findings(image, hash_layers(image.layers)))
    return replace(_head(image, lock_set, stage), findings=findings, counts=_counts(findings))


def _by_files(
    image: AuditedImage,
    lock_set: LockSet,
    stage: str,
    recorded: RecordedImage | None,
    scratch: Path,
    report: Report,
) -> Audit:
    """Return the verdicts on every path, on the configuration and on the layers."""
    store = Store()
    locked = locked_image(lock_set, derive(lock_set), stage, image.config.platform, store)
    contents = read_contents(image.name, image.layers, scratch, report)
    claims = read_claims(locked, contents.tree, store, report)
    steps = (each.created_by for each in image.config.history or () if not each.empty_layer)
    scene = Scene(
        contents=contents,
        locked=locked,
        claims=claims,
        store=store,
        report=report,
        steps=tuple(steps),
    )
    report("checking files")
    judgements = account(scene, recorded)
    others = [*_configuration(image, locked), *_layers(image, contents, locked, recorded)]
    findings = [each for each in (*others, *judgements) if each.verdict in FAULTS]
    return replace(
        _head(image, lock_set, stage),
        method="files",
        entries=len(contents.tree),
        counts=_counts((*others, *judgements)),
        rules=dict(
            sorted(Counter(each.rule for each in judgements if _is_explained(each)).items())
        ),
        findings=tuple(sorted(findings, key=_order)),
        packages=_packages(judgements, {each.owner: each.version for each in _all(locked)}),
    )


def _is_explained(judgement: Judgement) -> bool:
    return judgement.verdict == "explained"


def _all(locked: LockedImage) -> list[LockedPackage]:
    managers = ("apk", "apt", "conda", "npm", "pip")
    return [package for manager in managers for package in locked.packages(manager)]


def _order(judgement: Judgement) -> tuple[object, ...]:
    kinds = ("configuration", "layer", "file")
    return kinds.index(judgement.kind), FAULTS.index(judgement.verdict), judgement.path


def _configuration(image: AuditedImage, locked: LockedImage) -> list[Judgement]:
    texts = [locked.texts[f"{each.stage.name}/Dockerfile"] for each in locked.lineage]
    expected = expected_settings(locked.base_settings(), texts, locked.lock_set.root)
    created = locked.lock_set.manifest.source_date_epoch
    return configuration_findings(image.config, expected, created)


def _layers(
    image: AuditedImage,
    contents: Contents,
    locked: LockedImage,
    recorded: RecordedImage | None,
) -> list[Judgement]:
    base = [layer.diff_id for layer in locked.base.layers]
    stages = [each.stage.name for each in locked.lineage]
    found = [
        *digest_findings(image, contents.layers),
        *base_findings(image, base),
        *added_findings(image, contents, len(base), stages),
    ]
    known = {each.path for each in found}
    if recorded:
        found += [each for each in record_findings(image, recorded) if each.path not in known]
    return found


def _counts(judgements: Iterable[Judgement]) -> dict[str, int]:
    return dict(sorted(Counter(each.verdict for each in judgements).items()))


def _packages(
    judgements: Iterable[Judgement], versions: Mapping[str, str]
) -> tuple[PackageCount, ...]:
    counts = Counter(each.owner for each in judgements if each.owner)
    return tuple(
        PackageCount(package=owner, version=versions.get(owner, ""), files=files)
        for owner, files in sorted(counts.items())
    )


def _listed(image: AuditedImage, scratch: Path, report: Report) -> Audit:
    """Return the packages of an image, by the records in it, and its files without a package."""
    contents = read_contents(image.name, image.layers, scratch, report)
    files = [path for path, entry in contents.tree.items() if entry.kind != "folder"]
    found = owners(contents.tree, contents.tree, contents.read)
    counts = Counter(found.values())
    unowned = sorted({*files, *contents.special} - found.keys())
    findings = tuple(digest_findings(image, contents.layers))
    root = image.config.labels.get(LOCKSET, "")
    notes = [f"the image names the lock set {root}, which is not in locks/"] if root else []
    return Audit(
        image=image.name,
        digest=image.digest,
        config_digest=image.config_digest,
        platform=image.config.platform,
        method="list",
        entries=len(contents.tree),
        counts=_counts(findings),
        findings=findings,
        packages=tuple(
            PackageCount(package=owner, files=counts[owner]) for owner in sorted(counts)
        ),
        unowned=tuple(unowned),
        notes=tuple(notes),
    )
