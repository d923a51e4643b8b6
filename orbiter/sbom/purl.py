"""Package URLs, which name a package across managers. Pure.

Specification: https://github.com/package-url/purl-spec
"""

from collections.abc import Mapping
from urllib.parse import quote

from resolvers.apt.source_field import SourcePackage

SAFE = "-._~:"
"""Characters besides letters and digits that stay as they are."""


def purl(
    kind: str,
    name: str,
    version: str = "",
    *,
    namespace: str = "",
    qualifiers: Mapping[str, str] | None = None,
) -> str:
    """Return the package URL; qualifiers without a value are left out."""
    parts = [kind, *namespace.split("/"), name]
    path = "/".join(quote(part, safe=SAFE) for part in parts if part)
    at = f"@{quote(version, safe=SAFE)}" if version else ""
    pairs = sorted((key, value) for key, value in (qualifiers or {}).items() if value)
    query = "&".join(f"{key}={quote(value, safe=f'{SAFE}/')}" for key, value in pairs)
    return f"pkg:{path}{at}{'?' if query else ''}{query}"


def with_qualifier(text: str, key: str, value: str) -> str:
    """Return a package URL with another value of a qualifier."""
    path, _, query = text.partition("?")
    pairs = [pair for pair in query.split("&") if pair and not pair.startswith(f"{key}=")]
    pairs.append(f"{key}={quote(value, safe=f'{SAFE}/')}")
    return f"{path}?{'&'.join(sorted(pairs))}"


def upstream(source: SourcePackage, version: str) -> str:
    """Return the qualifier for the source of a Debian package that has this version."""
    return source.name if source.version == version else f"{source.name}@{source.version}"


def image_purl(reference: str, tag: str, digest: str = "") -> str:
    """Return the package URL of an image; ``reference`` has neither tag nor digest."""
    qualifiers = {"repository_url": reference, "tag": tag}
    return purl("oci", reference.rpartition("/")[2].lower(), digest, qualifiers=qualifiers)
