"""Check one file with all rules."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from orbiter.lint.addresses import find_in_addresses, redact
from orbiter.lint.build_code import find_scripts, find_sdists
from orbiter.lint.characters import find_characters
from orbiter.lint.entries import find_in_entries, is_own
from orbiter.lint.lines import Lines
from orbiter.lint.look_alikes import find_look_alikes
from orbiter.lint.malicious import find_malicious, not_covered
from orbiter.lint.npm_entries import NpmFacts, npm_facts
from orbiter.lint.platforms import find_platforms
from orbiter.lint.requirement_lines import find_in_requirements, included_files
from orbiter.lint.rules import RULES
from orbiter.lint.secrets import find_secrets
from orbiter.lint.types import CheckedFile, CheckedText, Finding, Settings
from orbiter.lint.unusual_hosts import find_unusual_hosts
from orbiter.lockfiles import requirements
from orbiter.lockfiles.document import DAMAGED
from orbiter.lockfiles.recognise import decode, find_reader
from orbiter.lockfiles.types import EntryFault, FormatReader, Lock, PackageEntry
from resolvers.errors import ExpectedError

CHARACTERS = frozenset({"invisible-character", "non-ascii-name"})
ORDER = {rule: number for number, rule in enumerate(RULES)}


def check_lock_file(path: str, content: bytes, settings: Settings) -> CheckedFile:
    """Check a lock file of any format.

    Raises ExpectedError if it is not a lock file of a supported format.
    """
    document = CheckedText(text=_lenient_text(content))
    lines = Lines(document.text)
    found = list(_find_in_text(document, lines, settings))
    if any(each.rule == "merge-marker" for each in found):
        note = "entries are not checked until the conflict is resolved"
        return checked(path, found, settings, notes=(note,))
    of_lines: list[Finding] = []
    try:
        text = decode(path, content)
        reader = find_reader(path, text)
        of_lines = list(find_in_requirements(text)) if reader is requirements else []
        found += of_lines
        lock = reader.read(path, text)
    except ExpectedError as error:
        if any(each.rule == "not-pinned" for each in of_lines) and error.hint != DAMAGED:
            # The reader refuses a file without any pin, which is a finding here.
            return checked(path, found, settings, "requirements.txt")
        # A strange character may be the reason why no reader recognises the file.
        if error.hint != DAMAGED and not any(each.rule in CHARACTERS for each in found):
            raise
        return checked(path, [*found, _damage(path, error)], settings)
    entries = {id(each): each for several in lock.packages.values() for each in several}.values()
    facts = npm_facts(reader, text)
    found += _find_in_lock(reader, text, lock, lines)
    versions_only = lock.format.endswith("(versions only)")
    found += find_in_entries(entries, lines, facts, versions_only=versions_only)
    found += _find_in_packages(entries, lines, facts, settings)
    foreign = (each for each in entries if not is_own(each, facts))
    notes = (*_notes(reader, text, lock), *not_covered(foreign, settings))
    return checked(path, found, settings, lock.format, len(entries), notes)


def _find_in_packages(
    entries: Iterable[PackageEntry], lines: Lines, facts: NpmFacts, settings: Settings
) -> Iterator[Finding]:
    yield from find_scripts(entries, lines, facts, settings)
    yield from find_sdists(entries, lines, settings)
    yield from find_unusual_hosts(entries, lines, settings)
    foreign = [each for each in entries if not is_own(each, facts)]
    yield from find_malicious(foreign, lines, settings)
    yield from find_look_alikes(foreign, lines, settings)


def check_system_lock(
    path: str, content: bytes, entries: Iterable[PackageEntry], settings: Settings
) -> CheckedFile:
    """Check an apk.lock or apt.lock, whose entries another reader has read."""
    document = CheckedText(text=_lenient_text(content))
    lines = Lines(document.text)
    entries = tuple(entries)
    found = list(_find_in_text(document, lines, settings))
    found += find_in_entries(entries, lines, NpmFacts())
    notes = tuple(not_covered(entries, settings))
    return checked(path, found, settings, path.rpartition("/")[2], len(entries), notes)


def check_input(path: str, content: bytes, settings: Settings) -> CheckedFile:
    """Check the text of another file of a lock set, such as the requirements."""
    document = CheckedText(text=_lenient_text(content), is_lock=False)
    return checked(path, list(_find_in_text(document, Lines(document.text), settings)), settings)


def checked(
    path: str,
    found: Iterable[Finding],
    settings: Settings,
    format_: str = "",
    packages: int = 0,
    notes: tuple[str, ...] = (),
) -> CheckedFile:
    """Return the result for a file, without ignored findings and in the order of reports."""
    shown = (replace(each, message=redact(each.message)) for each in dict.fromkeys(found))
    kept = (each for each in shown if each.rule not in settings.ignored)
    ordered = sorted(kept, key=lambda each: (ORDER[each.rule], each.line, each.message))
    return CheckedFile(
        path=path, format=format_, packages=packages, findings=tuple(ordered), notes=notes
    )


def _lenient_text(content: bytes) -> str:
    # The readers report bytes that are not UTF-8; the text rules still find everything else.
    return content.decode("utf-8-sig", "replace").replace("\r\n", "\n")


def _find_in_text(document: CheckedText, lines: Lines, settings: Settings) -> Iterator[Finding]:
    yield from find_characters(document, lines)
    yield from find_secrets(document, lines)
    yield from find_in_addresses(document, lines, settings)


def _find_in_lock(reader: FormatReader, text: str, lock: Lock, lines: Lines) -> Iterator[Finding]:
    for note in lock.notes:
        if isinstance(note, EntryFault):
            yield Finding(rule="entry-mismatch", line=_line_of_fault(note, lines), message=note)
    yield from find_platforms(reader, text, lock, lines)
    if '"verify_ssl": false' in text:
        line = lines.of_word("verify_ssl")
        yield Finding(rule="no-certificate-check", line=line, message="verify_ssl is false")


def _line_of_fault(note: str, lines: Lines) -> int:
    """Return the line of the path or the file that a fault names."""
    words = [word.rstrip(",") for word in note.split()]
    files = [word for word in words if word.endswith((".whl", ".gz", ".zip", ".conda", ".bz2"))]
    return next(filter(None, map(lines.of_word, (*files, words[0]))), 0)


def _damage(path: str, error: ExpectedError) -> Finding:
    """Return a finding with the line at the start of an error, as ``PATH:LINE: message``."""
    rest = error.message.removeprefix(f"{path}:")
    number, _, message = rest.partition(":")
    has_line = number.isascii() and number.isdigit()
    line = int(number) if has_line else 0
    return Finding(rule="damaged-file", line=line, message=(message if has_line else rest).strip())


def _notes(reader: FormatReader, text: str, lock: Lock) -> Iterator[str]:
    """Yield everything that was not checked, and remarks of readers that are not findings."""
    if reader is requirements:
        included = ", ".join(included_files(text))
        if included:
            yield f"files that it includes are not checked: {included}"
        return
    yield from (note for note in lock.notes if not isinstance(note, EntryFault))
