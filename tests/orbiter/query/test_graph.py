"""Requirements between packages, against the real programs' own reading and a search of its own."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from orbiter.query import tree, why
from orbiter.query.graph import Link, Node, PackageGraph, RootReason, package_graphs
from orbiter.query.packages import Selection
from orbiter.report.query import tree_text, why_text
from resolvers.errors import ExpectedError
from resolvers.npm.locked_requirements import locked_requirements as npm_requirements
from resolvers.pip.locked_requirements import locked_requirements as pip_requirements
from resolvers.types.packages import LockedRequirement
from resolvers.types.request import Target
from tests.support.paths import ROOT
from tests.support.sbom_lock_sets import mixed, release

BASE = Selection(images=("debian-base",))
IMAGES = ROOT / "images.toml"


def base_graph() -> PackageGraph:
    (graph,) = package_graphs(release("0.2.0"), BASE)
    return graph


def test_everything_follows_from_a_root() -> None:
    graph = base_graph()
    reached: set[Node] = set()
    queue = list(graph.roots)
    while queue:
        node = queue.pop()
        if node not in reached:
            reached.add(node)
            queue += [link.node for link in graph.links[node]]
    assert reached == set(graph.entries)
    unexplained = {node for node, found in graph.roots.items() if not found[0].requirement}
    assert {graph.entries[node].groups[0] for node in unexplained} == {"debian"}  # the base


def test_npm_requirements_name_the_copy_that_node_finds() -> None:
    files = release("0.2.0").builder_files("debian", ("package.json", "package-lock.json"))
    entries = json.loads(files["package-lock.json"])["packages"]
    nested = [
        (path.split("/node_modules/")[0], entry["version"], path.rpartition("node_modules/")[2])
        for path, entry in entries.items()
        if path.count("node_modules/") == 2 and not entry.get("inBundle")
    ]
    assert nested
    found = npm_requirements(files)
    for parent, version, name in nested:
        owner = entries[parent]
        owner_name = owner.get("name", parent.removeprefix("node_modules/"))
        links = [each for each in found[owner_name, owner["version"]] if each.name == name]
        if name in owner.get("dependencies", {}):
            assert LockedRequirement(name, version, owner["dependencies"][name]) in links


def test_poetry_requirements_have_constraints_and_obey_markers() -> None:
    text = """
