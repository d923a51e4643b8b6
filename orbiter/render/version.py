"""The version of the templates: a digest of everything that turns a plan into a build folder."""

import hashlib
from functools import cache
from pathlib import Path

from orbiter.render.dockerfile import TEMPLATES

OTHER_MODULES = frozenset(
    {"__init__.py", "derived.py", "environment.py", "grammar.py", "stage_rules.py", "version.py"}
)
"""The modules of this folder that do not decide the text of a build folder."""


@cache
def template_version() -> str:
    """Return ``sha256:<hex>`` of the templates and of the modules that use them."""
    modules = Path(__file__).parent.glob("*.py")
    files = {f"render/{path.name}": path for path in modules if path.name not in OTHER_MODULES}
    for folder in TEMPLATES:
        found = (path for path in folder.rglob("*") if path.is_file())
        files |= {
            str(path.relative_to(folder)): path for path in found if "__pycache__" not in path.parts
        }
    hasher = hashlib.sha256()
    for name in sorted(files):
        content = files[name].read_bytes()
        hasher.update(f"{name} {len(content)}\n".encode())
        hasher.update(content)
    return f"sha256:{hasher.hexdigest()}"
