"""The content of a bill of materials, whatever its format."""

from typing import Literal

import msgspec

Kind = Literal["package", "file", "base"]


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """A package, a file with an address, an own file, or a base image.

    ``ref`` is unique in a bill. ``hash`` is ``<algorithm>:<hex>`` of the file ``file``, or empty
    for a package inside of another one, whose ref is then ``inside``. ``license`` is the text that
    the lock or the package has. ``supplier`` distributes the package, and ``maintainer`` is the
    person or team that the package names. ``source`` is the source of the artifact, as locks have
    it, and ``address`` the complete address of the file if the lock has one. ``source_package`` is
    the package of the distribution that this one was built from, with its version if that is known.
    ``requires`` are refs.
    """

    ref: str
    kind: Kind = "package"
    manager: str = ""
    name: str
    version: str = ""
    purl: str = ""
    file: str = ""
    hash: str = ""
    license: str = ""
    supplier: str = ""
    maintainer: str = ""
    source: str = ""
    address: str = ""
    source_package: str = ""
    inside: str = ""
    requires: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """An image or stage on one platform.

    ``components`` are the refs of everything in it. ``is_hermetic`` says that no step of its build
    had network access.
    """

    ref: str
    name: str
    platform: str
    purl: str
    components: tuple[str, ...]
    is_hermetic: bool


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """A bill of materials for images of a release; all parts are sorted.

    ``root`` is the root digest of the lock set. ``serial`` is a UUID, and ``time`` is in ISO 8601.
    ``orbiter`` is the version of Orbiter that made the bill.
    """

    name: str
    release: str
    root: str
    serial: str
    time: str
    orbiter: str
    maintainer: str = ""
    source: str = ""
    images: tuple[Image, ...]
    components: tuple[Component, ...]

    @property
    def incomplete(self) -> tuple[str, ...]:
        """The refs of base images, and of images whose build had network access, sorted.

        The lock set does not name everything in them.
        """
        bases = (component.ref for component in self.components if component.kind == "base")
        open_images = (image.ref for image in self.images if not image.is_hermetic)
        return tuple(sorted((*bases, *open_images)))
