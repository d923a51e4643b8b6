"""A stand-in for micromamba, which no index of the tests has.

It accepts the same arguments, checks an explicit file like the real program, unpacks the packages,
runs their scripts, and lets the last of two equal paths win. Its records have what the real
micromamba writes for a local explicit file: the local path as channel and address, paths of its
cache, and a requested_spec for every package, in nlohmann's layout: sorted, four blanks, one field
per line. What it cannot show: the real program's own scripts for entry points, and its index data.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

RECORD = "info/recorded-by-micromamba.json"
"""The file of a made package that the stand-in copies into conda-meta."""
FLAGS = "--yes --quiet --offline --no-rc --no-env --no-pyc"
PROGRAM = f"""#!/bin/bash
set -eu
test "$*" = "install {FLAGS} --root-prefix /opt/conda --prefix /opt/env --file /tmp/conda.txt"
grep -q '^@EXPLICIT$' /tmp/conda.txt
grep '^file:' /tmp/conda.txt | while IFS='#' read -r address md5; do
    path=${{address#file://}}
    name=$(basename "$path" .tar.bz2)
    echo "$md5  $path" | md5sum --check --quiet --strict
    tar -xjf "$path" -C /opt/env --exclude=info
    tar -xOjf "$path" {RECORD} > "/opt/env/conda-meta/$name.json"
    script=/opt/env/bin/.${{name%-*-*}}-post-link.sh
    test ! -e "$script" || PREFIX=/opt/env PKG_NAME=${{name%-*-*}} PKG_VERSION=1.0 bash "$script"
done
"""


def record(file: str, index: Mapping[str, Any], paths: Sequence[Mapping[str, Any]]) -> str:
    """Return the record that micromamba writes for a package file in /artifacts/conda."""
    cached = f"/opt/conda/pkgs/{file.removesuffix('.tar.bz2')}"
    listed = [{**path, "sha256_in_prefix": path["sha256"]} for path in paths]
    content = {
        **index,
        "channel": "file:///artifacts/conda",
        "extracted_package_dir": cached,
        "files": [path["_path"] for path in paths],
        "fn": file,
        "link": {"source": cached, "type": 1},
        "package_tarball_full_path": f"{cached}.tar.bz2",
        "paths_data": {"paths": listed, "paths_version": 1},
        "requested_spec": f"file:///artifacts/conda/{file}",
        "size": 0,
        "url": f"file:///artifacts/conda/{file}",
    }
    return json.dumps(content, indent=4, sort_keys=True)
