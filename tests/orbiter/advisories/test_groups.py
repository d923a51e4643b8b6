from orbiter.advisories.groups import group_names


def test_records_with_a_common_alias_are_one_group() -> None:
    names = group_names({"PYSEC-1": ["CVE-2"], "GHSA-1": ["CVE-2"], "PYSEC-3": ["CVE-4"]})
    assert names == {"PYSEC-1": "CVE-2", "GHSA-1": "CVE-2", "PYSEC-3": "CVE-4"}


def test_a_record_connects_two_others() -> None:
    names = group_names({"A": ["X"], "B": ["Y"], "C": ["X", "Y"]})
    assert set(names.values()) == {"A"}


def test_an_alias_may_be_the_id_of_a_record() -> None:
    names = group_names({"MAL-1": ["GHSA-1"], "GHSA-1": []})
    assert names == {"MAL-1": "GHSA-1", "GHSA-1": "GHSA-1"}


def test_a_cve_names_the_group_then_a_ghsa() -> None:
    assert group_names({"A-1": ["GHSA-2", "CVE-3", "CVE-2"]}) == {"A-1": "CVE-2"}
    assert group_names({"A-1": ["GHSA-2"]}) == {"A-1": "GHSA-2"}
    assert group_names({"A-1": []}) == {"A-1": "A-1"}


def test_a_long_chain_of_aliases_is_one_group() -> None:
    chain = {f"R{number}": [f"R{number + 1}"] for number in range(200_000)}
    assert set(group_names(chain).values()) == {"R0"}
