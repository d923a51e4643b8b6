"""The provenance of an image, from its lock set and the record of its release. Pure.

Formats: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md and
https://slsa.dev/spec/v1.1/provenance. docs/reference/provenance.md describes the build type. Once
images are signed, its fields never change: a change needs another build type.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from orbiter.attest.dependencies import Descriptor, dependencies, digest_set, lineage
from orbiter.config.image_set import Stage
from orbiter.lockset.model import LockSet
from orbiter.lockset.names import resolve_stage
from orbiter.lockset.record import Digests, RecordedImage
from orbiter.render.bake_file import tag
from orbiter.sbom.collect import bill_of
from resolvers.errors import ExpectedError

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
PAGE = "https://github.com/dorgeln/orbiter/blob/main/docs/reference/provenance.md"
BUILD_TYPE = f"{PAGE}#build-type-v1"
BUILDER = f"{PAGE}#builder"


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """The statement about the image ``stage``, without the index of a registry.

    ``reference`` is its name with the tag. ``images`` are the recorded images by platform.
    ``is_hermetic`` says that no step of the build had network access.
    """

    stage: str
    reference: str
    images: Mapping[str, RecordedImage]
    predicate: Mapping[str, Any]
    is_hermetic: bool

    @property
    def digests(self) -> frozenset[str]:
        """The digests of the manifests of all platforms."""
        return frozenset(image.digest for image in self.images.values())

    def statement(self, index: str = "") -> str:
        """Return the statement as JSON; equal values give equal bytes.

        ``index`` is the digest of the index that names the images of several platforms.
        """
        document = {
            "_type": STATEMENT_TYPE,
            "subject": list(self._subjects(index)),
            "predicateType": PREDICATE_TYPE,
            "predicate": self.predicate,
        }
        return json.dumps(document, indent=2) + "\n"

    def _subjects(self, index: str) -> Iterator[Descriptor]:
        if index:
            yield {"name": self.reference, "digest": digest_set(index)}
        for platform, image in sorted(self.images.items()):
            name = f"{self.reference} ({platform})" if len(self.images) > 1 else self.reference
            yield {"name": name, "digest": digest_set(image.digest)}


def provenance_of(lock_set: LockSet, digests: Digests, name: str) -> Provenance:
    """Return the provenance of an image of a release.

    Raises ExpectedError for an unknown image, and for a stage that is not an image.
    """
    stage = _image(lock_set, resolve_stage(lock_set, name))
    images = digests.stages[stage.name]
    stages = lineage(lock_set, stage)
    bill = bill_of(lock_set, stages, tuple(images))
    is_hermetic = all(image.is_hermetic for image in bill.images)
    definition = {
        "buildType": BUILD_TYPE,
        "externalParameters": {
            "image": stage.name,
            "lockset": lock_set.root,
            "release": digests.release,
        },
        "internalParameters": {
            "assembly": lock_set.manifest.assembly,
            "hermetic": is_hermetic,
        },
        "resolvedDependencies": dependencies(lock_set, stages, tuple(images), bill),
    }
    builder = {"id": BUILDER, "version": _versions(lock_set, digests)}
    return Provenance(
        stage=stage.name,
        reference=tag(lock_set.image_set, stage.name),
        images=images,
        predicate={"buildDefinition": definition, "runDetails": {"builder": builder}},
        is_hermetic=is_hermetic,
    )


def _image(lock_set: LockSet, name: str) -> Stage:
    images = {stage.name: stage for stage in lock_set.image_set.stages if stage.kind == "final"}
    if name not in images:
        problem = f"'{name}' is not an image of release {lock_set.manifest.release}"
        raise ExpectedError(problem, f"choose one of {', '.join(images)}")
    return images[name]


def _versions(lock_set: LockSet, digests: Digests) -> dict[str, str]:
    """Return the versions of the programs that made the images, and of Orbiter as it locked."""
    recorded = msgspec.to_builtins(digests.builder)
    versions = {"orbiter": lock_set.manifest.tools.get("orbiter", ""), **recorded}
    return {name: version for name, version in sorted(versions.items()) if version}
