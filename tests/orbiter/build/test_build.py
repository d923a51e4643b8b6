"""The definition that buildx receives follows from the lock files, whatever the templates."""

import json

import pytest
from msgspec.structs import replace

from orbiter.build.build import build_definition
from orbiter.lockset import folder
from orbiter.render.derived import derive
from tests.support.lock_sets import older, small
from tests.support.paths import ROOT

DOCKERFILE = "debian-base/Dockerfile"


@pytest.mark.parametrize("release", ["0.1.0", "0.2.0"])
def test_a_release_is_built_with_the_definition_of_its_time(release: str) -> None:
    lock_set = folder.read(ROOT / "locks" / release)
    definition = build_definition(derive(lock_set), lock_set.root)
    assert definition == json.loads(lock_set.files["build/docker-bake.json"])


def test_lock_sets_of_other_templates_share_no_cache_mounts() -> None:
    derived = derive(older())
    mount = "RUN --network=none --mount=type=cache,id=orbiter-wheels-0 <<'X'\nX\n"
    with_cache = replace(derived, files={**derived.files, DOCKERFILE: mount})
    targets = build_definition(with_cache, "sha256:root")["target"]
    assert targets["debian-base"]["args"]["BUILDKIT_CACHE_MOUNT_NS"] == "sha256:root"
    assert "BUILDKIT_CACHE_MOUNT_NS" not in targets["debian-core"]["args"]
    same = build_definition(derive(small()), "sha256:root")
    assert "BUILDKIT_CACHE_MOUNT_NS" not in json.dumps(same)
