"""The keys of a stage in images.toml about its commands, as people write them.

They are part of the types in ``schema``, which explains their ``Meta``.
"""

from typing import Annotated

from msgspec import Meta, Struct

Command = Annotated[
    str,
    Meta(
        description="Shell commands of one or more lines, which may have here-documents.",
        examples=["jupyter --version"],
        extra={"multiline": True},
    ),
]
ScriptFile = Annotated[
    str,
    Meta(
        description="The path of a script relative to images.toml. The interpreter in its first "
        "line, such as #!/usr/bin/env python3, runs it, or else sh.",
        examples=["binder/postBuild"],
    ),
]


class ScriptTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A script of the repository that runs like a command."""

    script: ScriptFile


Prebuild = Annotated[
    tuple[Command | ScriptTable, ...],
    Meta(
        description="Shell commands and scripts that run at the start of the stage, before its "
        "packages are installed. They run as root, with the network off.",
        examples=[["mkdir -p /etc/example.d"]],
    ),
]
Postbuild = Annotated[
    tuple[Command | ScriptTable, ...],
    Meta(
        description="Shell commands and scripts that run at the end of the stage.",
        examples=[["jupyter --version", {"script": "binder/postBuild"}]],
    ),
]
