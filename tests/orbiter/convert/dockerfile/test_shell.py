"""Shell code: commands that may be skipped, and variables that it changes, are not certain."""

import pytest

from orbiter.convert.dockerfile.shell import commands


def certain(code: str, **variables: str) -> list[str]:
    return [" ".join(each.words) for each in commands(code, variables) if each.is_certain]


@pytest.mark.parametrize(
    "code",
    [
        "false && z ; true",
        "set -e; false && z ; true",
        "grep -q x /etc/y && z ; true",
        "grep -q x /etc/y && z && echo done || true",
        "a && z || true",
        "a && z\ntrue",
        "set -e\na && z\ntrue",
        "a && z & true",
        "z && a & wait",
        "z &>/dev/null",
        "a && z | tee log",
        "a |& z",
        "false && (true; z; true)",
        "false || (true; z; true)",
        "(a && z); true",
        "z() (true); z",
        "trap 'exit 0' EXIT; false && z",
        "set -n; z",
        "X=1 eval 'z() { true; }'; z",
        'echo "$(echo "a; z; b")"',
        "echo `a; z; b`",
        "echo ${X:-a; z; b}",
        "echo $(a; z; b)",
        "echo $(case x in x) echo; z; esac)",
        "echo $'\\'; z; \\''",
    ],
)
def test_a_command_that_may_not_run_is_not_certain(code: str) -> None:
    """sh and bash run each of these without an error, and need not run z."""
    assert "z" not in certain(code)


@pytest.mark.parametrize(
    "code",
    [
        "a && z",
        "a && z;",
        "a && z\n\n# b\n",
        "a; b && z",
        "a &&\n z",
        "a && z && b",
        "a && z && b | c",
        "(a; b) && z",
        "a | b && z",
        "z; a && b",
        "z; true",
        "set -euxo pipefail; z",
        "a $(b; 'c)' \"d)\" ${e})x && z",
        "a `b; c` && z",
        "a 'x$' && z",
    ],
)
def test_a_command_is_certain_if_the_code_fails_without_it(code: str) -> None:
    assert "z" in certain(code)


@pytest.mark.parametrize(
    "code",
    [
        "V=2.0; z $V",
        "V=2 z $V",
        "V+=2; z $V",
        "V[0]=2; z $V",
        "export V=3.0 && z $V",
        "export A V; z $V",
        "unset V; z $V",
        "read -r V; z $V",
        "printf -v V x; z $V",
        "readonly V=x && z ${V}",
        "for V in a b; do z $V; done",
        ": ${V:=2} && z $V",
        "a=$((V=2)) && z $V",
        "((V=2)) && z $V",
        "sudo V=2 z $V",
        "N=V; export $N=2; z $V",
        "export $(cat env); z $V",
        "a && export $W=2 && z $V",
        "z $V; V=2",
    ],
)
def test_a_variable_that_the_code_changes_is_unknown(code: str) -> None:
    assert not [each for each in certain(code, V="1.0", W="V", N="X") if each.startswith("z")]


def test_other_variables_stay_known() -> None:
    code = 'export W="$PATH:$V" X=V_2; z $V --v=V "$V"'
    assert certain("W=2; z $V", V="1") == ["W=2", "z 1"]
    assert "z 1 --v=V 1" in certain(code, V="1")
    assert "z 1" in certain('export PATH="/opt:$PATH"; z $V', V="1")


@pytest.mark.parametrize("space", ["\xa0", "\x0b", "\x0c", "\u3000", "\x85"])
def test_only_spaces_and_tabs_separate_words(space: str) -> None:
    assert [each.words for each in commands(f"a{space}b \tc", {})] == [(f"a{space}b", "c")]


def test_a_backslash_stays_in_double_quotes() -> None:
    assert certain('a "b\\.c\\"d\\\\e"') == ['a b\\.c"d\\e']


@pytest.mark.parametrize(
    "part", ["$(", "${a", "`\\", '"$(', "a[ ", "1>", "{a,", '"\\$', "((", "<("]
)
def test_hostile_code_takes_linear_time(part: str) -> None:
    """Quadratic time would be minutes here."""
    code = part * (100_000 // len(part))
    assert commands(f"b {code}", {"V": "1"})[0].words[0] == "b"
