"""Run orbiter with a quicker compression of layers, so that images of tests build quickly."""

from collections.abc import Callable

from orbiter.assembly import compression
from orbiter.cli.main import main


def use_quick_compression(replace: Callable[[object, str, object], None] = setattr) -> None:
    """Compress layers at the lowest level.

    A test that builds in its own process passes ``monkeypatch.setattr`` as ``replace``.
    """
    replace(compression, "ZSTD_LEVEL", 1)


if __name__ == "__main__":
    use_quick_compression()
    main()
