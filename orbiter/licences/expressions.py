"""SPDX expressions with current identifiers. Pure."""

import re

from orbiter.sbom.licenses import spdx_expression

DEPRECATED = re.compile(r"\b(?P<name>(?:A|L)?GPL-[0-9.]+|GFDL-[0-9.]+)(?P<later>\+?)(?![\w.+-])")
"""Former identifiers of GNU licences, which say with a plus that later versions count."""


def expression_of(text: str) -> str:
    """Return the SPDX expression for a licence; empty if it is not certain.

    It may have identifiers that are not in SPDX's list (``LicenseRef-…``).
    """
    return current(spdx_expression(text, own=True))


def current(expression: str) -> str:
    """Return an expression with ``GPL-3.0-only`` for ``GPL-3.0``, so that names can be compared."""
    return DEPRECATED.sub(
        lambda match: f"{match['name']}-{'or-later' if match['later'] else 'only'}", expression
    )
