"""Facts that a bake file states about the exporter."""

import json

from orbiter.docker import bake


def test_the_exporter_options_that_decide_a_digest() -> None:
    target = {
        "tags": ["a/b:c"],
        "output": ["type=oci,dest=${OUTPUT}/a.tar,oci-mediatypes=true,compression=zstd"],
    }
    text = json.dumps({"target": {"a": target, "without-image": {}}})
    assert bake.exporter_options(text) == {"oci-mediatypes": "true", "compression": "zstd"}
