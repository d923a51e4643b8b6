"""Tests of built images, before they are pushed or recorded."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from orbiter.assembly.image import AssembledImage
from orbiter.build.built_image import BuiltImage
from orbiter.build.deliver import engine_ids, load
from orbiter.config.image_tests import ImageTests
from orbiter.docker import local_images
from orbiter.image_tests.passes import find_pass, record_pass
from orbiter.image_tests.results import ImageResults, ImageTestReport
from orbiter.image_tests.run import ImageToTest, run_tests
from orbiter.image_tests.select import tested_platform
from orbiter.lockset.model import LockSet
from orbiter.tasks import Report, StartTask


class ImageTestCheck:
    """Tests built images; an instance can be the argument ``approve`` of ``build``.

    ``tests`` are those of images.toml, in the folder ``root``. Images without tests are accepted,
    and so are images that passed the same tests before. After the call, ``results`` has the
    results of the others, and ``untested`` the platforms that were not tested, by image.
    """

    def __init__(
        self,
        lock_set: LockSet,
        tests: Mapping[str, ImageTests],
        root: Path,
        start_task: StartTask,
    ) -> None:
        self.results: tuple[ImageResults, ...] = ()
        self.untested: dict[str, tuple[str, ...]] = {}
        self._release = lock_set.manifest.release
        self._tests = tests
        self._root = root
        self._start_task = start_task

    def __call__(self, built: tuple[BuiltImage, ...]) -> bool:
        """Test the images; return whether all of them pass."""
        images = [image for image in built if image.stage in self._tests]
        if images:
            report = self._start_task("tests")
            self.results = tuple(self._test(image, report) for image in images)
            report("")
        return not self.failed

    @property
    def failed(self) -> tuple[ImageResults, ...]:
        """The images with a test that did not pass."""
        return tuple(result for result in self.results if not result.passed)

    @property
    def report(self) -> ImageTestReport:
        """The report on the images that did not pass."""
        return ImageTestReport(release=self._release, images=self.failed)

    def _test(self, image: BuiltImage, report: Report) -> ImageResults:
        tests = self._tests[image.stage]
        result = _earlier_pass(image, tests) or self._run(image, tests, report)
        others = tuple(each for each in image.platforms if each != result.platform)
        if others:
            self.untested[image.stage] = others
        return result

    def _run(self, image: BuiltImage, tests: ImageTests, report: Report) -> ImageResults:
        platform = tested_platform(image.platforms)
        assembled = next(each for each in image.images if each.platform == platform)
        with _in_engine(image, assembled) as tag:
            to_test = ImageToTest(
                image=image.stage,
                release=self._release,
                tag=tag,
                platform=platform,
                id=assembled.digest,
                tests=tests,
            )
            (result,) = run_tests((to_test,), self._root, report)
        record_pass(result, tests)
        return result


def _earlier_pass(image: BuiltImage, tests: ImageTests) -> ImageResults | None:
    """Return the results of an earlier run for any platform; None if there is no pass."""
    for assembled in image.images:
        # `orbiter test` records the engine's id, which depends on its image store.
        ids = (assembled.digest, assembled.config_digest, image.digest)
        if found := find_pass(ids, assembled.platform, tests):
            return msgspec.structs.replace(found, image=image.stage)
    return None


@contextmanager
def _in_engine(image: BuiltImage, assembled: AssembledImage) -> Iterator[str]:
    """Yield a tag of the engine for an image; one that the engine lacks is removed at the end."""
    if local_images.has_image(image.tag, engine_ids(image)):
        yield image.tag
        return
    tag = f"{image.tag}.test-{secrets.token_hex(4)}"
    load(tag, (assembled,), None)
    try:
        yield tag
    finally:
        local_images.remove_image(tag)
