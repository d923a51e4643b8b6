"""Binder and JupyterHub: a Dockerfile for an environment repository, and links that open content.

The links are those of nbgitpuller: its page ``git-pull`` pulls a repository into the home folder of
the user, then opens a path of it. https://nbgitpuller.readthedocs.io/en/latest/link.html
"""

import re
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import SplitResult, quote, urlencode, urlsplit

import msgspec

from orbiter.config.stage_graph import runtime_of
from orbiter.files import is_special, write_text
from orbiter.lockset.model import LockSet
from orbiter.lockset.record import Digests
from orbiter.oci.reference import parse_reference
from orbiter.render.environment import environment_dockerfile, is_environment_dockerfile
from resolvers.errors import ExpectedError, read_problem
from resolvers.net.addresses import is_loopback, is_url

Interface = Literal["lab", "notebook"]
MYBINDER = "https://mybinder.org"
EXAMPLE_HUB = "https://hub.example.org"
HUB_PAGE = re.compile(r"/hub(?:/home)?$")
"""The end of the address that a browser shows on a JupyterHub."""
NOT_A_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|^[-/]|//|[/.]$")
"""Text that git does not allow in the name of a branch or a tag."""
UID = "1000"
"""The uid of containers on Binder, which refuses root."""
PREFERRED_PLATFORM = "linux/amd64"
"""The platform of mybinder.org."""


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """A repository with notebooks, and the page that opens.

    ``url`` is the address that git clones, ``path`` a file or folder of it, "" for all of it.
    """

    url: str
    branch: str = ""
    path: str = ""
    interface: Interface = "lab"


def dockerfile(lock_set: LockSet, digests: Digests, stage: str, *, copy: bool) -> str:
    """Return a Dockerfile that starts from a released image.

    ``copy`` adds the files of the repository. Of an image for several platforms, the digest is that
    of linux/amd64 if there is one.
    """
    images = digests.stages[stage]
    image = images.get(PREFERRED_PLATFORM) or next(iter(images.values()))
    tag = f"{lock_set.image_set.repository}:{stage}-{digests.release}"
    name = f"{tag}@{image.digest}"
    return environment_dockerfile(name, stage, digests.release, copy=copy)


def write_dockerfile(path: Path, text: str) -> None:
    """Write the Dockerfile with its folder.

    Raises ExpectedError if the file is there and Orbiter did not write it.
    """
    if is_special(path):
        raise ExpectedError(f"{path} is not a regular file", "name another --folder")
    try:
        if path.exists() and not is_environment_dockerfile(path.read_text(encoding="utf-8")):
            raise ExpectedError(
                f"{path} exists, and orbiter binder did not write it",
                "rename it, or name another --folder",
            )
        path.parent.mkdir(exist_ok=True)
    except (OSError, UnicodeDecodeError) as error:
        raise ExpectedError(
            f"cannot write {path}: {read_problem(error)}", "name another --folder"
        ) from error
    write_text(path, text)


def hub_link(hub: str, content: Content) -> str:
    """Return the address that opens the content for the user who is logged in to a JupyterHub."""
    base = HUB_PAGE.sub("", _base(hub, EXAMPLE_HUB))
    return f"{base}/hub/user-redirect/{_pull(content)}"


def binder_link(binder: str, environment: str, ref: str, content: Content | None) -> str:
    """Return the address that starts the environment repository on Binder and opens the content."""
    _check_ref(ref)
    link = f"{_base(binder)}/v2/{_provider(environment)}/{quote(ref, safe='/')}"
    return f"{link}?{urlencode({'urlpath': _pull(content)}, quote_via=quote)}" if content else link


def badge(binder: str, link: str) -> str:
    """Return Binder's badge in Markdown."""
    return f"[![Launch on Binder]({_base(binder)}/badge_logo.svg)]({link})"


def other_user(lock_set: LockSet, stage: str) -> str:
    """Return the user of an image whose uid is not Binder's, "" if it is Binder's."""
    image_set = lock_set.image_set
    (found,) = (each for each in image_set.stages if each.name == stage)
    own = runtime_of(image_set, found).user.partition(":")[0]
    notebook_user = image_set.user
    uid = str(notebook_user.uid) if own in {"", notebook_user.name} else own
    return "" if uid == UID else own or uid


def is_on_this_machine(repository: str) -> bool:
    """Return whether the registry of an image repository listens on the loopback interface."""
    registry = parse_reference(repository).registry
    return is_loopback(urlsplit(f"//{registry}").hostname or "")


def check_content(content: Content) -> None:
    """Raise ExpectedError if the address, the branch or the path cannot be opened."""
    _check_repository(content.url)
    if content.branch:
        _check_ref(content.branch)
    path = PurePosixPath(content.path)
    if path.is_absolute() or ".." in path.parts or not content.path.isprintable():
        raise ExpectedError(
            f"'{content.path}' is not a path in the repository", "write it like week1/index.ipynb"
        )


def _pull(content: Content) -> str:
    """Return the page of nbgitpuller with the content's query."""
    folder = content.url.rstrip("/").rpartition("/")[2]
    name = folder.removesuffix(".git")
    path = "/".join(filter(None, (name, content.path)))
    prefix = "lab/tree" if content.interface == "lab" else _classic(content.path)
    query = {"repo": content.url, "urlpath": f"{prefix}/{path}"}
    if content.branch:
        query["branch"] = content.branch
    if name != folder:
        query["targetpath"] = name
    return f"git-pull?{urlencode(query, quote_via=quote)}"


def _classic(path: str) -> str:
    """Return the page of Jupyter Notebook that opens a path."""
    return "notebooks" if path.endswith(".ipynb") else "tree"


def _provider(environment: str) -> str:
    """Return Binder's name of a repository: ``gh/user/name``, or its quoted address."""
    _check_repository(environment)
    parts = urlsplit(environment)
    path = parts.path.strip("/").removesuffix(".git")
    if parts.hostname == "github.com":
        return f"gh/{quote(path)}"
    if parts.hostname == "gitlab.com":
        return f"gl/{quote(path, safe='')}"
    return f"git/{quote(environment, safe='')}"


def _check_repository(url: str) -> None:
    problem, example = "is not the address of a repository", "https://github.com/user/notebooks"
    if not _public_parts(url, problem, example).path.strip("/"):
        raise ExpectedError(f"'{url}' {problem}", f"write it like {example}")


def _check_ref(ref: str) -> None:
    if not ref or NOT_A_REF.search(ref):
        raise ExpectedError(f"'{ref}' is not a branch, tag or commit", "write it like main")


def _base(url: str, example: str = MYBINDER) -> str:
    problem = "is not the address of a server"
    parts = _public_parts(url, problem, example)
    if parts.query or parts.fragment:
        raise ExpectedError(f"'{url}' {problem}", f"write it like {example}")
    return url.rstrip("/")


def _public_parts(url: str, problem: str, example: str) -> SplitResult:
    """Return the parts of an address; raise ExpectedError if it cannot be part of a link."""
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise ExpectedError(
            "the address of a public link contains credentials",
            "everybody can read them in the link; remove them",
        )
    parts = urlsplit(url) if is_url(url) else SplitResult("", "", "", "", "")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ExpectedError(f"'{url}' {problem}", f"write it like {example}")
    return parts
