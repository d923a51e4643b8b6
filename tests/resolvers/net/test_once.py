import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from resolvers.net.once import Lazy, OncePerKey


def test_one_thread_computes_the_value_of_a_key() -> None:
    values: OncePerKey[str, int] = OncePerKey()
    calls: list[str] = []
    started = threading.Barrier(4)

    def compute() -> int:
        calls.append("a")
        return 7

    def read(_number: int) -> int:
        started.wait()
        return values("a", compute)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, range(4))) == [7] * 4
    assert calls == ["a"]
    assert values("b", lambda: 8) == 8


@pytest.mark.parametrize("retry", [False, True])
def test_an_error_is_kept_unless_retried(*, retry: bool) -> None:
    attempts: list[int] = []

    def compute() -> int:
        attempts.append(len(attempts))
        if len(attempts) == 1:
            raise ValueError("the first attempt fails")
        return len(attempts)

    value = Lazy(compute, retry=retry)
    with pytest.raises(ValueError, match="first attempt"):
        value()
    if retry:
        assert [value(), value()] == [2, 2]
    else:
        with pytest.raises(ValueError, match="first attempt"):
            value()
    assert len(attempts) == (2 if retry else 1)
