"""The order of versions compared with the managers themselves, and properties of any order."""

import json
import shutil
import sys
from importlib.util import find_spec
from itertools import combinations, pairwise, product
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.diff.versions import compare_versions, sort_key, version_step
from resolvers import process

CEP_33 = """\
0.4 = 0.4.0 < 0.4.1.rc = 0.4.1.RC < 0.4.1+local < 0.4.1+0.local < 0.4.1 = 0.4.1+0 < 0.4.1+1.local
< 0.5a1 < 0.5b3
< 0.5C1 < 0.5 < 0.9.6 < 0.960923 < 1.0 < 1.1dev1 < 1.1a1 < 1.1.0dev1 = 1.1.dev1 < 1.1.a1 < 1.1.0rc1
< 1.1.0.0 = 1.1.0 = 1.1 < 1.1.post1 = 1.1.0post1 < 1.1post1 < 1996.07.12 < 1!0.4.1 < 1!3.1.1.6
< 2!0.4.1
"""
"""The examples of https://github.com/conda/ceps/blob/main/cep-0033.md, whole."""
ORDERS = {
    "conda": [
        CEP_33,
        "1.0.1dev < 1.0.1_ < 1.0.1a < 1.0.1b < 1.0.1",
        "1.1.1 < 1.1.1.post < 1.1.1post",
        "2023c < 2024a < 2024b < 2025a",
        "1.3 < 1.3_31 = 1.3-31 = 1.3.31 < 1.4",
        "1.0alpha < 1.0alpha_ < 1.0",
        "1.dev < 1.a < 1.0 < 1.post",
        "v1.0 < 0.1",
    ],
    "pip": [
        "1.0.dev1 < 1.0a1.dev1 < 1.0a1 < 1.0b2 < 1.0rc1 < 1.0 = 1.0.0 = v1.0 < "
        "1.0+local.1 < 1.0.post1 = 1.0-1",
        "1.0-1 < 1.1 < 1.10 < 1!0.1",
    ],
    "npm": [
        "1.0.0-0 < 1.0.0-alpha < 1.0.0-alpha.1 < 1.0.0-alpha.beta < 1.0.0-beta < "
        "1.0.0-beta.2 < 1.0.0-beta.11",
        "1.0.0-beta.11 < 1.0.0-rc.1 < 1.0.0 = 1.0.0+build.5 < 2.0.0 < 2.1.0 < 2.1.1 < 2.10.0",
    ],
    "apt": [
        "1.0~~ < 1.0~rc1-1 < 1.0~rc1-2 < 1.0 = 1.0-0 = 0:1.0 < 1.0-1~deb13u1 < 1.0-1 "
        "< 1.0-1+b1 < 1.0-1.1 < 1.0-10",
        "1.0 < 1.0a < 1.0+dfsg-1 < 1.0-1-1 < 1.0.1 < 1.2 = 1.02 < 1.10 < 1:0.1",
    ],
    "apk": [
        "1.0_alpha < 1.0_alpha2 < 1.0_beta < 1.0_pre < 1.0_rc1 < 1.0 < 1.0-r0 < "
        "1.0-r10 < 1.0~1f2e < 1.0_cvs",
        "1.0_cvs < 1.0_svn < 1.0_git20240101 < 1.0_hg < 1.0_p1 < 1.0_p1-r1 < "
        "1.0_p2_rc1 < 1.0_p2 < 1.0a < 1.0b < 1.0.0",
        "0.1.0_alpha_pre2 < 0.1.0_alpha < 0.1.3",
        "1.00 < 1.01 < 1.010 < 1.02 < 1.1 < 1.9 < 1.10 < 006",
    ],
}
STRANGE = [
    "",
    " ",
    "git+ssh://git@example.org/a.git#0a1b",
    "file:../x",
    "../..",
    "*",
    "@1",
    "1.0 beta",
    "1:1.0~-",
    "9" * 5000,
    "1." + "0" * 5000,
]
PLACES = ["0", "1", "2", "3", "10", "01", "20240101"]


def in_order(text: str) -> list[tuple[str, str, int]]:
    """Return all pairs of versions of a written order, and their order."""
    words, sign = text.split(), {"<": 1, "=": 0}
    place, places = 0, []
    for before, version in zip(["=", *words[1::2]], words[::2], strict=True):
        place += sign[before]
        places.append((version, place))
    return [(a, b, -1 if i < j else 0) for (a, i), (b, j) in combinations(places, 2)]


@pytest.mark.parametrize(
    ("manager", "order"), [(manager, order) for manager in ORDERS for order in ORDERS[manager]]
)
def test_written_order(manager: str, order: str) -> None:
    assert [(a, b, compare_versions(manager, a, b)) for a, b, _ in in_order(order)] == in_order(
        order
    )
    assert [(b, a, compare_versions(manager, b, a)) for a, b, _ in in_order(order)] == [
        (b, a, -o) for a, b, o in in_order(order)
    ]


