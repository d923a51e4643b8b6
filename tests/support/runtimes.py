"""Hypothesis strategies for the settings of containers."""

from hypothesis import strategies as st
from msgspec import UNSET

from orbiter.config.runtime import Healthcheck, Runtime

# Every character that can stand in a value, and all that have a meaning in a Dockerfile.
_CHARACTERS = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")) | st.sampled_from(
    "\"'\\$#<{} =`&|;[]"
)
texts = st.text(_CHARACTERS, max_size=12)
_words = st.lists(texts, max_size=3).map(tuple)
_names = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,3}\Z")
_values = st.lists(
    texts.map(lambda text: text.replace("$", "$$")) | _names.map(lambda name: f"${{{name}}}"),
    max_size=4,
).map("".join)
_folders = st.from_regex(r"\A(/[A-Za-z0-9_=,@+-]{1,4}){1,3}\Z")
_durations = st.sampled_from(["", "30s", "1m30s", "500ms", "1.5s", "1h"])
# Without a test, healthcheck is false and has no other keys.
healthchecks = st.just(Healthcheck(test=())) | st.builds(
    Healthcheck,
    test=_words.filter(bool),
    interval=_durations,
    timeout=_durations,
    start_period=_durations,
    retries=st.integers(0, 9),
)
runtimes = st.builds(
    Runtime,
    env=st.dictionaries(_names, _values, max_size=3),
    workdir=st.sampled_from(["", "/", "${HOME}", "${HOME}/a"]) | _folders,
    entrypoint=st.just(UNSET) | _words,
    cmd=st.just(UNSET) | _words,
    labels=st.dictionaries(
        st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._/-]{0,6}\Z"), texts, max_size=3
    ),
    expose=st.lists(st.sampled_from(["80/tcp", "53/udp", "9/sctp"]), unique=True).map(
        lambda ports: tuple(sorted(ports))
    ),
    healthcheck=st.just(UNSET) | healthchecks,
    user=st.sampled_from(["", "root", "0", "12:34"]),
    stop_signal=st.sampled_from(["", "SIGINT", "SIGRTMIN+3"]),
    volumes=st.lists(_folders, unique=True, max_size=2).map(lambda paths: tuple(sorted(paths))),
)
