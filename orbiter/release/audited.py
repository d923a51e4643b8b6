"""Audits of built images, before they are pushed or recorded."""

from collections.abc import Iterator

from orbiter.assembly.image import AssembledImage
from orbiter.audit.audit import audit_image
from orbiter.audit.image import AuditedImage, ImageLayer, LocalBlob, read_config
from orbiter.audit.result import Audit, Judgement, Verdict
from orbiter.build.built_image import BuiltImage
from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.stage_graph import ENVIRONMENT_MANAGERS, ancestors
from orbiter.images.audits import AuditedStage, record_audit
from orbiter.lockset.model import LockSet
from orbiter.tasks import Report, StartTask
from resolvers import cache
from resolvers.scratch import scratch_folder

UNDERIVABLE: frozenset[Verdict] = frozenset({"missing", "unknown"})
"""The verdicts on files that follow from no package, such as those that commands write."""


class AuditCheck:
    """Audits built images; an instance is the argument ``approve`` of ``build``.

    Unless it ``is_required``, it accepts all images. ``first`` is for images that no release has
    recorded yet. Files that commands of images.toml write or remove cannot be derived then, so
    they are not a reason to reject an image. After the call, ``results`` has the audits, and
    ``rejected`` those that do not pass.
    """

    def __init__(
        self,
        lock_set: LockSet,
        start_task: StartTask,
        *,
        is_required: bool = True,
        first: bool = False,
    ) -> None:
        self.results: tuple[Audit, ...] = ()
        self._lock_set = lock_set
        self._start_task = start_task
        self._is_required = is_required
        self._first = first

    def __call__(self, built: tuple[BuiltImage, ...]) -> bool:
        """Audit the images; return whether all of them pass."""
        if not self._is_required:
            return True
        report = self._start_task("audit")
        self.results = tuple(self._audits(built, report))
        report("")
        return not self.rejected

    @property
    def rejected(self) -> tuple[Audit, ...]:
        """The audits with a finding that counts."""
        return tuple(result for result in self.results if self._findings(result))

    def _audits(self, built: tuple[BuiltImage, ...], report: Report) -> Iterator[Audit]:
        for image in built:
            for assembled in image.images:
                with scratch_folder(cache.folder("new"), "audit-", cache.CACHE_HINT) as scratch:
                    audited = audited_image(image.tag, assembled)
                    result = audit_image(audited, self._lock_set, image.stage, scratch, report)
                self._record(result, image.digest)
                yield result

    def _record(self, result: Audit, index_digest: str) -> None:
        # The engine's id of an image is the digest of its index, if it has one.
        ids = (result.digest, result.config_digest, index_digest)
        stage = AuditedStage(root=result.root, name=result.stage)
        record_audit(ids, stage, len(self._findings(result)))

    def _findings(self, result: Audit) -> list[Judgement]:
        """Return the findings that count."""
        excused: frozenset[Verdict] = frozenset()
        if self._first and runs_commands(self._lock_set.image_set, result.stage):
            excused = UNDERIVABLE
        return [
            each for each in result.findings if each.kind != "file" or each.verdict not in excused
        ]


def audited_image(tag: str, image: AssembledImage) -> AuditedImage:
    """Return a built image as an audit reads it."""
    return AuditedImage(
        name=tag,
        digest=image.digest,
        config_digest=image.config_digest,
        config=read_config(image.config, tag),
        layers=tuple(
            ImageLayer(layer.diff_id, LocalBlob(layer.path, 0, layer.size, layer.digest))
            for layer in image.layers
        ),
    )


def runs_commands(image_set: ImageSet, name: str) -> bool:
    """Return whether commands, compilers or an own template make files of an image. Pure."""
    if image_set.template:
        return True
    stages = {stage.name: stage for stage in image_set.stages}
    lineage = (name, *ancestors(image_set, stages[name], ENVIRONMENT_MANAGERS[0]))
    return any(_has_commands(stages[each]) for each in lineage)


def _has_commands(stage: Stage) -> bool:
    return any((stage.prebuild, stage.normalize, stage.postbuild, stage.sources))
