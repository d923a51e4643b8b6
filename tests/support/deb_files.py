"""Small Debian packages, as bytes."""

import io
import tarfile


def deb(
    name: str = "tool",
    version: str = "1.0",
    architecture: str = "amd64",
    more: str = "",
    data: bytes = b"",
) -> bytes:
    """Return a package with one file, /opt/<name>, or with the compressed tar file ``data``.

    ``more`` are further lines of its control.
    """
    control = (
        f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\n"
        f"Maintainer: T <t@example.org>\n{more}Description: t\n"
    )
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": _tar({"./control": control.encode()}),
        "data.tar.gz": data or _tar({f"./opt/{name}": f"{name} {version}\n".encode()}),
    }
    return b"!<arch>\n" + b"".join(_member(name, content) for name, content in members.items())


def _member(name: str, content: bytes) -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
    return header + content + b"\n" * (len(content) % 2)


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
