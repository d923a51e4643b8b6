"""The repositories of images.toml as a resolver of system packages needs them."""

from orbiter.config.image_set import Builder, RepositoryFile
from orbiter.config.repositories import used_repositories
from orbiter.locking.work import LockRun
from orbiter.lockset.model import to_bytes
from orbiter.lockset.own_files import kept_path
from resolvers.types.options import SystemRepository


def system_repositories(
    run: LockRun, builder: Builder, manager: str
) -> tuple[SystemRepository, ...]:
    """Return the repositories that a builder's packages may come from, with their keys."""
    return tuple(
        SystemRepository(
            name=name,
            url=repository.url,
            suite=repository.suite,
            components=repository.components,
            tag=repository.tag,
            key=_content(run, repository.key),
            key_name=repository.key_name,
            fingerprint=repository.fingerprint,
        )
        for name, repository in sorted(used_repositories(run.image_set, builder, manager).items())
    )


def _content(run: LockRun, key: RepositoryFile | None) -> bytes:
    return to_bytes(run.own_files[kept_path(key)]) if key else b""
