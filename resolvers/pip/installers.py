"""The programs from the package index that install packages in a build stage."""

import re
from collections.abc import Mapping

from resolvers.errors import ExpectedError
from resolvers.index import index
from resolvers.index.index_file import IndexFile
from resolvers.pip.markers import machine
from resolvers.types.packages import Artifact, Pin

VERSIONS: Mapping[str, str] = {"py-rattler": "0.28.0", "uv": "0.13.8"}
"""uv installs pip's packages, py-rattler those of conda."""


def installer(name: str, platform: str) -> Pin:
    """Return the wheel of an installer for a platform, with the hash that the index publishes.

    Raises ExpectedError if the index does not have it.
    """
    version = VERSIONS[name]
    start = re.escape(f"{name.replace('-', '_')}-{version}-")
    linux_wheel = re.compile(rf"{start}.*linux.*{machine(platform)}\.whl")
    # uv's musllinux wheel is linked statically, so it runs with any C library.
    musllinux_first = name == "uv"

    def preference(wheel: IndexFile) -> bool:
        return ("musllinux" in wheel.name) != musllinux_first

    files = index.configured().files(name)
    wheels = (file for file in files if linux_wheel.fullmatch(file.name))
    for wheel in sorted(wheels, key=preference):
        if digest := wheel.hashes.get("sha256"):
            artifact = Artifact(
                file=wheel.name,
                hash=f"sha256:{digest}",
                size=wheel.size,
                source=f"{name}/{wheel.name}",
            )
            return Pin(name=name, version=version, artifact=artifact)
    raise ExpectedError(
        f"the package index has no wheel of {name} {version} for {platform}",
        "use an index that has it",
    )