@pytest.mark.parametrize("manager", [*ORDERS, "cargo"])
@pytest.mark.parametrize("version", STRANGE)
def test_texts_without_an_order(manager: str, version: str) -> None:
    assert sort_key(manager, version) is None
    assert (
        compare_versions(manager, version, "1.0.0")
        is compare_versions(manager, "1.0.0", version)
        is None
    )
    assert version_step(manager, version, "1.0.0") == ""
    assert compare_versions(manager, version, version) == 0


@pytest.mark.parametrize(
    ("manager", "old", "new", "expected"),
    [
        ("pip", "1.9", "2.0", "major"),
        ("pip", "0.1", "0.2", "minor"),
        ("pip", "0.0.1", "0.0.2", "patch"),
        ("pip", "1.2", "1.2.1", "patch"),
        ("pip", "2", "2.1", "minor"),
        ("pip", "2", "2.0.0", "build"),
        ("pip", "2024.12.31", "2025.1.1", "minor"),
        ("pip", "2025.1.31", "2025.6.15", "minor"),
        ("pip", "24.3.0", "25.1.0", "major"),  # black: a year, but pyzmq 26 to 27 looks the same
        ("pip", "26.4.0", "27.0.2", "major"),
        ("pip", "1.2.3", "1!1.2.3", "major"),
        ("pip", "1.2.3rc1", "1.2.3", "patch"),
        ("pip", "1.2.3", "1.2.3.post1", "patch"),
        ("pip", "2.4.0+cpu", "2.4.0+cu121", "patch"),
        ("pip", "2.4.0.1", "2.4.0.2", "patch"),
        ("conda", "1.1.1a", "1.1.1b", "patch"),
        ("conda", "2024a", "2024b", "patch"),
        ("conda", "2024b", "2025a", "minor"),
        ("conda", "2025.12.0", "2026.1.0", "minor"),
        ("conda", "0.9.0", "2026.1.0", "major"),
        ("conda", "1989", "2026", "major"),
        ("apt", "20250419", "20260203", "minor"),
        ("apt", "20250419", "20269999", "major"),
        ("apk", "202411-r0", "202502-r0", "minor"),
        ("conda", "9.0.1", "10", "major"),
        ("conda", "2021_06", "2021_07", "minor"),
        ("conda", "1.3", "1.3_31", "patch"),
        ("conda", "1.0", "1.0.0", "build"),
        ("conda", "4!1.0", "5!1.0", "major"),
        ("conda", "v0.1", "v0.2", "minor"),
        ("npm", "1.2.3", "1.3.0", "minor"),
        ("npm", "1.2.3-rc.1", "1.2.3", "patch"),
        ("npm", "1.2.3+a", "1.2.3+b", "build"),
        ("apt", "1.2-1", "1.2-2", "build"),
        ("apt", "1.2-1+b1", "1.2-1+b2", "build"),
        ("apt", "2:1.2-1", "2:1.2.1-1", "patch"),
        ("apt", "2:1.2-1", "3:1.2-1", "major"),
        ("apt", "1.2+dfsg1-1", "1.2+dfsg2-1", "patch"),
        ("apt", "252.39-1~deb12u1", "257.8-1~deb13u2", "major"),
        ("apk", "1.2.3-r0", "1.2.3-r1", "build"),
        ("apk", "1.2.3-r5", "1.2.4-r0", "patch"),
        ("apk", "9.9_p1-r0", "9.9_p2-r0", "patch"),
        ("apk", "3.18-r0", "3.19-r0", "minor"),
    ],
)
def test_step(manager: str, old: str, new: str, expected: str) -> None:
    assert version_step(manager, old, new) == expected
    assert version_step(manager, new, old) == expected


def dotted(*, least: int = 1) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(PLACES), min_size=least, max_size=4).map(".".join)


def joined(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map("".join)


def endings(*words: str) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(words), max_size=3).map("".join)


VERSIONS = {
    "pip": joined(
        st.sampled_from(["", "1!"]),
        dotted(),
        st.sampled_from(["", "a1", "rc2", ".post1", ".dev3", "+l.1"]),
    ),
    "conda": joined(
        st.sampled_from(["", "1!"]),
        dotted(),
        endings("a", "b2", "_1", ".dev", "post", ".rc1"),
        endings("_", "+1.a"),
    ).filter(lambda version: sort_key("conda", version) is not None),
    "npm": joined(
        st.tuples(*[st.sampled_from(["0", "1", "2", "10"])] * 3).map(".".join),
        st.sampled_from(["", "-0", "-1.2", "-a", "-a.1", "-a.b", "-10.a"]),
        st.sampled_from(["", "+x"]),
    ),
    "apt": joined(
        st.sampled_from(["", "1:"]),
        dotted(),
        endings("~rc", "+dfsg", "a", "~", "-x"),
        st.sampled_from(["", "-0", "-1", "-1~b"]),
    ),
    "apk": joined(
        dotted(),
        st.sampled_from(["", "a", "z"]),
        endings("_alpha", "_rc1", "_git2", "_p"),
        st.sampled_from(["", "~1f"]),
        st.sampled_from(["", "-r0", "-r10"]),
    ),
}


