"""Read install.R of repo2docker, as far as it lists packages of CRAN."""

import re
from pathlib import Path

from orbiter.convert.collect import Collector
from orbiter.convert.reasons import redact

CALL = re.compile(
    r"install\.packages\(([^()]{0,4000})\)|install\.packages\(\s*c\(([^()]{0,4000})\)"
)
STRING = re.compile(r"[\"']([A-Za-z][A-Za-z0-9.]*+)[\"']")
WHY = "builds have no network, and Orbiter has no lock for CRAN"


def read(file: Path, text: str, collector: Collector) -> None:
    """Report the calls of install.R, with the Debian packages that may replace them."""
    for number, line in enumerate(text.splitlines(), 1):
        code = line.partition("#")[0].strip()
        if not code:
            continue
        names = [name for name in STRING.findall(_arguments(code)) if name != "CRAN"]
        hint = ", ".join(f"r-cran-{name.lower()}" for name in names)
        why = f"{WHY}: try apt {hint}" if hint else f"{WHY}: write packages of Debian in apt"
        # A cut address may lack the "@" by which its login is found.
        collector.leave_out(f"{file}:{number}: '{redact(code)[:200]}'", why)


def _arguments(code: str) -> str:
    match = CALL.search(code)
    return (match[1] or match[2] or "") if match else ""