[[package]]
name = "A_b"
version = "1"
[package.dependencies]
colorama = {version = "*", markers = "sys_platform == 'win32'"}
h2 = {version = ">=3", optional = true, markers = "extra == 'http2'"}
numpy = [
    {version = ">=2", markers = "python_version >= '3.12'"},
    {version = "<2", markers = "python_version < '3.12'"},
]
six = ">=1.5"
"""
    target = Target(platform="linux/amd64", python="3.13.5")
    assert pip_requirements({"poetry.lock": text}, target) == {
        ("a-b", "1"): (
            LockedRequirement("h2", constraint=">=3; extra == 'http2'"),
            LockedRequirement("numpy", constraint=">=2"),
            LockedRequirement("six", constraint=">=1.5"),
        )
    }


def test_conda_and_apk_packages_are_linked(tmp_path: Path) -> None:
    graphs = package_graphs(mixed(tmp_path), Selection(platforms=("linux/arm64",)))
    links = {
        graph.image: {each[1]: graph.links[each] for each in graph.entries} for graph in graphs
    }
    tzdata = Node("conda", "tzdata", "2025b")
    assert links["micromamba-base"] == {"python": (Link(tzdata, ""),), "tzdata": ()}
    assert [link.node.name for link in links["alpine-core"]["busybox-binsh"]] == ["busybox"]


def shortest(graph: PackageGraph, target: Node) -> dict[Node, int]:
    """Return the length of the shortest path from each root, by a search from each root."""
    lengths: dict[Node, int] = {}
    for root in graph.roots:
        level, depth, seen = {root}, 1, {root}
        while level and target not in level:
            level = {link.node for node in level for link in graph.links[node]}
            level = {node for node in level if node not in seen and node not in graph.roots}
            level |= {target} & {
                link.node
                for node in seen
                if node == root or node not in graph.roots
                for link in graph.links[node]
            }
            seen |= level
            depth += 1
        if target in level:
            lengths[root] = depth
    return lengths


@pytest.mark.parametrize("name", ["anyio", "libc6", "d3-array", "tornado", "zlib1g", "numpy"])
def test_chains_are_the_shortest_ones(name: str) -> None:
    graph = base_graph()
    found = why.reasons(release("0.2.0"), name, BASE, IMAGES)
    for reason in found.packages:
        target = Node(reason.manager, reason.name, reason.version)
        chains = {
            Node(first.manager, first.name, first.version): len(chain.links)
            for chain in reason.chains
            for first in chain.links[:1]
        }
        assert chains == shortest(graph, target)
        for chain in reason.chains:
            nodes = [Node(each.manager, each.name, each.version) for each in chain.links]
            assert nodes[-1] == target
            for parent, child, link in zip(nodes, nodes[1:], chain.links[1:], strict=False):
                assert Link(child, link.constraint) in graph.links[parent]


def test_names_are_normalised_and_of_all_managers() -> None:
    spelled = why.reasons(release("0.2.0"), "Typing.Extensions", Selection(), IMAGES)
    assert {each.name for each in spelled.packages} == {"typing-extensions"}
    npm = why.reasons(release("0.2.0"), "npm", Selection(), IMAGES)
    assert {each.manager for each in npm.packages} == {"npm"}


def test_an_unknown_name_is_an_error_with_near_names() -> None:
    with pytest.raises(ExpectedError) as error:
        why.reasons(release("0.2.0"), "jupyterlap", Selection(), IMAGES)
    assert "release 0.2.0 has no package 'jupyterlap'" in error.value.message
    assert "did you mean jupyterlab" in error.value.hint
    selection = Selection(managers=("apt",), images=("core",))
    with pytest.raises(ExpectedError, match="no package 'numpy' of apt in core"):
        why.reasons(release("0.2.0"), "numpy", selection, IMAGES)


def test_the_line_of_images_toml(tmp_path: Path) -> None:
    lock_set = mixed(tmp_path)
    path = tmp_path / "images.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    text = why_text.render(why.reasons(lock_set, "tzdata", Selection(), path), width=80)
    line = lines.index('conda = ["python"]') + 1
    assert f"requested for micromamba-base-build as 'python' (images.toml:{line})" in " ".join(
        text.split()
    )
    newer = tmp_path / "newer.toml"
    newer.write_text(path.read_text(encoding="utf-8").replace("0.1.0", "0.2.0", 1))
    for other in (newer, tmp_path / "missing.toml"):
        reasons = why.reasons(lock_set, "tzdata", Selection(), other)
        assert {chain.line for each in reasons.packages for chain in each.chains} == {0}


def test_packages_of_base_images_are_not_searched(tmp_path: Path) -> None:
    lock_set = mixed(tmp_path)
    with pytest.raises(ExpectedError) as error:
        why.reasons(lock_set, "musl" * 1_000_000, Selection(images=("alpine-core",)), IMAGES)
    assert error.value.hint.endswith("not searched: the packages of the base image alpine:3.23")
    found = tree.forest(lock_set, Selection())
    text = tree_text.render(found, width=80)
    assert "not shown: the packages of the base image debian:trixie-slim" in text


def graph_of(edges: dict[str, list[str]], *roots: str) -> PackageGraph:
    names = sorted({*edges, *(name for names in edges.values() for name in names)})
    nodes = {name: Node("pip", name, "1") for name in names}
    entry = next(iter(base_graph().entries.values()))
    return PackageGraph(
        image="a",
        platform="linux/amd64",
        entries={nodes[name]: replace(entry, name=name) for name in names},
        links={
            nodes[name]: tuple(Link(nodes[each], "") for each in edges.get(name, ()))
            for name in names
        },
        roots={nodes[name]: (RootReason("a", name),) for name in roots},
    )


def lines(graph: PackageGraph, depth: int | None = None) -> list[str]:
    shown = tree.ImageTree(graph=graph, roots=tuple(graph.roots), links=graph.links, depth=depth)
    forest = tree.Forest(release="1", name="", inverted=False, trees=(shown,))
    return tree_text.render(forest, width=80).splitlines()[1:]


def test_circles_and_repetitions_end() -> None:
    edges = {"a": ["b", "c"], "b": ["c"], "c": ["a"]}
    assert lines(graph_of(edges, "a")) == [
        "a 1 [pip]",
        "├── b 1",
        "│   └── c 1",
        "│       └── a 1 (*)",
        "└── c 1 (*)",
        "",
        "(*) its packages are shown above",
    ]
    assert lines(graph_of(edges, "a"), 1) == ["a 1 [pip]", "├── b 1", "└── c 1"]
    assert lines(graph_of(edges, "a"), 0) == ["a 1 [pip]"]


def test_a_very_deep_tree_has_one_line_for_each_package() -> None:
    edges = {f"{number:06}": [f"{number + 1:06}"] for number in range(20_000)}
    printed = lines(graph_of(edges, "000000"))
    assert len(printed) == 20_001
    assert printed[-1].endswith("[20000] " + "    " * 11 + "└── 020000 1")


def test_a_tree_has_a_line_for_each_requirement() -> None:
    lock_set = release("0.2.0")
    (shown,) = tree.forest(lock_set, BASE).trees
    graph = base_graph()
    count = len(graph.roots) + sum(map(len, graph.links.values()))
    assert len(list(shown.lines())) == count
    assert shown.nodes() == tuple(graph.entries)
    (inverted,) = tree.forest(lock_set, BASE, inverted=True).trees
    assert {line.node for line in inverted.lines()} == set(graph.entries)


def test_an_inverted_tree_shows_who_requires_a_package() -> None:
    found = tree.forest(release("0.2.0"), Selection(), name="tornado", inverted=True, depth=1)
    text = tree_text.render(found, width=80)
    assert "jupyter-server 2.21.1 (requires >=" in text
    assert max(map(len, text.splitlines())) <= 80


def test_images_with_the_same_tree_share_it() -> None:
    found = tree.forest(release("0.2.0"), Selection(), name="bash")
    text = tree_text.render(found, width=80)
    assert text.startswith("debian-core (linux/amd64), debian-base (linux/amd64)\nbash ")
    assert text.count("bash 5.") == 1
