"""Run orbiter with a quicker compression of layers, so that images of tests build quickly.

The lock sets are otherwise those of the present templates, unlike those of ``compressed_less``.
"""

from orbiter.cli.main import main
from orbiter.render import bake_file, context, derived

COMPRESSION = "compression=zstd,compression-level=1"
EXPORTER = ("oci-mediatypes=true", *COMPRESSION.split(","))


def use_quick_compression() -> None:
    """Replace the settings in every module that has read them."""
    for module in (bake_file, context):
        setattr(module, "COMPRESSION", COMPRESSION)  # noqa: B010  # mypy: context only imports it
    for module in (bake_file, derived):
        setattr(module, "EXPORTER", EXPORTER)  # noqa: B010  # mypy: derived only imports it
    bake_file.bake_file.__defaults__ = (EXPORTER,)


if __name__ == "__main__":
    use_quick_compression()
    main()
