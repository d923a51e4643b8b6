"""Parts of HTML pages: templates, style sheets, and hashes for the policy of a page."""

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from orbiter.report.vulnerabilities.view import View

if TYPE_CHECKING:
    from jinja2 import Template

FOLDER = Path(__file__).parent


def read(name: str) -> str:
    """Return the text of a file beside this module."""
    return (FOLDER / name).read_text(encoding="utf-8")


def style(vulnerabilities: View | None) -> str:
    """Return the style sheet of all pages, with that of vulnerabilities if there are any."""
    own = read("vulnerabilities/page.css") if vulnerabilities else ""
    return read("page.css") + own


def policy_hash(text: str) -> str:
    """Return a hash as Content-Security-Policy requires it.

    Format: https://www.w3.org/TR/CSP3/#grammardef-hash-source.
    """
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def template(name: str) -> "Template":
    """Return a template beside this module."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        # Texts from a lock are not trusted.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)
