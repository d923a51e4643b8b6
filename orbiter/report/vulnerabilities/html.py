"""Vulnerabilities of one lock as a self-contained page that makes no requests."""

from orbiter.report import pages
from orbiter.report.vulnerabilities.view import View


def render(view: View) -> str:
    """Return the page; its policy allows only its own style."""
    style = pages.style(view)
    return pages.template("vulnerabilities/page.html.j2").render(
        view=view, style=style, style_hash=pages.policy_hash(style)
    )
