"""Names that other tools give to the platforms of images. Pure."""

from collections.abc import Mapping

_NAMES: Mapping[str, tuple[str, ...]] = {
    "linux/amd64": ("linux-64", "linux-x86_64", "linux/x86_64", "linux/x86-64", "x86_64", "amd64"),
    "linux/arm64": ("linux-aarch64", "linux/aarch64", "linux/arm64/v8", "aarch64", "arm64"),
}
"""Names of conda, pip, apk, uname and dpkg, by Docker's name."""

PLATFORM_ALIASES: Mapping[str, str] = {
    alias: platform for platform, aliases in _NAMES.items() for alias in aliases
}