@pytest.mark.parametrize("manager", VERSIONS)
@given(data=st.data())
def test_properties_of_an_order(manager: str, data: st.DataObject) -> None:
    versions = data.draw(st.lists(VERSIONS[manager], min_size=2, max_size=12))
    for one, two in combinations(versions, 2):
        order = compare_versions(manager, one, two)
        assert order is not None
        assert order == -(compare_versions(manager, two, one) or 0)
        assert version_step(manager, one, two) == version_step(manager, two, one) != ""
    ordered = sorted(
        versions, key=lambda version: sort_key(manager, version) or pytest.fail(version)
    )
    for earlier, later in combinations(
        ordered, 2
    ):  # not neighbours only: that is what transitivity says
        assert compare_versions(manager, earlier, later) in {-1, 0}
    again = sorted(
        data.draw(st.permutations(versions)),
        key=lambda version: sort_key(manager, version) or pytest.fail(version),
    )
    assert all(
        compare_versions(manager, one, two) == 0 for one, two in zip(ordered, again, strict=True)
    )


def written(manager: str) -> list[str]:
    return sorted(
        {word for order in ORDERS[manager] for word in order.split() if word not in {"<", "="}}
    )


def some_pairs(manager: str, count: int) -> list[tuple[str, str]]:
    """Return neighbours, which are the hardest, and other pairs from a fixed seed."""
    versions = written(manager)
    ordered = sorted(
        versions, key=lambda version: sort_key(manager, version) or pytest.fail(version)
    )
    return [*pairwise(ordered), *Random(5).sample(list(product(versions, versions)), count)]


RATTLER = """\
import json, os, sys
from rattler import Version
pairs = [(Version(one), Version(two)) for one, two in json.load(sys.stdin)]
print(json.dumps([-1 if one < two else int(two < one) for one, two in pairs]), flush=True)
os._exit(0)  # the library may crash when the interpreter ends
"""


@pytest.mark.skipif(find_spec("rattler") is None, reason="py-rattler is not installed")
def test_conda_versions_sort_as_in_rattler() -> None:
    # CEP 33 and conda take a trailing _ as part of the letters before it; rattler does not.
    pairs = [pair for pair in product(written("conda"), repeat=2) if "1.0alpha_" not in pair]
    told = json.loads(process.run([sys.executable, "-c", RATTLER], stdin=json.dumps(pairs)))
    assert [(*pair, compare_versions("conda", *pair)) for pair in pairs] == [
        (*pair, order) for pair, order in zip(pairs, told, strict=True)
    ]


SEMVER = """\
const semver = require(process.argv[1]), pairs = JSON.parse(require("fs").readFileSync(0));
console.log(JSON.stringify(pairs.map(([one, two]) => semver.compare(one, two))));
"""


def npms_semver() -> Path | None:
    npm = shutil.which("npm")
    folder = Path(npm).resolve().parent.parent / "node_modules" / "semver" if npm else None
    return folder if folder and folder.is_dir() and shutil.which("node") else None


@pytest.mark.skipif(npms_semver() is None, reason="node and npm's own semver are not here")
def test_npm_versions_sort_as_in_npm() -> None:
    pairs = list(product(written("npm"), repeat=2))
    told = json.loads(
        process.run(["node", "-e", SEMVER, str(npms_semver())], stdin=json.dumps(pairs))
    )
    assert [(*pair, compare_versions("npm", *pair)) for pair in pairs] == [
        (*pair, order) for pair, order in zip(pairs, told, strict=True)
    ]


DPKG = 'while read -r one two; do dpkg --compare-versions "$one" lt "$two"; echo $?; done'


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is not here")
def test_debian_versions_sort_as_in_dpkg() -> None:
    pairs = some_pairs("apt", 100)
    both = [*pairs, *((two, one) for one, two in pairs)]
    told = process.run(
        ["sh", "-c", DPKG], stdin="".join(f"{one} {two}\n" for one, two in both)
    ).split()
    assert [(*pair, compare_versions("apt", *pair) == -1) for pair in both] == [
        (*pair, code == "0") for pair, code in zip(both, told, strict=True)
    ]


@pytest.mark.engine
def test_alpine_versions_sort_as_in_apk() -> None:
    pairs = some_pairs("apk", 150)
    told = process.run(
        ["docker", "run", "--rm", "--interactive", "--network=none", "alpine:3.23", "sh", "-s"],
        stdin="".join(f"apk version --test '{one}' '{two}'\n" for one, two in pairs),
    ).split()
    orders = {"<": -1, "=": 0, ">": 1}
    assert [(*pair, compare_versions("apk", *pair)) for pair in pairs] == [
        (*pair, orders[sign]) for pair, sign in zip(pairs, told, strict=True)
    ]
