"""Recognises a build step that failed because it wanted the network. Pure."""

import re

STEP = "--network=none"
"""Part of the name of a step without network."""
SIGNS = re.compile(
    r"""
    ENOTFOUND | EAI_AGAIN | ENETUNREACH | ENOTCACHED | getaddrinfo  # Node.js, npm, node-gyp, Python
    | [Cc]ould\ not\ resolve\ (host|proxy)                          # curl, git
    | [Tt]emporary\ failure\ (in\ name\ resolution|resolving)       # Python, wget, apt
    | (unable|[Ff]ailed)\ to\ resolve | [Nn]ame\ or\ service\ not\ known    # wget, pip
    | bad\ address | [Nn]etwork\ (is\ )?unreachable | DNS:\ transient\ error    # busybox, apk
    | dns\ error | no\ such\ host | [Cc]ould\ not\ resolve\ hostname        # Rust, Go, ssh
    """,
    re.VERBOSE,
)
HINT = (
    "the network is off during builds: lock what the step downloads as a package, "
    "or set network = true for this stage, which makes the image not hermetic"
)
NPM_HINT = (
    "the network is off during builds: an install script of a package in npm-scripts wanted to "
    "download a file; remove the package from npm-scripts, add the compilers and headers that it "
    "needs to build from source, or set network = true for this stage"
)


def wants_network(line: str) -> bool:
    """Return whether a line of output says that an address could not be reached."""
    return bool(SIGNS.search(line))


def network_hint(step: str, title: str) -> str:
    """Return the remedy for a step that wanted the network; empty if the step had it.

    ``step`` is the step's complete name, ``title`` the short one.
    """
    if STEP not in step:
        return ""
    return NPM_HINT if title == "npm" else HINT
