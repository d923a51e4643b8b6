"""The bake definition of a build has no variables, and names the folders that buildx may use."""

from pathlib import Path
from typing import Any

from orbiter.docker.bake import BakeOptions, cache_folders, with_substitutes
from orbiter.docker.bake_definition import bound, permissions

FOLDER = Path("/cache/build-1")
DEFINITION: dict[str, Any] = {
    "variable": {"ARTIFACTS": {"default": ""}},
    "group": {"default": {"targets": ["a-base"]}},
    "target": {
        "a-base": {
            "context": "a-base",
            "contexts": {
                "artifacts": "${ARTIFACTS}/a-base",
                "a:1@sha256:0f": "oci-layout://${BASES}/0f@sha256:0f",
                "a-core": "target:a-core",
            },
            "labels": {"org.example.${OUTPUT}": "${LOCKSET}"},
            "tags": ["a/${TOKEN}:b"],
            "output": ["type=oci,tar=false,dest=${OUTPUT}/a-base"],
        },
        "a_seed": {
            "context": "${SEEDS}/a",
            "dockerfile-inline": "ADD ${TARGETOS}-${TARGETVARIANT:+-${TARGETVARIANT}}%{x}.tar /\n",
        },
    },
}


def test_the_variables_are_replaced_and_other_expressions_escaped() -> None:
    assert bound(DEFINITION, FOLDER) == {
        "group": {"default": {"targets": ["a-base"]}},
        "target": {
            "a-base": {
                "context": "/cache/build-1/build/a-base",
                "contexts": {
                    "artifacts": "/cache/build-1/artifacts/a-base",
                    "a:1@sha256:0f": "oci-layout:///cache/build-1/bases/0f@sha256:0f",
                    "a-core": "target:a-core",
                },
                "labels": {"org.example./cache/build-1/images": "$${LOCKSET}"},
                "tags": ["a/$${TOKEN}:b"],
                "output": ["type=oci,tar=false,dest=/cache/build-1/images/a-base"],
            },
            "a_seed": {
                "context": "/cache/build-1/seeds/a",
                "dockerfile-inline": "ADD $${TARGETOS}-$${TARGETVARIANT:+-$${TARGETVARIANT}}"
                "%%{x}.tar /\n",
            },
        },
    }


def test_buildx_may_use_exactly_the_folders_of_the_definition() -> None:
    definition = bound(DEFINITION, FOLDER)
    arguments = permissions(definition, [Path("/caches/a")], FOLDER, "0.29.1+ds1")
    assert arguments[::2] == ["--allow"] * (len(arguments) // 2)
    assert arguments[1::2] == [
        "fs.read=/cache/build-1/artifacts/a-base",
        "fs.read=/cache/build-1/bases/0f",
        "fs.read=/cache/build-1/build/a-base",
        "fs.read=/cache/build-1/seeds/a",
        "fs.write=/cache/build-1/images",
        "fs=/caches/a",
    ]


def test_a_cache_that_does_not_exist_needs_its_nearest_parent(tmp_path: Path) -> None:
    (tmp_path / "a-base").mkdir()

    def folders(name: str) -> list[Path]:
        options = BakeOptions(
            targets=(name,),
            cache_from=(f"type=local,src={tmp_path}/{{stage}}", "type=registry,ref=a/b"),
            cache_to=(f"type=local,dest={tmp_path}/a-base/new/{{stage}},mode=max",),
        )
        return cache_folders(options)

    assert folders("a-base") == [tmp_path / "a-base"]
    assert folders("a-core") == [tmp_path, tmp_path / "a-base"]


def test_base_images_of_other_platforms_have_a_substitute(tmp_path: Path) -> None:
    (tmp_path / "bases" / "0f").mkdir(parents=True)
    missing = f"oci-layout://{tmp_path}/bases/aa@sha256:aa"
    there = f"oci-layout://{tmp_path}/bases/0f@sha256:0f"
    contexts = {"one": there, "other": missing, "parent": "target:a-core", "files": "/elsewhere"}
    targets = {"a": {"context": "a", "contexts": contexts}, "b": {"context": "b"}}
    complete = with_substitutes({"group": {}, "target": targets}, tmp_path)
    assert complete["target"]["a"]["contexts"] == {**contexts, "other": there}
    assert complete["target"]["b"] == {"context": "b", "contexts": {}}
    assert contexts["other"] == missing


def test_a_buildx_without_permissions_gets_no_arguments() -> None:
    definition = bound(DEFINITION, FOLDER)
    assert permissions(definition, (), FOLDER, "0.13.1+ds1") == []
