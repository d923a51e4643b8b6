"""Configuration that Debian's tools compose from the files of packages: PAM, shells, debconf."""

import re
from collections.abc import Iterator

import msgspec

from orbiter.audit.result import Judgement
from orbiter.audit.scene import (
    Pending,
    Scene,
    as_text,
    changed,
    check_file,
    first_difference,
)

PROFILES = "usr/share/pam-configs/"
PAM_TYPES = ("auth", "account", "password", "session", "session-noninteractive")
DEBCONF = "var/cache/debconf/"
CERTIFICATES = "usr/share/ca-certificates/"


def pam(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check what pam-auth-update writes: /etc/pam.d/common-* and the lists of its profiles."""
    profiles = _profiles(scene)
    for kind in PAM_TYPES:
        path, state = f"etc/pam.d/common-{kind}", f"var/lib/pam/{kind}"
        if path in pending and path in scene.tree:
            text = _common(scene.text(f"usr/share/pam/common-{kind}"), kind, profiles)
            yield _like(scene, path, text)
        if state in pending and state in scene.tree:
            yield _like(scene, state, _state(kind, profiles))
    path = "var/lib/pam/seen"
    if path in pending and path in scene.tree:
        names = sorted(p.removeprefix(PROFILES) for p in scene.tree if p.startswith(PROFILES))
        lines = sorted(scene.text(path).split())
        problem = check_file(scene, path, None)
        yield problem if lines == names else changed(path, "it lists other profiles")


def _like(scene: Scene, path: str, text: str) -> Judgement:
    """Return the verdict on a file whose lines may have other blanks at their ends."""
    found = "\n".join(line.rstrip() for line in scene.text(path).split("\n"))
    wanted = "\n".join(line.rstrip() for line in text.split("\n"))
    problem = check_file(scene, path, None)
    if problem.verdict == "explained" and found != wanted:
        return changed(path, first_difference(wanted.encode(), found.encode()))
    return problem


Profile = dict[str, str]


def _profiles(scene: Scene) -> list[tuple[str, Profile]]:
    """Return the profiles that are on by default, the most important one first."""
    found = []
    for path in scene.tree:
        if path.startswith(PROFILES) and scene.tree[path].kind == "file":
            fields = dict(
                re.findall(r"^([\w-]+):[ \t]*(.*(?:\n[ \t]+.*)*)", scene.text(path), re.MULTILINE)
            )
            if fields.get("Default", "").strip() == "yes":
                found.append((path.removeprefix(PROFILES), fields))
    return sorted(found, key=lambda each: (-int(each[1].get("Priority", "0")), each[0]))


def _modules(
    kind: str, place: str, profiles: list[tuple[str, Profile]]
) -> list[tuple[str, list[str]]]:
    """Return the lines of each profile that belong into a block of a kind."""
    base = "Session" if kind.startswith("session") else kind.capitalize()
    found: list[tuple[str, list[str]]] = []
    for name, fields in profiles:
        if fields.get(f"{base}-Type", "").strip() != place:
            continue
        if (
            kind == "session-noninteractive"
            and fields.get("Session-Interactive-Only", "").strip() == "yes"
        ):
            continue
        initial = fields.get(f"{base}-Initial", "") if not found else ""
        text: str = initial or fields.get(base, "")
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        if lines:
            found.append((name, lines))
    return found


def _common(template: str, kind: str, profiles: list[tuple[str, Profile]]) -> str:
    """Return the text of a file that pam-auth-update composes from its template."""
    word = kind.partition("-")[0]
    primary = [line for _, lines in _modules(kind, "Primary", profiles) for line in lines]
    blocks: dict[str, list[str]] = {"primary": [], "additional": []}
    for at, line in enumerate(primary):
        blocks["primary"].append(f"{word}\t{line.replace('=end', f'={len(primary) - at}')}")
    if not primary:
        blocks["primary"] = [f"{word}\t[default=1]\t\t\tpam_permit.so"]
    for _, lines in _modules(kind, "Additional", profiles):
        blocks["additional"] += [f"{word}\t{line}" for line in lines]
    output = []
    for line in template.split("\n"):
        match = re.fullmatch(r"\$[a-z_]+_(primary|additional)", line.strip())
        output += blocks[match[1]] if match else [line]
    return "\n".join(output)


def _state(kind: str, profiles: list[tuple[str, Profile]]) -> str:
    """Return the text of the file in which pam-auth-update remembers its profiles."""
    output = ""
    if kind.startswith("session") and not _modules(kind, "Primary", profiles):
        output = "Module: null\n[default=1]\t\t\tpam_permit.so\n"
    for place in ("Primary", "Additional"):
        for name, lines in _modules(kind, place, profiles):
            output += "".join(f"{line}\n" for line in (f"Module: {name}", *lines))
    return output


def shells(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check /etc/shells: the shells that packages list, with and without /usr."""
    folder = "usr/share/debianutils/shells.d/"
    listed = [
        line
        for path in scene.tree
        if path.startswith(folder)
        for line in scene.text(path).splitlines()
        if line.startswith("/")
    ]
    start = scene.text("usr/share/debianutils/shells").splitlines()
    allowed = {*start, *listed, *(f"/usr{line}" for line in (*start, *listed))}
    allowed |= {line.removeprefix("/usr") for line in listed}
    for path in ("etc/shells", "var/lib/shells.state"):
        if path not in pending or path not in scene.tree:
            continue
        lines = scene.text(path).splitlines()
        problem = check_file(scene, path, None)
        unknown = [line for line in lines if line not in allowed]
        missing = [line for line in listed if not {line, f"/usr{line}"} & set(lines)]
        if unknown:
            problem = changed(path, f"no package lists {unknown[0]!a}")
        elif missing or len(set(lines)) != len(lines):
            problem = changed(path, f"{(missing or lines)[0]} is missing or has several lines")
        yield problem


class _Known(msgspec.Struct, frozen=True):
    """The questions of packages, the answers of images.toml, and the choices of some questions."""

    templates: dict[str, dict[str, str]]
    owners: set[str]
    answers: dict[str, str]
    choices: set[str]


def _known(scene: Scene) -> _Known:
    profiles = [path for path in scene.tree if path.startswith(PROFILES)]
    choices = {*_certificates(scene), *(path.removeprefix(PROFILES) for path in profiles)}
    names = {each.package.name for each in scene.debs()}
    return _Known(_templates(scene), names, _answers(scene), choices)


def debconf(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check the questions of packages and their answers."""
    known = _known(scene)
    for name in ("templates.dat", "config.dat", "passwords.dat"):
        path = f"{DEBCONF}{name}"
        if path in pending and path in scene.tree:
            problem = check_file(scene, path, None, mode=0o600 if "passwords" in name else 0o644)
            if problem.verdict == "explained":
                reason = _debconf_problem(scene, path, known)
                problem = changed(path, reason) if reason else problem
            yield problem


def _templates(scene: Scene) -> dict[str, dict[str, str]]:
    """Return the templates of packages: their fields in lower case, without blanks."""
    found: dict[str, dict[str, str]] = {}
    for each in scene.debs():
        text = as_text(each.contents.texts.get("templates", b""))
        for paragraph in re.split(r"\n\s*\n", text):
            fields = dict(
                re.findall(r"^([\w.@-]+):[ \t]*(.*(?:\n[ \t].*)*)", paragraph, re.MULTILINE)
            )
            if "Template" in fields:
                plain = {key.lower(): _plain(value) for key, value in fields.items()}
                found.setdefault(fields["Template"].strip(), {}).update(plain)
    return found


def _plain(text: str) -> str:
    """Return the characters of a text without blanks, which debconf changes."""
    return re.sub(r"\s|\\n|(?<=\n) \.(?=\n)", "", text.replace("\n .\n", "\n\n"))


def _debconf_problem(scene: Scene, path: str, known: _Known) -> str:
    """Return the first field that no package explains, or ""."""
    for paragraph in scene.text(path).rstrip("\n").split("\n\n"):
        fields = dict(re.findall(r"^([\w.@-]+): ?(.*(?:\n[ \t].*)*)", paragraph, re.MULTILINE))
        if not fields and not paragraph.strip():
            continue
        name = str(fields.get("Template", fields.get("Name", ""))).strip()
        lines = "\n".join(
            f"{key}: {value}" if value else f"{key}: " for key, value in fields.items()
        )
        if lines.replace(": \n", ":\n").split() != paragraph.split():
            return f"{name!a} has a line that is not a field"
        if name not in known.templates:
            return f"no package has the question {name!a}"
        for key, value in fields.items():
            if not _is_known(known, key, value, name):
                return f"{name}: {key} is not what the package has"
    return ""


def _answers(scene: Scene) -> dict[str, str]:
    """Return the answers of images.toml by question."""
    found = {}
    for stage_plan in scene.locked.lineage:
        for answer in stage_plan.stage.debconf or ():
            _, question, _, value = (*answer.split(maxsplit=3), "")[:4]
            found[question] = value
    return found


def _certificates(scene: Scene) -> set[str]:
    """Return the certificates of packages, as update-ca-certificates names them."""
    return {
        path.removeprefix(CERTIFICATES)
        for path in scene.claims.by_path
        if path.startswith(CERTIFICATES) and path.endswith(".crt")
    }


def certificate_list(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check the list of certificates to use: all of those in packages."""
    path = "etc/ca-certificates.conf"
    if path not in pending or path not in scene.tree:
        return
    comments = {line for _, script in scene.scripts() for line in script.splitlines()}
    lines = scene.text(path).splitlines()
    names = [line for line in lines if not line.startswith("#")]
    unknown = [line for line in lines if line.startswith("#") and line not in comments]
    problem = check_file(scene, path, None)
    if problem.verdict == "explained" and (unknown or names != sorted(_certificates(scene))):
        problem = changed(path, "it lists other certificates than the packages have")
    yield problem


def _is_known(known: _Known, key: str, value: str, question: str) -> bool:
    """Return whether a field of debconf's database follows from the template of a package."""
    name, template, plain = key.lower(), known.templates[question], _plain(value)
    if name == "owners":
        owners = (re.split(r"[/:]", word)[0] for word in re.split(r"[,\s]+", value.strip()))
        return value.strip() == question or known.owners.issuperset(owners)
    if name == "flags":
        return plain in {"", "seen"}
    if name == "value":
        return _is_answer(known, value, question)
    if name.startswith("extended_description"):
        return plain in template.get(name.removeprefix("extended_"), "")
    if name.startswith("description"):
        return template.get(name, "").startswith(plain)
    return name in {"name", "template", "variables"} or plain == template.get(name, "")


def _is_answer(known: _Known, value: str, question: str) -> bool:
    """Return whether a value is the default, the answer of images.toml, or a list of choices."""
    template = known.templates[question]
    if _plain(value) in {template.get("default", ""), _plain(known.answers.get(question, ""))}:
        return True
    choices = {*template.get("choices", "").split(","), *known.choices}
    return choices.issuperset(_plain(word) for word in value.split(","))
