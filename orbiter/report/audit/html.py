"""The result of an audit as a self-contained page that makes no requests."""

from orbiter.audit.result import VERDICTS, Audit
from orbiter.audit.rules.table import RULES
from orbiter.report import pages


def render(result: Audit) -> str:
    """Return the page; its policy allows only its own style."""
    style = pages.style(None) + pages.read("audit/page.css")
    return pages.template("audit/page.html.j2").render(
        result=result,
        verdicts=VERDICTS,
        rules=[rule for rule in RULES if result.rules.get(rule.id)],
        shown=shown,
        style=style,
        style_hash=pages.policy_hash(style),
    )


def shown(text: str) -> str:
    """Return a text without characters that a page cannot show."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
