"""The images of a release to test, and their platform."""

from collections.abc import Collection, Mapping, Sequence

from orbiter.config.image_tests import ImageTests
from orbiter.docker import client, local_images
from orbiter.image_tests.results import NotTested
from orbiter.image_tests.run import ImageToTest
from orbiter.images.start import find_built_tag
from orbiter.lockset.model import LockSet
from orbiter.lockset.names import resolve_stages
from resolvers.errors import ExpectedError

ADD = 'add verify = ["COMMAND"] to images in images.toml'


def built_images(
    lock_set: LockSet,
    names: Sequence[str],
    platform: str,
    tests: Mapping[str, ImageTests],
) -> tuple[ImageToTest, ...]:
    """Return the engine's images of a release that have tests; ``names`` limits them.

    Raises ExpectedError if there are none, or if one of them is not built.
    """
    wanted = resolve_stages(lock_set, names)
    if missing := [name for name in wanted if name not in tests]:
        raise ExpectedError(f"{', '.join(missing)}: images.toml has no tests for this image", ADD)
    images = wanted or tested_stages(lock_set, tests)
    if not images:
        release = lock_set.manifest.release
        raise ExpectedError(f"images.toml has no tests for the images of release {release}", ADD)
    chosen = platform or tested_platform(lock_set.image_set.platforms)
    return tuple(_image(lock_set, name, chosen, tests[name]) for name in images)


def tested_stages(lock_set: LockSet, tests: Collection[str]) -> tuple[str, ...]:
    """Return the images of a release that have tests today."""
    finals = (stage.name for stage in lock_set.image_set.stages if stage.kind == "final")
    return tuple(name for name in finals if name in tests)


def tested_platform(platforms: Sequence[str]) -> str:
    """Return the platform to test: the engine's own one, or else the first of the images."""
    native = client.native_platform()
    return native if native in platforms else platforms[0]


def untested(
    lock_set: LockSet, images: Sequence[ImageToTest], tests: Collection[str]
) -> tuple[NotTested, ...]:
    """Return the images and platforms of a release that are not tested, and why."""
    found = []
    tested = {image.image: image.platform for image in images}
    for stage in lock_set.image_set.stages:
        if stage.kind != "final":
            continue
        if stage.name not in tests:
            reason = "images.toml has no tests for it"
            found.append(NotTested(image=stage.name, platform="", reason=reason))
        elif stage.name in tested:
            others = [each for each in lock_set.image_set.platforms if each != tested[stage.name]]
            reason = f"tested for {tested[stage.name]} only"
            found += [NotTested(image=stage.name, platform=each, reason=reason) for each in others]
    names = {stage.name for stage in lock_set.image_set.stages}
    reason = "the release does not have this image"
    found += [
        NotTested(image=each, platform="", reason=reason) for each in sorted({*tests} - names)
    ]
    return tuple(found)


def _image(lock_set: LockSet, name: str, platform: str, tests: ImageTests) -> ImageToTest:
    tag = find_built_tag(lock_set, name)
    found = local_images.find_image(tag)
    return ImageToTest(
        image=name,
        release=lock_set.manifest.release,
        tag=tag,
        platform=platform,
        id=str(found.id) if found else "",
        tests=tests,
    )
