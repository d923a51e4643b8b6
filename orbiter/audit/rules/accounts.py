"""Users and groups: those of the base, of the packages, and the notebook user. passwd(5)."""

import re
from collections import Counter
from collections.abc import Iterator

from orbiter.audit.here_documents import here_documents
from orbiter.audit.result import Judgement
from orbiter.audit.rules.dpkg import base_text
from orbiter.audit.scene import Pending, Scene, changed, check_file

FILES = ("passwd", "group", "shadow", "gshadow")
MASTER = re.compile(r"cat > \"?\$?(?:DPKG_ROOT)?/etc/(?P<name>passwd|group)\"? <<'?(?P<end>EOF)'?$")
CREATION = re.compile(
    r"(?:adduser|addgroup|useradd|groupadd|systemd-sysusers)\b(?:[^\\\n]|\\[\s\S])*"
)
"""A command that creates accounts, with the lines that continue it."""
USER = re.compile(r"[^:]+:x:\d+:\d+:[^:]*:[^:]+:[^:]+")
GROUP = re.compile(r"[^:]+:x:\d+:")
SYSTEM_IDS = range(1, 1000)
NO_LOGIN = frozenset({"/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/false"})
SHADOW_GROUP = 42


def accounts(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check /etc/passwd, /etc/group and the files with their passwords, line by line."""
    for name in FILES:
        path = f"etc/{name}"
        if path in pending and path in scene.tree:
            is_secret = name.endswith("shadow")
            mode, group = (0o640, SHADOW_GROUP) if is_secret else (0o644, 0)
            problem = check_file(scene, path, None, mode=mode, owner=(0, group))
            reason = _problem(scene, name)
            yield changed(path, reason) if reason and problem.verdict != "changed" else problem


def _problem(scene: Scene, name: str) -> str:
    """Return the first line that is not expected or missing, or ""."""
    lines = scene.text(f"etc/{name}").splitlines()
    if not scene.text(f"etc/{name}").endswith("\n"):
        return "the last line has no end"
    known = _known_lines(scene, name)
    for number, line in enumerate(lines, 1):
        if line not in known and not _is_system_account(scene, name, line):
            return f"line {number}: {line!a} is neither a locked account nor [user]"
    missing = [line for line in known if line not in lines]
    names = Counter(line.partition(":")[0] for line in lines)
    doubled = sorted(name for name, number in names.items() if number > 1)
    if missing:
        return f"the line {missing[0]!a} is missing"
    return f"{doubled[0]!a} has several lines" if doubled else ""


def _known_lines(scene: Scene, name: str) -> list[str]:
    """Return the lines of the base and of the notebook user."""
    base = base_text(scene, f"etc/{name}").splitlines() or _master_lines(scene, name)
    user = scene.locked.user
    shell = _shell(scene)
    own = {
        "passwd": f"{user.name}:x:{user.uid}:{user.gid}::/home/{user.name}:/bin/{shell}",
        "shadow": f"{user.name}:*:::::::",
    }.get(name)
    kept = [line for line in base if not own or not _is_replaced(line, name, scene)]
    if name == "group" and not any(line.split(":")[2] == str(user.gid) for line in kept):
        own = f"{user.name}:x:{user.gid}:"
    return [*kept, own] if own else kept


def _is_replaced(line: str, name: str, scene: Scene) -> bool:
    """Return whether the notebook user replaces an account of the base image."""
    fields = line.split(":")
    user = scene.locked.user
    return fields[0] == user.name or (name == "passwd" and fields[2] == str(user.uid))


def _shell(scene: Scene) -> str:
    for stage_plan in scene.locked.lineage:
        text = scene.locked.texts[f"{stage_plan.stage.name}/Dockerfile"]
        if match := re.search(r"SHELL=/bin/(\w+)", text):
            return match[1]
    return "sh"


def _master_lines(scene: Scene, name: str) -> list[str]:
    """Return the lines that the package base-passwd gives a new system.

    shadowconfig then moves the passwords into other files, without dates of their change.
    """
    masters: dict[str, list[str]] = {}
    for each, script in scene.scripts():
        if each.package.name == "base-passwd":
            for match, text in here_documents(script, MASTER):
                masters[match["name"]] = text.splitlines()
    lines = [line.split(":") for line in masters.get("passwd", ())]
    groups = [line.split(":") for line in masters.get("group", ())]
    day = _shadow_day(scene)
    return {
        "passwd": [":".join((fields[0], "x", *fields[2:])) for fields in lines],
        "group": [":".join((fields[0], "x", *fields[2:])) for fields in groups],
        "shadow": [f"{fields[0]}:*:{day}:0:99999:7:::" for fields in lines],
        "gshadow": [f"{fields[0]}:*::" for fields in groups],
    }[name]


def _shadow_day(scene: Scene) -> int:
    """Return the day of the last change of passwords: that of SOURCE_DATE_EPOCH."""
    text = scene.locked.texts[f"{scene.locked.lineage[0].stage.name}/Dockerfile"]
    match = re.search(r"^ARG SOURCE_DATE_EPOCH=(\d+)", text, re.MULTILINE)
    return int(match[1]) // 86400 if match else 0


def _is_system_account(scene: Scene, name: str, line: str) -> bool:
    """Return whether a package's script creates an account without rights and without a shell."""
    fields = line.split(":")
    account = fields[0]
    creating = [script for _, script in scene.scripts() if _creates(account, script)]
    if not creating:
        return False
    if name == "passwd":
        return bool(USER.fullmatch(line)) and _is_unprivileged(fields, creating)
    if name == "group":
        return bool(GROUP.fullmatch(line))
    return fields[1] in {"!", "*", "!*"} and not any(fields[3:4])


def _is_unprivileged(fields: list[str], scripts: list[str]) -> bool:
    """Return whether a user has no rights and no shell, and a home folder that a script names."""
    home, shell = fields[5:]
    is_known = home in {"/nonexistent", f"/home/{fields[0]}"} or any(home in s for s in scripts)
    return is_known and int(fields[2]) in SYSTEM_IDS and shell in NO_LOGIN


def _creates(account: str, script: str) -> bool:
    """Return whether a script creates an account."""
    name = re.compile(rf"(?<![\w-]){re.escape(account)}(?![\w-])")
    return any(name.search(command) for command in CREATION.findall(script))
