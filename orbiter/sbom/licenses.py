"""Licences as packages declare them, mapped to SPDX expressions. Pure.

List of identifiers: https://spdx.org/licenses/
"""

import re

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

COMMON = {
    "2-clause bsd": "BSD-2-Clause",
    "2-clause bsd license": "BSD-2-Clause",
    "3-clause bsd": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "bsd 2-clause": "BSD-2-Clause",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "gplv2": "GPL-2.0-only",
    "gplv2+": "GPL-2.0-or-later",
    "gplv3": "GPL-3.0-only",
    "gplv3+": "GPL-3.0-or-later",
    "isc license": "ISC",
    "mit license": "MIT",
    "mpl 2.0": "MPL-2.0",
    "the mit license": "MIT",
    "the unlicense": "Unlicense",
}
"""Texts that mean exactly one licence. ``BSD`` or ``GPL`` alone may mean several."""
_IDENTIFIER = re.compile(r"[A-Za-z0-9.-]+")


MAX_LENGTH = 5000
"""The longest expression in characters; it is as nested as its brackets."""


def spdx_expression(text: str, *, own: bool = False) -> str:
    """Return the SPDX expression for the licence of a package; empty if it is not certain.

    ``own`` says whether it may have identifiers that are not in SPDX's list (``LicenseRef-…``). A
    document with such a licence needs its text, which no lock has.
    """
    known = COMMON.get(" ".join(text.split()).lower(), text)
    if not known or len(known) > MAX_LENGTH or ("LicenseRef-" in known and not own):
        return ""
    try:
        return str(canonicalize_license_expression(known))
    except InvalidLicenseExpression:
        return ""


def is_identifier(expression: str) -> bool:
    """Return whether an expression is one identifier."""
    return _IDENTIFIER.fullmatch(expression) is not None
