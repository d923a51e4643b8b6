"""The syntax of apk's requirements, as in apk-world(5)."""

import re

REQUIREMENT = re.compile(
    r"(?P<name>([a-z0-9.]+:)?[A-Za-z0-9_][A-Za-z0-9_+.-]*)"
    r"((?P<relation>=~?|~=?|[<>]=?)"
    r"(?P<version>\d+(\.\d+)*[a-z]?(_(alpha|beta|pre|rc|cvs|svn|git|hg|p)\d*)*(~[0-9a-f]+)?(-r\d+)?))?"
)
"""A package name (also ``so:``, ``cmd:`` and ``pc:`` names), optionally with a version constraint."""
