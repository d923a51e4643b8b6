"""Run orbiter with a quicker compression of layers, so that images of tests build quickly.

The lock sets are otherwise those of the present templates, unlike those of ``compressed_less``.
"""

from collections.abc import Callable

from orbiter.cli.main import main
from orbiter.render import bake_file, context, derived

COMPRESSION = "compression=zstd,compression-level=1"
EXPORTER = ("oci-mediatypes=true", *COMPRESSION.split(","))


def use_quick_compression(replace: Callable[[object, str, object], None] = setattr) -> None:
    """Replace the settings in every module that has read them.

    A test that builds in its own process passes ``monkeypatch.setattr`` as ``replace``.
    """
    for module in (bake_file, context):
        replace(module, "COMPRESSION", COMPRESSION)
    for module in (bake_file, derived):
        replace(module, "EXPORTER", EXPORTER)
    replace(bake_file.bake_file, "__defaults__", (EXPORTER,))


if __name__ == "__main__":
    use_quick_compression()
    main()
