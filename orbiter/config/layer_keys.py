"""The keys of images.toml that say what layers leave out, and how they are compressed.

They are part of the types in ``schema``, which explains their ``Meta``.
"""

from typing import Annotated, Literal, get_args

from msgspec import Meta

TrimRule = Literal[
    "debug-symbols",
    "docs",
    "duplicates",
    "locales",
    "other-platforms",
    "source-maps",
    "static-libraries",
    "tests",
    "type-stubs",
]
"""A rule for files that an image does not need when it runs.

``debug-symbols`` is a step of the build, and ``orbiter.assembly`` applies the other rules.
"""
TRIM_RULES: tuple[TrimRule, ...] = get_args(TrimRule)

Compression = Literal["zstd", "gzip"]
"""The compression of the layers."""
DEFAULT_COMPRESSION: Compression = "zstd"

# A union of choices and sets would be clearer, but msgspec has no unions of two kinds of strings.
TrimEntry = Annotated[
    str,
    Meta(
        pattern=f"^(@.*|{'|'.join(TRIM_RULES)})$",
        description="A rule, or @name for the rules in a set.",
        examples=list(TRIM_RULES),
        extra={"choices": TRIM_RULES},
    ),
]
Trim = Annotated[
    tuple[TrimEntry, ...],
    Meta(
        description="Rules that remove files from what the image adds, including what it receives "
        "from its build stage: files that nobody needs when the image runs. Own files and "
        f"downloads stay. The rules are {', '.join(TRIM_RULES[:-1])} and {TRIM_RULES[-1]}.",
        examples=[["source-maps", "tests"]],
    ),
]
CompressionName = Annotated[
    Compression,
    Meta(
        description="The compression of the layers. zstd is smaller and faster; gzip is for "
        "registries and tools that support nothing else.",
        examples=["gzip"],
    ),
]
