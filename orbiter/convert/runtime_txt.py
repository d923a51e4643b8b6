"""Read runtime.txt, which chooses a language for repo2docker."""

import re
from typing import NamedTuple

WITH_VERSION = re.compile(r"([^-\s]+)-(?:([^-\s]+)(?:-(\d{4}-\d\d-\d\d))?)")
WITHOUT_VERSION = re.compile(r"([^-\s]+)-(\d{4}-\d\d-\d\d)")


class ChosenLanguage(NamedTuple):
    """A language, its version and a date, "" without them."""

    language: str = ""
    version: str = ""
    date: str = ""


def parse(text: str) -> ChosenLanguage:
    """Return the language that the text of runtime.txt chooses."""
    if match := WITHOUT_VERSION.fullmatch(text.strip()):
        return ChosenLanguage(language=match[1], date=match[2])
    if match := WITH_VERSION.fullmatch(text.strip()):
        return ChosenLanguage(*match.groups(""))
    return ChosenLanguage()
