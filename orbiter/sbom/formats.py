"""The formats of bills of materials by name."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from orbiter.sbom import cyclonedx, spdx
from orbiter.sbom.model import Bill

FORMATS: Mapping[str, Callable[[Bill], dict[str, Any]]] = {
    "cyclonedx-1.6": partial(cyclonedx.document, version="1.6"),
    "cyclonedx-1.7": partial(cyclonedx.document, version="1.7"),
    "spdx-2.3": spdx.document,
}


def format_bill(bill: Bill, name: str) -> str:
    """Return the text of a bill in a format; the same bill always has the same text."""
    return json.dumps(FORMATS[name](bill), indent=2, ensure_ascii=False) + "\n"
