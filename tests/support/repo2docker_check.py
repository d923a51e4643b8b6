"""Prints what the real repo2docker would do with folders; runs in an environment that has it.

For each folder: the build pack, and the text of all its scripts.
"""

import json
import logging
import os
import sys

from repo2docker.app import Repo2Docker  # type: ignore[import-not-found]

logging.disable(logging.CRITICAL)


def describe(folder: str) -> dict[str, str]:
    os.chdir(folder)
    app = Repo2Docker()
    packs = [kind("image") for kind in app.buildpacks]
    pack = next((each for each in packs if each.detect()), None)
    if pack is None:
        pack = app.default_buildpack("image")
    name = type(pack).__name__
    if name in {"DockerBuildPack", "NixBuildPack"}:
        return {"pack": name, "scripts": ""}
    pack.platform = "linux/amd64"
    scripts = [*pack.get_preassemble_scripts(), *pack.get_assemble_scripts()]
    texts = [text for _, text in scripts] + list(pack.get_post_build_scripts())
    return {"pack": name, "scripts": "\n".join([*texts, pack.get_start_script() or ""])}


sys.stdout.write(json.dumps({folder: describe(folder) for folder in sys.argv[1:]}))
